package pager

import (
	"context"
	"errors"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Detail is everything about one incident. Its JSON form holds that of Incident.
type Detail struct {
	Incident
	Severity    string       `json:"severity"` // critical, warning, ...; "" when not said
	Host        string       `json:"host"`
	RoutingKey  string       `json:"routingKey"`
	Source      string       `json:"source"` // the monitor, or the person who made it by hand
	Alert       *Alert       `json:"alert,omitempty"`
	Links       []Link       `json:"links"`
	Annotations []Annotation `json:"annotations"`
	Notes       []Note       `json:"notes"`
	History     []Event      `json:"history"` // transitions, oldest first
	Next        *Next        `json:"next,omitempty"`

	Partial []Partial `json:"-"` // what could not be read
}

// Next says who is paged next when nobody acknowledges.
type Next struct {
	Policy string    `json:"policy"`
	Step   int       `json:"step"` // the one that comes, counted from 1
	Who    []string  `json:"who"`  // usernames, or what else the step pages
	At     time.Time `json:"at"`
}

// Get returns one incident with everything that is known of it. The parts are
// read in parallel, and one that cannot be read is a Partial. An unknown number
// is an apierr.ErrNotFound.
func (p *Pager) Get(ctx context.Context, number string) (Detail, error) {
	var (
		v        victorops.Incident
		err      error
		org      string
		notes    []Note
		notesErr error
		parts    partials
	)
	together(
		func() { v, err = p.Client.Incident(ctx, number) },
		func() { org = p.organisation(ctx) },
		func() { notes, notesErr = p.plainNotes(ctx, number) },
	)
	if errors.Is(err, apierr.ErrNotFound) {
		return Detail{}, unknown(number, err)
	}
	if err != nil {
		return Detail{}, err
	}
	parts.add("notes", notesErr)
	if v.Number == "" {
		v.Number = victorops.ID(number)
	}
	d := Detail{
		Incident: FromVictorOps(v, org), Host: string(v.Host), RoutingKey: v.RoutingKey, Source: source(v),
		Links: []Link{}, Annotations: []Annotation{}, Notes: notes, History: history(v),
	}
	d.Severity = d.Incident.Severity()
	together(
		func() { parts.add("alert", p.addAlert(ctx, &d)) },
		func() {
			next, err := p.next(ctx, d.Incident)
			parts.add("escalation", err)
			d.Next = next
		},
		func() { parts.add("team names", p.nameTeams(ctx, []Incident{d.Incident})) },
	)
	d.Partial = parts.all
	return d, nil
}

// plainNotes are the notes, where "not found" is none: Get asks for the incident
// itself at the same time.
func (p *Pager) plainNotes(ctx context.Context, number string) ([]Note, error) {
	all, err := p.Client.Notes(ctx, number)
	if errors.Is(err, apierr.ErrNotFound) {
		err = nil
	}
	return sortedNotes(all), err
}

// addAlert reads the first alert, which has the fullest text (spec), or the last.
func (p *Pager) addAlert(ctx context.Context, d *Detail) error {
	v := d.Raw()
	for _, id := range unique([]string{v.FirstAlertID, v.LastAlertID}) {
		if id == "" {
			continue
		}
		a, err := p.Client.Alert(ctx, id)
		if errors.Is(err, apierr.ErrNotFound) {
			continue // old alerts are not kept for ever
		}
		if err != nil {
			return err
		}
		alert, links, annotations := readAlert(id, a)
		d.Alert, d.Links, d.Annotations = &alert, links, annotations
		return nil
	}
	return nil
}

// source is who or what made the incident: "vouser-NAME" is a person (note 3).
func source(v victorops.Incident) string {
	if name, byHand := cutPrefixFold(string(v.MonitorName), "vouser-"); byHand {
		return name
	}
	return string(v.MonitorName)
}
