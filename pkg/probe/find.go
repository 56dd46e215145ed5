package probe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/nodeping"
)

// Filter chooses checks.
type Filter struct {
	States []State
	Tags   []string // all of them
	Muted  bool     // only those that are muted
}

// List lists the checks, failing first, then by name.
func (d *Desk) List(ctx context.Context, f Filter) ([]Check, error) {
	raw, err := d.Client.Checks(ctx)
	if err != nil {
		return nil, err
	}
	out := []Check{}
	for _, c := range d.named(raw) {
		if len(f.States) > 0 && !slices.Contains(f.States, c.State) || f.Muted && !c.Muted {
			continue
		}
		if !slices.ContainsFunc(f.Tags, func(t string) bool { return !slices.Contains(c.Tags, t) }) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Check) int {
		return cmp.Or(cmp.Compare(slices.Index(States(), a.State), slices.Index(States(), b.State)), cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

func (d *Desk) named(raw []nodeping.Check) []Check {
	count := map[string]int{}
	out := []Check{}
	for _, v := range raw {
		c := d.from(v)
		count[strings.ToLower(c.Name)]++
		out = append(out, c)
	}
	for i := range out {
		out[i].shared = count[strings.ToLower(out[i].Name)] > 1
	}
	return out
}

// Pick finds the check that a word names: its whole label or id first, else the
// begin of exactly one label, or of the part of an id after the account.
func Pick(all []Check, word string) (Check, error) {
	word = strings.TrimSpace(word)
	low := strings.ToLower(word)
	if word == "" {
		return Check{}, apierr.New(apierr.ErrUsage, nodeping.Vendor, "", "a check has no empty name").WithHint("oncall probe list")
	}
	for _, fits := range []func(c Check) bool{
		func(c Check) bool { return c.Label() == word || strings.EqualFold(c.ID, word) },
		func(c Check) bool { return c.Name == word },
		func(c Check) bool { return strings.EqualFold(c.Name, word) || c.Target == word },
		func(c Check) bool {
			_, short, _ := strings.Cut(c.ID, "-")
			return strings.HasPrefix(strings.ToLower(c.Name), low) || len(low) >= 4 && strings.HasPrefix(strings.ToLower(short), low)
		},
	} {
		found := []Check{}
		for _, c := range all {
			if fits(c) {
				found = append(found, c)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			names := []string{}
			for _, c := range found {
				names = append(names, fmt.Sprintf("%s (%s, %s)", c.Name, c.ID, c.Target))
			}
			return Check{}, apierr.New(apierr.ErrAmbiguous, nodeping.Vendor, "", "%q fits %s", word, strings.Join(names, " and ")).WithHint("use the whole name, or the id")
		}
	}
	err := apierr.New(apierr.ErrNotFound, nodeping.Vendor, "", "the account of the token has no check %q", word)
	names := []string{}
	for _, c := range all {
		names = append(names, c.Name)
	}
	if near := nearest.Of(word, names); len(near) > 0 {
		return Check{}, err.WithHint("did you mean %s?", strings.Join(near, " or "))
	}
	return Check{}, err.WithHint("oncall probe list; a check of a sub-account needs ONCALL_NODEPING_ACCOUNT")
}

// Find reads the checks and picks the one that a word names.
func (d *Desk) Find(ctx context.Context, word string) (Check, error) {
	all, err := d.List(ctx, Filter{})
	if err != nil {
		return Check{}, err
	}
	return Pick(all, word)
}

// FindAll reads the checks and picks those that words name.
func (d *Desk) FindAll(ctx context.Context, words []string) ([]Check, error) {
	all, err := d.List(ctx, Filter{})
	if err != nil {
		return nil, err
	}
	return PickAll(all, words)
}

// PickAll finds the checks that words name, each once, in the order of the words.
func PickAll(all []Check, words []string) ([]Check, error) {
	out := []Check{}
	for _, w := range words {
		c, err := Pick(all, w)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(out, func(x Check) bool { return x.ID == c.ID }) {
			out = append(out, c)
		}
	}
	return out, nil
}
