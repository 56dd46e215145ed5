package pager

import (
	"context"
	"errors"
	"slices"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Seen is what a look at one incident found: the incident, or why there is none.
type Seen struct {
	Number   string
	Incident Incident
	Err      error // apierr.ErrNotFound for an unknown number; nil when found
}

// Look reads incidents by number, in the order given and each once. It asks for
// the list, and singly for those that are not on it. An unknown number is its own
// Seen.Err; the error is for a list that could not be read at all. Links are there
// when the organisation is known: a change does not wait for it (Link asks).
func (p *Pager) Look(ctx context.Context, numbers []string) ([]Seen, error) {
	numbers = unique(numbers)
	var all []victorops.Incident
	if len(numbers) != 1 {
		var err error
		if all, err = p.Client.Incidents(ctx); err != nil {
			return nil, err
		}
	}
	org := p.knownOrganisation()
	out := make([]Seen, len(numbers))
	var jobs []func()
	for n, number := range numbers {
		out[n].Number = number
		at := slices.IndexFunc(all, func(v victorops.Incident) bool { return string(v.Number) == number })
		if at >= 0 {
			out[n].Incident = FromVictorOps(all[at], org)
			continue
		}
		jobs = append(jobs, func() { out[n] = p.lookAt(ctx, number, org) })
	}
	together(jobs...)
	// One failure that no number explains (no network, no right) is that of all.
	if len(jobs) == len(out) && len(out) > 0 && !slices.ContainsFunc(out, func(s Seen) bool {
		return s.Err == nil || errors.Is(s.Err, apierr.ErrNotFound)
	}) {
		return nil, out[0].Err
	}
	incidents := make([]Incident, 0, len(out))
	for _, s := range out {
		incidents = append(incidents, s.Incident)
	}
	_ = p.nameTeams(ctx, incidents) // names are for show: slugs serve when they cannot be read
	return out, nil
}

func (p *Pager) lookAt(ctx context.Context, number, org string) Seen {
	v, err := p.Client.Incident(ctx, number)
	v.Number = victorops.ID(number) // what becomes of it is told under the number that was asked for
	if errors.Is(err, apierr.ErrNotFound) {
		err = unknown(number, err)
	}
	if err != nil {
		return Seen{Number: number, Err: err}
	}
	return Seen{Number: number, Incident: FromVictorOps(v, org)}
}

func unknown(number string, cause error) error {
	return &apierr.Error{Vendor: victorops.Vendor, Op: "incident " + number, Message: "no incident has this number",
		Kind: []error{apierr.ErrNotFound}, Hint: "oncall incident list", Err: cause}
}

func unique(all []string) []string {
	out := make([]string, 0, len(all))
	for _, s := range all {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
