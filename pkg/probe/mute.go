package probe

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nodeping"
)

// readBacks is how often a change is looked for: the vendor's answer and the read
// after it may still show the old record (note 8).
const (
	readBacks    = 4
	readBackWait = time.Second
)

// SetMuted mutes a check until a moment (the zero time: for ever), or ends that.
// What is so already is not sent; what was sent is read back. looked tells that
// the answer was lost and a look shows the change.
func (d *Desk) SetMuted(ctx context.Context, c Check, mute bool, until time.Time) (now Check, changed, looked bool, err error) {
	is := func(x Check) bool {
		if x.Muted != mute {
			return false
		}
		if !mute || until.IsZero() != (x.MutedUntil == nil) {
			return !mute
		}
		return until.IsZero() || x.MutedUntil.UnixMilli() == until.UnixMilli()
	}
	if is(c) { // it was when it was read: a person may have thought since
		v, err := d.Client.Check(ctx, c.ID)
		if err != nil {
			return c, false, false, err
		}
		if now = d.again(c, v); is(now) {
			return now, false, false, nil
		}
		c = now
	}
	if mute {
		_, err = d.Client.Mute(ctx, c.raw, until)
	} else {
		_, err = d.Client.Unmute(ctx, c.raw)
	}
	lost := errors.Is(err, apierr.ErrUnknownOutcome)
	if err != nil && !lost {
		return c, false, false, err
	}
	cause := err
	text := "was accepted, and the check does not show it"
	if lost {
		text = "cannot tell whether it arrived: the answer was lost, and the check does not show it"
	}
	for n := range readBacks {
		v, rerr := d.Client.Check(ctx, c.ID)
		if rerr != nil {
			text = strings.Replace(text, "the check does not show it", "the check could not be read", 1)
			cause = errors.Join(cause, rerr)
			break
		}
		if now = d.again(c, v); is(now) {
			return now, true, lost, nil
		}
		if n+1 < readBacks && d.Wait(ctx, readBackWait) != nil {
			break
		}
	}
	return c, false, false, &apierr.Error{Vendor: nodeping.Vendor, Op: "mute " + c.Label(), Message: text, Kind: []error{apierr.ErrUnknownOutcome},
		Hint: "oncall probe get " + c.ID, Err: cause}
}

// again is a check that was read anew, with the label it had.
func (d *Desk) again(old Check, v nodeping.Check) Check {
	c := d.from(v)
	c.shared = old.shared
	return c
}
