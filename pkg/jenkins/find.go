package jenkins

import (
	"context"
	"slices"
	"time"
)

// Found is where a start whose answer was lost turned up.
type Found struct {
	QueueID int64
	Build   int // 0: still in the queue
}

const (
	findPoll  = 2 * time.Second
	findGrace = 2 * time.Second // a Date header tells whole seconds
)

// FindStarted looks for a build that s, whose answer was lost, may have
// started: in the queue and among the newest builds, with the same parameters,
// asked for by this user, not before s was sent. It looks again until patience
// (contract: some 20 s) has run out; found is false then, and the outcome stays
// unknown.
//
// A build is not before s when its number is above StartOptions.Newest. An item with
// equal parameters that waits is the one of s, as Jenkins would have folded s into
// it. Without that number, and with secret parameters, the time decides, by the
// controller's clock as its last answer told it.
func (c *Client) FindStarted(ctx context.Context, job JobName, s Started, patience time.Duration) (f Found, found bool, err error) {
	ends := c.now().Add(patience)
	for {
		f, found, err = c.findStarted(ctx, job, s)
		if found || err != nil && !away(err) {
			return f, found, err
		}
		if !c.now().Add(findPoll).Before(ends) {
			return Found{}, false, err
		}
		if err := c.sleep(ctx, findPoll); err != nil {
			return Found{}, false, err
		}
	}
}

func (c *Client) findStarted(ctx context.Context, job JobName, s Started) (Found, bool, error) {
	items, err := c.waiting(ctx, job)
	if err != nil {
		return Found{}, false, err
	}
	since := c.serverTime(s.Sent).Add(-findGrace) // by this answer: the lost one may have been a proxy's
	folds := s.newest > 0 && !slices.ContainsFunc(s.Parameters, func(p Parameter) bool { return p.Secret })
	for _, q := range items {
		if (folds || !q.Since.Before(since)) && c.mine(q.Causes) && fits(q.Parameters, s.Parameters) {
			return Found{QueueID: q.ID}, true, nil
		}
	}
	builds, err := c.Builds(ctx, job, 0, 20)
	for _, b := range builds {
		late := b.Number > s.newest
		if s.newest == 0 {
			late = !b.Queued.Before(since)
		}
		if late && c.mine(b.Causes) && fits(b.Parameters, s.Parameters) {
			return Found{QueueID: b.QueueID, Build: b.Number}, true, nil
		}
	}
	return Found{}, false, err
}

// mine reports whether this user is among the causes. Without a user, or when
// Jenkins shows no user, that cannot be told and is taken as yes.
func (c *Client) mine(causes []Cause) bool {
	named := false
	for _, cause := range causes {
		if cause.UserID == c.user {
			return true
		}
		named = named || cause.UserID != ""
	}
	return c.user == "" || !named
}

// fits compares the parameters that can be read.
func fits(ran, asked []Parameter) bool {
	values := map[string]Parameter{}
	for _, p := range ran {
		values[p.Name] = p
	}
	for _, p := range asked {
		r, ok := values[p.Name]
		if !p.Secret && (!ok || !r.Secret && r.Value != p.Value) {
			return false
		}
	}
	return true
}
