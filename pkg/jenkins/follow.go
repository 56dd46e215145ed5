package jenkins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// FollowOptions are how a log is followed.
type FollowOptions struct {
	Tail   int               // begin with the last lines; 0 begins at the first one
	Notify func(FollowEvent) // told of what a person may want to know; may be nil
	// AwayLimit is how long the controller may be away at a stretch; 0 is
	// DefaultAwayLimit.
	AwayLimit time.Duration
}

// DefaultAwayLimit suffices for the restart of a large controller.
const DefaultAwayLimit = 15 * time.Minute

// FollowKind is what happened to a follower.
type FollowKind string

// What a follower tells.
const (
	FollowCounting FollowKind = "counting"  // how positions are found: for debugging
	FollowRestart  FollowKind = "restarted" // the log began anew; it follows from its first line
	FollowAway     FollowKind = "away"      // the controller does not answer; Err says how
	FollowBack     FollowKind = "back"      // it answers again; nothing was lost
)

// FollowEvent is one thing that happened.
type FollowEvent struct {
	Kind FollowKind
	Text string // a sentence, lower case
	Err  error  // cause of FollowAway
}

// Pauses between two requests of a follower. It never sends more than one
// request a second while nothing new comes.
const (
	pollMin = time.Second
	pollMax = 5 * time.Second
	// A log that claims to grow but is silent this long is checked against the
	// build: Jenkins forgets to close some.
	silence = 30 * time.Second
	// A build may answer 404 for some seconds while a controller loads its jobs.
	goneTries = 5
)

// Follow writes a build's console to w as it grows, to the last line, and
// returns the build as it ended. Line ends are LF and console notes are
// removed, else the bytes are Jenkins'.
//
// Nothing is lost or repeated across the behaviours of Jenkins' versions, cut
// answers and restarts of the controller. A log that begins anew is written
// again from its first line, after a FollowRestart. ctx ends the wait with its
// own error; an error of w comes back as it is.
func (c *Client) Follow(ctx context.Context, job JobName, number int, w io.Writer, o FollowOptions) (Build, error) {
	if o.Notify == nil {
		o.Notify = func(FollowEvent) {}
	}
	if o.AwayLimit == 0 {
		o.AwayLimit = DefaultAwayLimit
	}
	b, err := c.Build(ctx, job, number)
	if err != nil {
		return Build{}, err
	}
	f := follower{c: c, o: o, k: c.newCursor(job, number, w), pause: pollMin, build: b}
	if o.Tail > 0 {
		if err := f.begin(ctx); err != nil {
			return b, unsink(err)
		}
		if b.Finished() {
			return b, unsink(f.k.notes.flush())
		}
	}
	err = f.run(ctx)
	if err == nil {
		err = f.k.notes.flush()
	}
	return f.build, unsink(err)
}

func unsink(err error) error {
	var s errSink
	if errors.As(err, &s) {
		return s.error
	}
	return err
}

type follower struct {
	c     *Client
	k     *cursor
	o     FollowOptions
	build Build

	pause  time.Duration // the next one
	quiet  time.Duration // how long nothing new came, by the pauses
	away   time.Time     // since when the controller is away; zero: it is there
	gone   int           // 404s in a row
	method string        // last FollowCounting text
}

// begin writes the last lines. Nothing was written when it fails, so it is tried
// again like every other look.
func (f *follower) begin(ctx context.Context) error {
	for {
		err := f.c.tail(ctx, f.k, f.build, f.o.Tail)
		if err == nil {
			return f.back(ctx)
		}
		if err := f.trouble(ctx, err); err != nil {
			return err
		}
	}
}

func (f *follower) run(ctx context.Context) error {
	last := false // the build had ended before this look at its log
	for {
		f.counting()
		p, err := f.k.poll(ctx)
		switch {
		case errors.Is(err, errRestarted):
			f.o.Notify(FollowEvent{Kind: FollowRestart, Text: "the log began anew; it follows from its first line"})
			f.k.seek(0)
			continue
		case err != nil:
			if err := f.trouble(ctx, err); err != nil {
				return err
			}
			continue
		}
		if err := f.back(ctx); err != nil {
			return err
		}
		if last && (!p.more || p.fresh == 0) {
			return nil
		}
		if f.full(p) {
			continue
		}
		ended := false
		if !p.more || f.quiet >= silence {
			if ended, err = f.ended(ctx); err != nil {
				if err := f.trouble(ctx, err); err != nil {
					return err
				}
				continue
			}
		}
		if ended {
			last = true
			continue
		}
		if err := f.wait(ctx, p); err != nil {
			return err
		}
	}
}

// full reports whether more of the log waits than one answer holds.
func (f *follower) full(p polled) bool {
	if p.fresh == 0 {
		return false
	}
	f.quiet, f.pause = 0, pollMin
	return p.more && (p.ends >= fullBody || p.size-f.k.next > searchSize)
}

// ended asks the build. The rule: the log of a build whose "building" turned
// false may still get its last lines.
func (f *follower) ended(ctx context.Context) (bool, error) {
	b, err := f.c.getBuild(ctx, f.k.job, f.k.number)
	if err != nil {
		return false, err
	}
	f.build, f.quiet = b, 0
	return b.Finished() || over(b), nil
}

func (f *follower) wait(ctx context.Context, p polled) error {
	d := f.pause
	if !p.more {
		d = max(d, 2*pollMin) // two requests each time: log and build
	}
	d += time.Duration(float64(d) * 0.1 * rand.Float64())
	if p.fresh == 0 {
		f.quiet += d
		f.pause = min(f.pause*3/2, pollMax)
	}
	return f.c.sleep(ctx, d)
}

// trouble decides whether an error is waited out. It returns nil after the wait.
func (f *follower) trouble(ctx context.Context, err error) error {
	var sink errSink
	if errors.As(err, &sink) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case is(err, http.StatusNotFound):
		if f.gone++; f.gone >= goneTries {
			return f.c.explainBuild(ctx, f.k.job, f.k.number, err)
		}
	case !away(err):
		return err
	}
	if f.away.IsZero() {
		f.away = f.c.now()
		f.o.Notify(FollowEvent{Kind: FollowAway, Text: "Jenkins does not answer; waiting for it", Err: err})
	} else if f.c.now().Sub(f.away) >= f.o.AwayLimit {
		return err
	}
	d := f.pause
	f.pause = min(f.pause*3/2, pollMax)
	var e *apierr.Error
	if errors.As(err, &e) && e.RetryAfter > d {
		d = e.RetryAfter
	}
	return f.c.sleep(ctx, d)
}

// back notes that the controller answers again. It may be another version now,
// which only the API tells.
func (f *follower) back(ctx context.Context) error {
	f.gone = 0
	if f.away.IsZero() {
		return nil
	}
	f.away, f.pause = time.Time{}, pollMin
	f.o.Notify(FollowEvent{Kind: FollowBack, Text: "Jenkins answers again; going on where the log was left"})
	if b, err := f.c.getBuild(ctx, f.k.job, f.k.number); err == nil {
		f.build = b
	} else if ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

// counting tells how positions are found, when that changes.
func (f *follower) counting() {
	v := f.c.Version()
	text := fmt.Sprintf("Jenkins %s: positions are counted, as its size header is the length of the file", v.Text)
	switch {
	case !v.Known():
		text = "Jenkins of unknown version: positions are counted and matched with what was shown"
	case v.sizeIsPosition():
		text = fmt.Sprintf("Jenkins %s: positions are those of its size header", v.Text)
	}
	if text != f.method {
		f.method = text
		f.o.Notify(FollowEvent{Kind: FollowCounting, Text: text})
	}
}
