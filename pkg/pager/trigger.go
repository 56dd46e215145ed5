package pager

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// NewIncident is an incident to make by hand.
type NewIncident struct {
	Summary string // the title
	Details string // empty: the summary again, as the API wants both
	To      []Target
	// All makes everyone paged acknowledge. Enterprise plans only (note 3).
	All bool
}

// Made is an incident that was made.
type Made struct {
	Number string `json:"number"`
	Title  string `json:"title"`
	URL    string `json:"url"` // "" when the organisation is not known
	Looked bool   `json:"looked"`
}

// Trigger pages the targets for a new incident, as User. It is sent once. When
// the answer is lost the incidents are looked at, and if none is new that bears
// the title and was made by User, the error is an apierr.ErrUnknownOutcome.
func (p *Pager) Trigger(ctx context.Context, in NewIncident) (Made, error) {
	const op = "trigger an incident"
	user, err := p.actor(op)
	if err != nil {
		return Made{}, err
	}
	if err := CheckIncident(in); err != nil {
		return Made{}, err
	}
	targets := make([]victorops.Target, 0, len(in.To))
	for _, t := range in.To {
		targets = append(targets, t.wire())
	}
	details := in.Details
	if details == "" {
		details = in.Summary
	}
	// What is there already cannot be the new one, should the answer be lost.
	var before []victorops.Incident
	var beforeErr error
	var org string
	together(
		func() { before, beforeErr = p.Client.Incidents(ctx) },
		func() { org = p.organisation(ctx) },
	)
	number, err := p.Client.CreateIncident(ctx, victorops.NewIncident{Summary: in.Summary, Details: details, UserName: user, Targets: targets, MultiResponder: in.All})
	made := Made{Number: number, Title: in.Summary}
	if err == nil {
		made.URL = link(victorops.Incident{Number: victorops.ID(number)}, org)
		return made, nil
	}
	if !lost(err) {
		return Made{}, err
	}
	if gone(ctx) {
		return Made{}, interrupted(op, "cannot tell whether anybody was paged", "oncall incident list", err)
	}
	if beforeErr == nil {
		if now, err := p.Client.Incidents(ctx); err == nil {
			for _, v := range now {
				isNew := !slices.ContainsFunc(before, func(b victorops.Incident) bool { return b.Number == v.Number })
				if isNew && title(v) == in.Summary && (self{names: []string{user}}).is(source(v)) {
					return Made{Number: string(v.Number), Title: title(v), URL: link(v, org), Looked: true}, nil
				}
			}
		}
	}
	return Made{}, &apierr.Error{Vendor: victorops.Vendor, Op: op, Message: "cannot tell whether anybody was paged: the answer was lost, and no such incident is there yet",
		Kind: []error{apierr.ErrUnknownOutcome}, Hint: "oncall incident list", Err: err}
}

// CheckIncident says, without asking anybody, whether an incident can be made.
func CheckIncident(in NewIncident) error {
	const op = "trigger an incident"
	switch {
	case strings.TrimSpace(in.Summary) == "":
		return apierr.New(apierr.ErrUsage, victorops.Vendor, op, "the summary is empty")
	case len(in.To) == 0:
		return apierr.New(apierr.ErrUsage, victorops.Vendor, op, "nobody is named to be paged").WithHint("--to user:NAME or --to policy:NAME")
	}
	return tooLong(op, []limited{{"the summary", in.Summary, victorops.MaxField}, {"the details", in.Details, victorops.MaxStateMessage}})
}

type limited struct {
	what, text string
	most       int
}

// tooLong compares lengths with what the vendor takes (note 4), in characters.
func tooLong(op string, all []limited) error {
	for _, l := range all {
		if n := utf8.RuneCountInString(l.text); n > l.most {
			return apierr.New(apierr.ErrUsage, victorops.Vendor, op, "%s has %d characters, VictorOps takes %d", l.what, n, l.most)
		}
	}
	return nil
}

// alertTypes are the words for types of alert, with the vendor's. It takes
// every other word as INFO, which pages nobody (note 4).
var alertTypes = []struct {
	word string
	wire victorops.MessageType
}{
	{"critical", victorops.Critical}, {"warning", victorops.Warning}, {"info", victorops.Info},
	{"ack", victorops.Acknowledgement}, {"recovery", victorops.Recovery},
}

// AlertTypes are the words for an alert's type.
func AlertTypes() []string {
	out := make([]string, 0, len(alertTypes))
	for _, t := range alertTypes {
		out = append(out, t.word)
	}
	return out
}

// opens reports whether an alert of this type may open an incident.
func opens(t victorops.MessageType) bool {
	return t == victorops.Critical || t == victorops.Warning
}

func usage(op, format string, args ...any) *apierr.Error {
	return apierr.New(apierr.ErrUsage, victorops.Vendor, op, format, args...)
}

func unauthorised(err error) bool { return errors.Is(err, apierr.ErrAuth) }
