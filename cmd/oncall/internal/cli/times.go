package cli

import (
	"time"

	"github.com/balena-io/oncall/pkg/when"
)

// Since reads a flag that says from when on: a length of time before now, a
// clock time, a date. "" is the zero time.
func (f *Factory) Since(text string) (time.Time, error) { return f.instant("since", text, when.Past) }

// Instant reads another flag of that kind that looks back.
func (f *Factory) Instant(flag, text string) (time.Time, error) {
	return f.instant(flag, text, when.Past)
}

// Coming reads a flag that looks ahead: a length of time from now, the next
// such clock time, a date.
func (f *Factory) Coming(flag, text string) (time.Time, error) {
	return f.instant(flag, text, when.Future)
}

func (f *Factory) instant(flag, text string, read func(string, time.Time, *time.Location) (time.Time, error)) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	cfg, err := f.Config() // the demo's clock and the zone come from it
	if err != nil {
		return time.Time{}, err
	}
	at, err := read(text, f.Now(), cfg.Location())
	if err != nil {
		return time.Time{}, Usage("--%s: %v", flag, err)
	}
	return at, nil
}

// Length reads a flag that is a length of time: 90m, 2h30m, 3d. "" is otherwise.
func Length(flag, text string, otherwise time.Duration) (time.Duration, error) {
	if text == "" {
		return otherwise, nil
	}
	d, err := when.Duration(text)
	if err != nil {
		return 0, Usage("--%s: %v", flag, err)
	}
	return d, nil
}

// Until reads --for of a change that ends by itself or is to be ended: when that
// is, by the run's clock. Such a change needs a --reason, as somebody will ask why
// it is so; what names it: "a mute". "" is the zero time.
func (f *Factory) Until(text, what string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	d, err := Length("for", text, 0)
	if err != nil {
		return time.Time{}, err
	}
	if f.Change.Reason == "" {
		return time.Time{}, Usage("--for: %s with an end needs a reason", what).WithHint("--for %s --reason WHY", text)
	}
	if _, err := f.Config(); err != nil { // the demo's clock comes from it
		return time.Time{}, err
	}
	return f.Now().Add(d), nil
}
