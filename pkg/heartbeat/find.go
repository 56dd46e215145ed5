package heartbeat

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/healthchecks"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/nearest"
)

// Filter chooses checks.
type Filter struct {
	Tags   []string // all of them, with their case
	States []State  // any of them; none is all
}

// List lists checks, worst first and within a state by name.
func (m *Monitor) List(ctx context.Context, f Filter) ([]Check, error) {
	raw, err := m.Client.Checks(ctx, f.Tags...)
	if err != nil {
		return nil, err
	}
	all := []Check{}
	for _, c := range m.named(raw) {
		if len(f.States) == 0 || slices.Contains(f.States, c.State) || slices.Contains(f.States, Running) && c.Running {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b Check) int {
		return cmp.Or(cmp.Compare(rank(a.State), rank(b.State)), cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// named gives checks their words. Names need not be unique (note 6.5): those
// that are shared get the begin of their id, so that a label names one check.
func (m *Monitor) named(raw []healthchecks.Check) []Check {
	count := map[string]int{}
	all := make([]Check, 0, len(raw))
	for _, v := range raw {
		c := m.from(v)
		count[strings.ToLower(c.Name)]++
		all = append(all, c)
	}
	for i := range all {
		c := &all[i]
		c.shared = count[strings.ToLower(c.Name)] > 1
		if p, ok := m.Pauses[c.Label()]; ok && p.lasts(*c) {
			c.Pause = &p
		}
	}
	return all
}

var uuidIn = lazyregexp.New(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)

// UUIDIn finds the UUID in a word: by itself, or in a pasted address of the page
// or of the ping.
func UUIDIn(word string) (string, bool) {
	id := uuidIn().FindString(word)
	if id == "" || len(word) != len(id) && !strings.Contains(word, "/") {
		return "", false
	}
	return strings.ToLower(id), true
}

// minPrefix is how much of an id names a check.
const minPrefix = 4

// Pick finds the check that a word names: its whole name, slug, id or label
// first; else the begin of one name or id. What fits several is an error that
// lists them.
func Pick(all []Check, word string) (Check, error) {
	word = strings.TrimSpace(word)
	if word == "" {
		return Check{}, apierr.New(apierr.ErrUsage, healthchecks.Vendor, "", "a check has no empty name").WithHint("oncall heartbeat list")
	}
	if id, ok := UUIDIn(word); ok {
		key := healthchecks.UniqueKeyOf(id)
		for _, c := range all {
			if strings.EqualFold(c.raw.UUID, id) || c.raw.UUID == "" && c.raw.UniqueKey == key {
				c.raw.UUID = id // a read-only key hides it, and we were told
				return c, nil
			}
		}
		return Check{}, unknownCheck(word, nil)
	}
	low := strings.ToLower(word)
	for _, fits := range []func(c Check) bool{
		func(c Check) bool { return c.Label() == word || c.ID == low },
		func(c Check) bool { return c.Name == word },
		func(c Check) bool {
			return strings.EqualFold(c.Name, word) || c.Slug != "" && strings.EqualFold(c.Slug, word)
		},
		func(c Check) bool {
			return strings.HasPrefix(strings.ToLower(c.Name), low) || strings.HasPrefix(c.Slug, low) ||
				len(low) >= minPrefix && strings.HasPrefix(c.ID, low)
		},
	} {
		found := []Check{}
		for _, c := range all {
			if fits(c) {
				found = append(found, c)
			}
		}
		switch len(found) {
		case 0:
			continue
		case 1:
			return found[0], nil
		}
		return Check{}, ambiguous(word, found)
	}
	return Check{}, unknownCheck(word, all)
}

// PickAll finds the checks that words name, each once, in the order of the words.
func PickAll(all []Check, words []string) ([]Check, error) {
	out := []Check{}
	for _, w := range words {
		c, err := Pick(all, w)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(out, func(x Check) bool { return x.ID == c.ID }) { // named twice is meant once
			out = append(out, c)
		}
	}
	return out, nil
}

func ambiguous(word string, found []Check) error {
	names := []string{}
	for _, c := range found {
		text := c.Name + " (" + shortID(c.ID)
		if len(c.Tags) > 0 {
			text += ", " + strings.Join(c.Tags, " ")
		}
		names = append(names, text+")")
	}
	return apierr.New(apierr.ErrAmbiguous, healthchecks.Vendor, "", "%q fits %s", word, strings.Join(names, " and ")).
		WithHint("use the whole name, or the begin of the id: %s", shortID(found[0].ID))
}

func unknownCheck(word string, all []Check) error {
	err := apierr.New(apierr.ErrNotFound, healthchecks.Vendor, "", "the project of the key has no check %q", word)
	names := []string{}
	for _, c := range all {
		names = append(names, c.Name)
	}
	if near := nearest.Of(word, names); len(near) > 0 {
		return err.WithHint("did you mean %s?", strings.Join(near, " or "))
	}
	return err.WithHint("oncall heartbeat list")
}

// Find reads the checks and picks the one that a word names.
func (m *Monitor) Find(ctx context.Context, word string) (Check, error) {
	raw, err := m.Client.Checks(ctx)
	if err != nil {
		return Check{}, err
	}
	return Pick(m.named(raw), word)
}

// FindAll reads the checks and picks those that words name.
func (m *Monitor) FindAll(ctx context.Context, words []string) ([]Check, error) {
	all, err := m.List(ctx, Filter{})
	if err != nil {
		return nil, err
	}
	return PickAll(all, words)
}

// reread is the check as it is now, with the label it had.
func (m *Monitor) reread(ctx context.Context, c Check) (Check, error) {
	v, err := m.Client.Check(ctx, c.raw.ID())
	if err != nil {
		return c, err
	}
	return m.again(c, v), nil
}

func (m *Monitor) again(old Check, v healthchecks.Check) Check {
	if v.UUID == "" {
		v.UUID = old.raw.UUID
	}
	c := m.from(v)
	c.shared = old.shared
	return c
}

// ParseState reads a state as people write it.
func ParseState(word string) (State, error) {
	word = strings.ToLower(strings.TrimSpace(word))
	alias := map[string]State{"grace": Late, "started": Running, "ok": Up}
	if s, ok := alias[word]; ok {
		return s, nil
	}
	names := []string{}
	for _, s := range States() {
		if string(s) == word {
			return s, nil
		}
		names = append(names, string(s))
	}
	err := apierr.New(apierr.ErrUsage, "", "", "%q is not a state of a check; there are %s", word, strings.Join(names, ", "))
	if near := nearest.Of(word, names); len(near) > 0 {
		return "", err.WithHint("did you mean %s?", near[0])
	}
	return "", err
}

// needUUID refuses a change where a read-only key hides what it needs.
func needUUID(c Check, what string) error {
	if c.CanPing() {
		return nil
	}
	return apierr.New(apierr.ErrAuth, healthchecks.Vendor, fmt.Sprintf("%s %s", what, c.Label()), "the API key is read-only: it does not tell the check's UUID").
		WithHint("oncall auth login healthchecks with a read-write key")
}
