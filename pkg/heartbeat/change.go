package heartbeat

import (
	"context"
	"errors"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/healthchecks"
	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// SetPaused pauses or resumes a check. What is so already is not sent. After a
// lost answer the check is read: looked tells that it shows the change.
func (m *Monitor) SetPaused(ctx context.Context, c Check, paused bool) (now Check, changed, looked bool, err error) {
	what := "resume"
	if paused {
		what = "pause"
	}
	if err := needUUID(c, what); err != nil {
		return c, false, false, err
	}
	if (c.State == Paused) == paused { // it was when it was read: a person may have thought since
		now, err := m.reread(ctx, c)
		if err != nil || (now.State == Paused) == paused {
			now.Pause = c.Pause
			return now, false, false, err
		}
		c = now
	}
	call := m.Client.Resume
	if paused {
		call = m.Client.Pause
	}
	v, err := call(ctx, c.raw.UUID)
	switch {
	case err == nil:
		now = m.again(c, v)
		if (now.State == Paused) != paused {
			return now, false, false, &apierr.Error{Vendor: healthchecks.Vendor, Op: what + " " + c.Label(), Kind: []error{apierr.ErrUnknownOutcome},
				Message: "accepted, and yet the check is " + string(now.State), Hint: "oncall heartbeat get " + shortID(c.ID)}
		}
		return now, true, false, nil
	case errors.Is(err, apierr.ErrConflict): // somebody, or a signal, was faster
		now, lerr := m.reread(ctx, c)
		if lerr == nil && (now.State == Paused) == paused {
			return now, false, false, nil
		}
		return c, false, false, err
	case errors.Is(err, apierr.ErrUnknownOutcome):
		now, lerr := m.reread(ctx, c)
		if lerr == nil && (now.State == Paused) == paused {
			return now, true, true, nil
		}
		return c, false, false, m.lost(err, what, c, now, lerr)
	}
	return c, false, false, err
}

// lost says what a look showed after a change whose answer was lost.
func (m *Monitor) lost(err error, what string, c, now Check, looked error) error {
	text := "cannot tell whether it arrived: the answer was lost, and "
	if looked != nil {
		text += "a look at the check failed too"
	} else {
		text += "the check is still " + string(now.State)
	}
	return &apierr.Error{Vendor: healthchecks.Vendor, Op: what + " " + c.Label(), Kind: []error{apierr.ErrUnknownOutcome},
		Message: text, Hint: "oncall heartbeat get " + shortID(c.ID), Err: err}
}

// Target is where signals go, with what is known of the check.
type Target struct {
	Name  string // for people
	Check *Check // nil when it was not read
	to    healthchecks.Target
}

var slugForm = lazyregexp.New(`^[a-z0-9_-]+$`)

// Target finds where the signals of a word go. A UUID or a pasted address needs
// no key at all; a slug needs the ping key; everything else is looked up. When
// that fails, a word that may be a slug is taken for one, if there is a ping key.
func (m *Monitor) Target(ctx context.Context, word string) (Target, error) {
	if id, ok := UUIDIn(word); ok {
		return Target{Name: shortID(id), to: healthchecks.Target{UUID: id}}, nil
	}
	if !m.Client.Signed() {
		if m.Client.CanPingBySlug() && slugForm().MatchString(word) {
			return Target{Name: word, to: healthchecks.Target{Slug: word}}, nil
		}
		return Target{}, apierr.New(apierr.ErrAuth, healthchecks.Vendor, "ping "+word, "no API key is set to find the check by").
			WithHint("give its UUID, or its slug and ONCALL_HEALTHCHECKS_PING_KEY; or: oncall auth login healthchecks")
	}
	c, err := m.Find(ctx, word)
	if err != nil {
		// Jobs report to another host, which may be well while the API is not.
		if m.Client.CanPingBySlug() && slugForm().MatchString(word) && !errors.Is(err, apierr.ErrNotFound) && !errors.Is(err, apierr.ErrAmbiguous) {
			return Target{Name: word, to: healthchecks.Target{Slug: word}}, nil
		}
		return Target{}, err
	}
	t := Target{Name: c.Label(), Check: &c}
	switch {
	case c.raw.UUID != "":
		t.to.UUID = c.raw.UUID
	case m.Client.CanPingBySlug() && c.Slug != "":
		t.to.Slug = c.Slug
	default:
		return t, needUUID(c, "ping")
	}
	return t, nil
}

// Signal sends one signal, once: whether a lost one arrived is told by the
// check's pings, if the key may read them.
func (m *Monitor) Signal(ctx context.Context, t Target, s healthchecks.Signal) (healthchecks.Pinged, error) {
	res, err := m.Client.Ping(ctx, t.to, s)
	var e *apierr.Error
	if errors.Is(err, apierr.ErrUnknownOutcome) && errors.As(err, &e) && e.Hint == "" && t.Check != nil {
		e.Hint = "oncall heartbeat pings " + shortID(t.Check.ID) + " shows whether it arrived"
	}
	return res, err
}
