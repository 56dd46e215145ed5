package publicstatus

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// Postmortem is the account of an incident.
type Postmortem struct {
	IncidentID  string    `json:"incidentId"`
	Title       string    `json:"title"` // of the incident
	State       string    `json:"state"` // "none", "draft", "published", "published with a newer draft"
	Draft       string    `json:"draft,omitempty"`
	Body        string    `json:"body,omitempty"` // what the public reads
	PublishedAt time.Time `json:"publishedAt,omitzero"`
	DraftedAt   time.Time `json:"draftedAt,omitzero"`
	URL         string    `json:"url"` // of the incident
	// IncidentState is where the incident stands; the page shows a postmortem
	// only of one that is over.
	IncidentState statuspage.IncidentStatus `json:"incidentState"`
}

func fromPostmortem(in statuspage.Incident, p statuspage.Postmortem) Postmortem {
	out := Postmortem{IncidentID: in.ID, Title: in.Name, URL: in.Shortlink, IncidentState: in.Status, State: "none",
		Draft: p.BodyDraft, Body: p.Body, PublishedAt: p.PublishedAt.UTC(), DraftedAt: p.BodyDraftUpdatedAt.UTC()}
	switch {
	case !p.PublishedAt.IsZero() && p.BodyDraft != "" && p.BodyDraft != p.Body:
		out.State = "published with a newer draft"
	case !p.PublishedAt.IsZero():
		out.State = "published"
	case p.BodyDraft != "":
		out.State = "draft"
	}
	return out
}

// Postmortem reads the postmortem of an incident; State is "none" when there is
// none. The incident has to be named: several may be over.
func (b *Board) Postmortem(ctx context.Context, ref, pager string) (Postmortem, error) {
	if ref == "" && pager == "" {
		return Postmortem{}, usage("say which incident").WithHint("oncall status incident list --all")
	}
	in, err := b.findIncident(ctx, ref, pager)
	if err != nil {
		return Postmortem{}, err
	}
	p, err := b.api.Postmortem(ctx, in.ID)
	if errors.Is(err, apierr.ErrNotFound) {
		return fromPostmortem(in, statuspage.Postmortem{}), nil
	}
	if err != nil {
		return Postmortem{}, err
	}
	return fromPostmortem(in, p), nil
}

// CheckPostmortem refuses a text that cannot be a postmortem.
func CheckPostmortem(text string) error {
	switch {
	case !utf8.ValidString(text):
		return usage("the postmortem is not UTF-8 text")
	case strings.TrimSpace(text) == "":
		return usage("the postmortem is empty")
	}
	return nil
}

// sameDraft refuses a draft that somebody changed since was.
func (b *Board) sameDraft(ctx context.Context, was Postmortem) error {
	now, err := b.api.Postmortem(ctx, was.IncidentID)
	switch {
	case err != nil && !errors.Is(err, apierr.ErrNotFound):
		return err
	case now.BodyDraft != was.Draft:
		return guard("the draft for %s has changed since it was looked at; nothing was sent", was.IncidentID).
			WithHint("look, and run this again: %s", postmortemHint(was.IncidentID))
	}
	return nil
}

// DraftPostmortem saves text as the draft, which only the team sees. One that
// somebody wrote since was is apierr.ErrGuard: nobody has seen what it says.
func (b *Board) DraftPostmortem(ctx context.Context, was Postmortem, text string) (Postmortem, error) {
	if err := b.sameDraft(ctx, was); err != nil {
		return was, err
	}
	in := statuspage.Incident{ID: was.IncidentID, Name: was.Title, Shortlink: was.URL, Status: was.IncidentState}
	got, err := b.api.DraftPostmortem(ctx, in.ID, text)
	err = b.settle(ctx, err, postmortemHint(in.ID), func(ctx context.Context) (bool, error) {
		var lerr error
		got, lerr = b.api.Postmortem(ctx, in.ID)
		if errors.Is(lerr, apierr.ErrNotFound) {
			return false, nil
		}
		return lerr == nil && got.BodyDraft == text, lerr
	})
	if err != nil {
		return was, err
	}
	return fromPostmortem(in, got), nil
}

// PublishPostmortem shows the draft to the public; notify mails the subscribers.
// A draft that somebody changed since was is apierr.ErrGuard: nobody has agreed to
// that text.
func (b *Board) PublishPostmortem(ctx context.Context, was Postmortem, notify bool) (Postmortem, error) {
	if err := b.sameDraft(ctx, was); err != nil {
		return was, err
	}
	in := statuspage.Incident{ID: was.IncidentID, Name: was.Title, Shortlink: was.URL, Status: was.IncidentState}
	got, err := b.api.PublishPostmortem(ctx, in.ID, statuspage.PostmortemPublish{NotifySubscribers: notify})
	err = b.settle(ctx, err, postmortemHint(in.ID), func(ctx context.Context) (bool, error) {
		var lerr error
		got, lerr = b.api.Postmortem(ctx, in.ID)
		return lerr == nil && !got.PublishedAt.IsZero() && !got.PublishedAt.Equal(was.PublishedAt), lerr
	})
	if err != nil {
		return was, err
	}
	return fromPostmortem(in, got), nil
}

func postmortemHint(id string) string { return "oncall status incident postmortem " + id }
