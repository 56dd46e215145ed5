package balena

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Change is what became of a fleet.
type Change struct {
	Before, After Fleet
	Changed       bool // false: it stood there already and nothing was sent
	// Looked: the answer to the change was lost, and reading the fleet showed
	// that it had arrived.
	Looked bool
}

// lookWaits are the pauses before each look at a fleet after a lost answer: a
// request that was under way may still be worked on.
var lookWaits = []time.Duration{0, 2 * time.Second, 4 * time.Second}

const lookTimeout = 30 * time.Second

// Pin sends a fleet to a release and keeps it there. seen is the fleet as the
// plan saw it: when its target has changed since, nothing is changed and the
// error is an apierr.ErrConflict.
//
// A release that did not build, and one with Doubts unless force is set, is
// refused with apierr.ErrGuard before anything is sent. A fleet that already
// stands there, pinned, is left alone.
func (c *Client) Pin(ctx context.Context, seen Fleet, to Release, force bool) (Change, error) {
	op := "pin " + seen.Slug + " to " + to.Ref().String()
	if to.ID <= 0 {
		return Change{}, apierr.New(apierr.ErrUsage, Vendor, op, "no release is named")
	}
	if to.Status != Success {
		return Change{}, apierr.New(apierr.ErrGuard, Vendor, op, "its build did not succeed (%s), so no fleet can run it", to.Status)
	}
	if doubts := to.Doubts(); len(doubts) > 0 && !force {
		return Change{}, apierr.New(apierr.ErrGuard, Vendor, op, "%s", strings.Join(doubts, " and "))
	}
	return c.set(ctx, op, seen, target{release: to.Ref(), track: false})
}

// Unpin lets a fleet follow its newest release again and sends it there, as the
// vendor's own tools do. Without a trackable release it keeps its target until
// there is one. seen is as with Pin.
func (c *Client) Unpin(ctx context.Context, seen Fleet) (Change, error) {
	op := "unpin " + seen.Slug
	to := target{release: seen.Target, track: true, flagOnly: true}
	latest, ok, err := c.Latest(ctx, seen)
	if err != nil {
		return Change{}, err
	}
	if ok {
		to = target{release: latest.Ref(), track: true}
	}
	return c.set(ctx, op, seen, to)
}

// target is where a fleet is sent.
type target struct {
	release  Ref
	track    bool
	flagOnly bool // the release stays what it is
}

func (t target) String() string {
	if t.track {
		return "following, at " + t.release.String()
	}
	if t.release.IsZero() {
		return "without a target"
	}
	return "pinned to " + t.release.String()
}

func (f Fleet) target() target { return target{release: f.Target, track: f.Track} }

func (t target) same(o target) bool { return t.release.ID == o.release.ID && t.track == o.track }

// reached reports whether a fleet stands where it was sent. One that follows may
// have been moved on by the server to a release that appeared meanwhile.
func (t target) reached(seen, now Fleet) bool {
	if t.same(now.target()) {
		return true
	}
	return t.track && now.Track && now.Target.ID != seen.Target.ID
}

// body is the change. Both fields go in one request; without a trackable release
// only the flag does (note 5).
func (t target) body() map[string]any {
	b := map[string]any{"should_track_latest_release": t.track}
	if !t.flagOnly {
		b["should_be_running__release"] = t.release.ID
	}
	return b
}

// set sends the change, once, on the condition that the target is still what
// was seen, and then reads the fleet: the answer to a PATCH is 200 and empty
// whether a row matched or not (note 2), so what was read decides.
func (c *Client) set(ctx context.Context, op string, seen Fleet, to target) (Change, error) {
	out := Change{Before: seen, After: seen}
	if err := checkID(op, seen.ID); err != nil {
		return out, err
	}
	if !seen.Mine {
		return out, apierr.New(apierr.ErrAuth, Vendor, op, "it is a public fleet of another organisation: the token can read it, not change it").
			WithHint("oncall auth status balena tells whose token it is")
	}
	if to.same(seen.target()) {
		return out, nil
	}
	err := c.patch(ctx, op, seen, to)
	if err != nil && !lost(err) {
		return out, err
	}
	now, err := c.settle(ctx, op, seen, to, err)
	if err != nil {
		return out, err
	}
	out.After, out.Changed, out.Looked = now.fleet, true, now.looked
	return out, nil
}

// patch is the one request that changes something. The filter makes it a
// compare-and-set of both fields (note 5), so even the repetition after a 429, which
// refused it, changes nothing that somebody else has set meanwhile: a pin at the
// release that a fleet follows to changes the flag alone.
func (c *Client) patch(ctx context.Context, op string, seen Fleet, to target) error {
	q := query{filter: fmt.Sprintf("should_be_running__release eq %s and should_track_latest_release eq %t", numberOrNull(seen.Target.ID), seen.Track)}
	return c.send(ctx, httpx.Request{
		Op: op, Method: http.MethodPatch, Path: resources + row("application", seen.ID), RawQuery: q.raw(), JSON: to.body(),
	}, nil)
}

type settled struct {
	fleet  Fleet
	looked bool
}

// settle reads the fleet and says what became of the change; was is the error of
// a lost answer, nil when the API took the change.
func (c *Client) settle(ctx context.Context, op string, seen Fleet, to target, was error) (settled, error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return settled{}, unknown(op, was, "interrupted after the request was sent; it may have arrived")
	}
	// The command's own time may be over; looking has its own.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	waits := lookWaits
	if was == nil || statusOf(was) == http.StatusInternalServerError {
		waits = lookWaits[:1]
	}
	var now Fleet
	var failed error
	for _, d := range waits {
		if d > 0 && c.sleep(ctx, d) != nil {
			break
		}
		f, err := c.fleetByID(ctx, op+": look at the fleet", seen.ID)
		if failed = err; err != nil {
			continue
		}
		now, now.Mine = f, seen.Mine
		if to.reached(seen, now) {
			return settled{now, was != nil}, nil
		}
		if !now.target().same(seen.target()) {
			break // it moved, and not to where it was sent
		}
	}
	switch {
	case failed != nil:
		return settled{}, unknown(op, errors.Join(was, failed), "whether it was done is not known, as the fleet could not be read: "+failed.Error())
	case !now.target().same(seen.target()):
		return settled{}, apierr.New(apierr.ErrConflict, Vendor, op, "somebody else changed the fleet meanwhile: it is now %s", now.target()).
			WithHint("look again and decide anew: oncall deploy list")
	case statusOf(was) == http.StatusInternalServerError:
		return settled{}, &apierr.Error{Vendor: Vendor, Op: op, Kind: []error{apierr.ErrUnavailable}, Status: http.StatusInternalServerError,
			Message: "balena failed, and the fleet stands where it stood"}
	case was != nil:
		return settled{}, unknown(op, was, "the answer was lost, and the fleet does not show the change yet; it may still arrive")
	}
	return settled{}, apierr.New(apierr.ErrAuth, Vendor, op, "balena took the change and did nothing: the token does not have the right to change this fleet").
		WithHint("oncall auth status balena tells whose token it is")
}

// statusOf is the status that an error was answered with, 0 when there was none.
// The server's own 500 is the end of the matter: its transaction was rolled
// back. Other 5xx come from proxies, behind which it may still be at work.
func statusOf(err error) int {
	var e *apierr.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

func unknown(op string, was error, why string) error {
	e := &apierr.Error{Vendor: Vendor, Op: op, Kind: []error{apierr.ErrUnknownOutcome}, Message: why, Err: was,
		Hint: "see where the fleet stands before you do it again: oncall deploy list"}
	var first *apierr.Error
	if errors.As(was, &first) {
		e.Method, e.Path, e.Status = first.Method, first.Path, first.Status
	}
	return e
}
