package publicstatus

import (
	"context"
	"errors"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// lookWaits are the pauses before each look at the page after a lost answer: a
// request that was under way may still be worked on.
var lookWaits = []time.Duration{0, 2 * time.Second, 4 * time.Second}

const lookTimeout = 30 * time.Second

// settle turns a lost answer into what the page shows. look reports whether the
// change is there. What is not there after the last look may still come, so the
// error stays apierr.ErrUnknownOutcome, with how to find out as its hint. Other
// errors pass unchanged.
func (b *Board) settle(ctx context.Context, err error, hint string, look func(context.Context) (bool, error)) error {
	if !errors.Is(err, apierr.ErrUnknownOutcome) {
		return err
	}
	unknown := func(why string) error {
		e := &apierr.Error{Vendor: System, Kind: []error{apierr.ErrUnknownOutcome}, Message: why, Hint: hint, Err: err}
		var was *apierr.Error
		if errors.As(err, &was) {
			e.Op, e.Method, e.Path, e.Status = was.Op, was.Method, was.Path, was.Status
		}
		return e
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return unknown("interrupted after the request was sent; it may have arrived")
	}
	// The command's own time may be over; looking has its own.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	why := "the answer was lost, and the page does not show the change yet; it may still arrive"
	for _, wait := range lookWaits {
		if wait > 0 {
			if b.o.Sleep(ctx, wait) != nil {
				break
			}
		}
		done, lerr := look(ctx)
		switch {
		case lerr != nil:
			why = "the answer was lost, and the page could not be read to see whether it was done: " + lerr.Error()
		case done:
			return nil
		}
	}
	return unknown(why)
}
