package pager

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Kinds of Event beyond the phases of an incident.
const (
	KindAlert = "alert"
	KindNote  = "note"
	KindChat  = "chat"
)

// Timeline is everything that the pager knows to have happened to an incident.
type Timeline struct {
	Incident Incident
	Events   []Event // oldest first
	Partial  []Partial
}

// Timeline merges an incident's transitions, its first and last alert (the API
// has no list of them, note 3), its notes and its chat. A part that cannot be read
// is a Partial. An account whose API has no chat is not one.
func (p *Pager) Timeline(ctx context.Context, number string) (Timeline, error) {
	var (
		v                 victorops.Incident
		err               error
		org               string
		notes             []Note
		chat              []victorops.Message
		notesErr, chatErr error
		firstErr, lastErr error
		firstHas, lastHas bool
		firstEvt, lastEvt Event
		parts             partials
	)
	together(
		func() { v, err = p.Client.Incident(ctx, number) },
		func() { org = p.organisation(ctx) },
		func() { notes, notesErr = p.plainNotes(ctx, number) },
		func() { chat, chatErr = p.Client.Chat(ctx, number) },
	)
	if errors.Is(err, apierr.ErrNotFound) {
		return Timeline{}, unknown(number, err)
	}
	if err != nil {
		return Timeline{}, err
	}
	if v.Number == "" {
		v.Number = victorops.ID(number)
	}
	out := Timeline{Incident: FromVictorOps(v, org), Events: history(v)}
	jobs := []func(){func() { firstEvt, firstHas, firstErr = p.alertEvent(ctx, v.FirstAlertID) }}
	if v.LastAlertID != v.FirstAlertID {
		jobs = append(jobs, func() { lastEvt, lastHas, lastErr = p.alertEvent(ctx, v.LastAlertID) })
	}
	together(jobs...)
	if firstHas {
		out.Events = append(out.Events, firstEvt)
	}
	if lastHas {
		out.Events = append(out.Events, lastEvt)
	}
	for _, n := range notes {
		out.Events = append(out.Events, Event{At: n.At, Kind: KindNote, By: n.By, Message: n.Text})
	}
	for _, m := range chat {
		out.Events = append(out.Events, Event{At: m.At.UTC(), Kind: KindChat, By: m.Username, Message: string(m.Text)})
	}
	sortEvents(out.Events)
	if errors.Is(chatErr, apierr.ErrNotFound) {
		chatErr = nil
	}
	parts.add("notes", notesErr)
	parts.add("chat", chatErr)
	parts.add("alert", errors.Join(firstErr, lastErr))
	out.Partial = parts.all
	return out, nil
}

// alertEvent is an alert as an event; an alert that is gone is none.
func (p *Pager) alertEvent(ctx context.Context, uuid string) (Event, bool, error) {
	if uuid == "" {
		return Event{}, false, nil
	}
	v, err := p.Client.Alert(ctx, uuid)
	if errors.Is(err, apierr.ErrNotFound) {
		return Event{}, false, nil
	}
	if err != nil {
		return Event{}, false, err
	}
	a, _, _ := readAlert(uuid, v)
	parts := slices.DeleteFunc([]string{a.Type, a.Message}, func(s string) bool { return s == "" })
	return Event{At: a.At, Kind: KindAlert, By: a.Tool, Message: strings.Join(parts, ": ")}, true, nil
}
