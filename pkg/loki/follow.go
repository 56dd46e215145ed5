package loki

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Delays are the waits of Follow.
type Delays struct {
	Silence time.Duration // a socket without a line or a ping for that long is dead; default 15 s (the server pings every second)
	First   time.Duration // first wait before connecting again, doubled each time; default 500 ms
	Most    time.Duration // longest wait; default 30 s
	Poll    time.Duration // between two looks where WebSockets do not pass; default 2 s
	Overlap time.Duration // how far back every poll reads again, for lines that arrive late; default 15 s
	Late    time.Duration // how far back is read again after a gap, and now and then when polling; default 10 min
}

func (d Delays) withDefaults() Delays {
	set := func(v *time.Duration, def time.Duration) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&d.Silence, 15*time.Second)
	set(&d.First, 500*time.Millisecond)
	set(&d.Most, 30*time.Second)
	set(&d.Poll, 2*time.Second)
	set(&d.Overlap, 15*time.Second)
	set(&d.Late, 10*time.Minute)
	return d
}

// Following is what Follow reads.
type Following struct {
	Query string
	Since time.Time // show lines from here on first; zero is from now on
	Lines int       // of what Since selects, the newest so many; 0 is all
}

// Event is something that Follow tells besides lines.
type Event struct {
	Kind    EventKind
	Message string        // one line for a person
	Err     error         // why; may be nil
	Wait    time.Duration // until the next try, of Disconnected
	Dropped int           // lines that the server left out, of Dropped
	From    time.Time     // first and last of them
	To      time.Time
}

// EventKind is what happened.
type EventKind string

// The events.
const (
	Connected    EventKind = "connected"    // live
	Disconnected EventKind = "disconnected" // lines will be caught up after the next connection
	Dropped      EventKind = "dropped"      // the server dropped lines, as they were read too slowly; they are still stored
	Polling      EventKind = "polling"      // WebSockets do not pass; the range is asked for again and again
)

// Follow hands over lines as they are stored, each once and none left out, until
// ctx ends or the server refuses for good. entries is called with lines in order
// of their arrival; their times may step back by the lateness of a shipper. It
// and event (may be nil) are called from one goroutine; an error of theirs ends
// it. It returns nil when ctx ended.
//
// What was missed while there was no connection is queried; the overlap is
// subtracted line by line. A line comes late when its shipper or its host's clock
// is behind: it is found up to Delays.Late after its time, as long as no more than
// 20,000 lines stand behind it. Over a WebSocket any lateness is found, outside of
// gaps.
func (c *Client) Follow(ctx context.Context, f Following, entries func([]Entry) error, event func(Event) error) error {
	if event == nil {
		event = func(Event) error { return nil }
	}
	fo := &follower{c: c, f: f, d: c.delays, entries: entries, event: event}
	err := fo.run(ctx)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the caller ended it
	}
	return err
}

type follower struct {
	c       *Client
	f       Following
	d       Delays
	entries func([]Entry) error
	event   func(Event) error

	handed *handed
	sure   time.Time // by our clock: when the server was last heard
	failed int       // connections in a row that brought nothing
	refuse int       // connections in a row that a server or proxy refused as such
	polls  bool      // the user was told of polling
	looked bool      // the lines before the beginning are known
}

// errHandler wraps an error of the caller's functions.
type errHandler struct{ err error }

func (e errHandler) Error() string { return e.err.Error() }
func (e errHandler) Unwrap() error { return e.err }

func (fo *follower) run(ctx context.Context) error {
	fo.sure = fo.c.now()
	began := fo.sure
	if !fo.f.Since.IsZero() {
		began = fo.f.Since
	}
	fo.handed = newHanded(began, fo.d)
	if err := fo.history(ctx); err != nil {
		return err
	}
	for {
		err := fo.live(ctx)
		if ctx.Err() != nil || final(err) {
			return err
		}
		if refusesTail(err) {
			fo.refuse++
		}
		if fo.refuse >= 2 {
			err = fo.poll(ctx, err)
		} else {
			err = fo.backOff(ctx, err)
		}
		if err != nil {
			return err
		}
	}
}

// history hands over what was there before. It also proves the query: a tail
// closes without a readable reason where a range query says what is wrong.
func (fo *follower) history(ctx context.Context) error {
	now := fo.c.now()
	r := Range{Query: fo.f.Query, Start: now.Add(-time.Second), End: now, Limit: 1, Direction: Forward}
	if fo.f.Since.IsZero() {
		res, err := fo.c.QueryRange(ctx, r)
		if err == nil && res.Type != "streams" {
			return apierr.New(apierr.ErrUsage, vendor, "follow", "this is a metric query: only lines can be followed")
		}
		return err
	}
	r.Start, r.Limit = fo.f.Since, 0
	if fo.f.Lines > 0 {
		return fo.newest(ctx, r)
	}
	return fo.pages(ctx, r)
}

// newest hands over the last Lines lines, oldest first.
func (fo *follower) newest(ctx context.Context, r Range) error {
	r.Limit, r.Direction = fo.f.Lines, Backward
	var all []Entry
	for page, err := range fo.c.Pages(ctx, r, Paging{}) {
		if err != nil {
			return err
		}
		all = append(all, page...)
	}
	order(all, Forward)
	if len(all) == fo.f.Lines {
		// What is older was not asked for, and no overlap may bring it back.
		fo.handed.floor = all[0].NS
	}
	return fo.hand(all)
}

func (fo *follower) pages(ctx context.Context, r Range) error {
	for page, err := range fo.c.Pages(ctx, r, Paging{}) {
		if err != nil {
			return err
		}
		if err := fo.hand(page); err != nil {
			return err
		}
	}
	return nil
}

// future is how far ahead of us a line's time may lie; servers refuse more.
const future = 10 * time.Minute

// catchUp hands over what was stored from an instant on, less what was handed over.
func (fo *follower) catchUp(ctx context.Context, from int64) error {
	now := fo.c.now()
	// Clocks differ: what the server thinks is later than now counts too.
	err := fo.pages(ctx, Range{Query: fo.f.Query, Start: time.Unix(0, from), End: now.Add(future), Direction: Forward})
	if err == nil {
		fo.sure = now
	}
	return err
}

// backwards marks the newest lines before the beginning as handed over, so that a
// line that comes late, with a time before the beginning, can be told from them.
func (fo *follower) backwards(ctx context.Context) error {
	end := time.Unix(0, fo.handed.floor)
	r := Range{Query: fo.f.Query, Start: end.Add(-fo.d.Late), End: end, Limit: mostLate, Direction: Backward}
	n, floor := 0, r.Start.UnixNano()
	for page, err := range fo.c.Pages(ctx, r, Paging{}) {
		if err != nil {
			return err
		}
		for _, e := range page {
			fo.handed.add(e)
		}
		if n += len(page); n >= r.Limit {
			floor = page[len(page)-1].NS + 1 // of that instant there may be more
		}
	}
	fo.handed.floor = floor
	return nil
}

// hand passes on what is new.
func (fo *follower) hand(page []Entry) error {
	out := make([]Entry, 0, len(page))
	for _, e := range page {
		if fo.handed.add(e) {
			out = append(out, e)
		}
	}
	fo.handed.tidy(fo.sure)
	if len(out) == 0 {
		return nil
	}
	if err := fo.entries(out); err != nil {
		return errHandler{err}
	}
	return nil
}

func (fo *follower) tell(e Event) error {
	if err := fo.event(e); err != nil {
		return errHandler{err}
	}
	return nil
}

// live follows one connection until it ends. The reading of the socket never
// waits for the caller: a slow reader makes the server drop lines.
func (fo *follower) live(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t, err := fo.c.dialTail(ctx, fo.f.Query, time.Unix(0, fo.handed.shallow(fo.sure)), DefaultPage)
	if err != nil {
		return err
	}
	defer t.close()
	if err := fo.tell(Event{Kind: Connected, Message: "following " + fo.c.api.Host}); err != nil {
		return err
	}
	frames := t.pump(ctx, fo.d.Silence)
	// Whatever is stored from here on comes through the socket; what was stored
	// before is asked for now. Together they leave no gap.
	if err := fo.catchUp(ctx, fo.handed.deep(fo.sure)); err != nil {
		return err
	}
	for got := range frames {
		if got.err != nil {
			return got.err
		}
		fo.failed, fo.refuse, fo.polls, fo.sure = 0, 0, false, fo.c.now()
		if err := fo.hand(got.entries); err != nil {
			return err
		}
		if len(got.dropped) > 0 {
			if err := fo.tell(dropEvent(got.dropped)); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func dropEvent(d []Drop) Event {
	e := Event{Kind: Dropped, Dropped: len(d), From: d[0].At, To: d[0].At}
	for _, x := range d {
		if x.At.Before(e.From) {
			e.From = x.At
		}
		if x.At.After(e.To) {
			e.To = x.At
		}
	}
	e.Message = fmt.Sprintf("the server left out %d lines between %s and %s, as they were read too slowly",
		e.Dropped, e.From.Format(time.RFC3339Nano), e.To.Format(time.RFC3339Nano))
	return e
}

const (
	pollsPerTry  = 30 // polls before a WebSocket is tried again
	pollsPerDeep = 15 // polls before late lines are looked for again
)

// poll asks for what is new again and again for a while.
func (fo *follower) poll(ctx context.Context, why error) error {
	if !fo.polls {
		fo.polls = true
		if err := fo.tell(Event{Kind: Polling, Err: why, Wait: fo.d.Poll,
			Message: "live lines are refused (" + plain(why) + "): asking every " + fo.d.Poll.String() + " instead"}); err != nil {
			return err
		}
	}
	if !fo.looked {
		switch err := fo.backwards(ctx); {
		case err == nil:
			fo.looked = true
		case final(err):
			return err
		}
	}
	for n := range pollsPerTry {
		from := fo.handed.shallow(fo.sure)
		if n%pollsPerDeep == pollsPerDeep-1 {
			from = fo.handed.deep(fo.sure)
		}
		err := fo.catchUp(ctx, from)
		switch {
		case err == nil:
			fo.failed = 0
			err = fo.c.sleep(ctx, fo.d.Poll)
		case !final(err):
			err = fo.backOff(ctx, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// backOff tells of a lost connection and waits.
func (fo *follower) backOff(ctx context.Context, why error) error {
	wait := fo.d.Most
	if fo.failed < 16 {
		wait = min(fo.d.First<<fo.failed, fo.d.Most)
	}
	wait = wait/2 + time.Duration(rand.Int64N(int64(wait/2)+1)) //nolint:gosec // jitter, no secret
	fo.failed++
	if err := fo.tell(Event{Kind: Disconnected, Err: why, Wait: wait, Message: "connection lost (" + plain(why) + "), trying again"}); err != nil {
		return err
	}
	return fo.c.sleep(ctx, wait)
}

// plain tells why a connection ended, in few words.
func plain(err error) string {
	var e *apierr.Error
	var closed websocket.CloseError
	switch {
	case err == nil:
		return "ended"
	case errors.As(err, &closed) && closed.Reason != "":
		return closed.Reason
	case errors.As(err, &closed):
		return "closed by the server"
	case errors.As(err, &e):
		return e.Message
	case errors.Is(err, errSilent):
		return err.Error()
	}
	return "cut"
}

// refusesTail reports whether a tail failed because live lines cannot be had
// here, rather than because of the query, the credential or the network.
func refusesTail(err error) bool {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return strings.Contains(closed.Reason, "max concurrent tail requests")
	}
	var e *apierr.Error
	if !errors.As(err, &e) || errors.Is(err, apierr.ErrAuth) {
		return false
	}
	switch e.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusUpgradeRequired,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusBadRequest:
		// A proxy that drops the Upgrade header makes Loki answer so.
		return strings.EqualFold(e.Message, "bad request") || strings.Contains(e.Message, "multiple org IDs")
	}
	return errors.Is(err, apierr.ErrUnsupported)
}

// final reports whether trying again cannot help.
func final(err error) bool {
	var h errHandler
	var closed websocket.CloseError
	switch {
	case errors.As(err, &h), errors.Is(err, apierr.ErrAuth), errors.Is(err, apierr.ErrUsage):
		return true
	case errors.As(err, &closed):
		return strings.Contains(closed.Reason, "only log selector")
	}
	return errors.Is(err, apierr.ErrInvalid) && !refusesTail(err)
}
