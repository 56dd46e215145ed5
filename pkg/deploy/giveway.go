package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/jenkins"
)

// Two deployments that are started at the same moment are in neither's plan, and
// both get into the queue. Jenkins numbers what it queues under one lock, in the
// order in which it is queued: so each looks again once its own start has a number,
// the later one sees the earlier, and takes itself out. The first one of all stays.

const (
	giveWayBuilds = 20          // how many builds are looked at after a start
	giveWayPause  = time.Second // between two looks
	giveWayLooks  = 10          // at a start of ours that was taken out
)

// giveWay takes t back when another version of the component was started before
// it and after the plan again was made. nil: it stays, with Beside set when it
// should not have. That the others could not be seen is told, and t stays.
func (d *Deployer) giveWay(ctx context.Context, t *Trip, again *Plan, tell func(Event)) error {
	first, build, err := d.earlier(ctx, t, again)
	if err != nil && ctx.Err() == nil {
		tell(Event{State: "unsure", Detail: "whether another deployment was started at the same moment could not be seen: " + err.Error()})
	}
	if first == nil {
		return nil
	}
	t.Build = max(t.Build, build)
	item := fmt.Sprintf("queue item %d", t.QueueID)
	hint := fmt.Sprintf("oncall deploy watch --component %s follows it (%s)", d.Component.Key, first.URL)
	if first.Build > 0 {
		hint = fmt.Sprintf("oncall deploy watch %d follows it (%s)", first.Build, first.URL)
	}
	why := "is a build already"
	if t.Build == 0 {
		tell(Event{State: "late", Detail: fmt.Sprintf("%s was started first; taking ours (%s) out of the queue", first.Words(), item)})
		gone, err := d.takeBack(ctx, t)
		switch {
		case gone:
			return fail(apierr.ErrGuard, d.Component, "%s was started first, at the same moment; ours (%s) was taken out of the queue, and nothing was deployed", first.Words(), item).
				WithHint("%s; --wait-for-running queues behind it", hint)
		case errors.Is(err, apierr.ErrUnknownOutcome):
			return err
		case err != nil:
			why = "could not be taken out of the queue: " + err.Error()
		}
	}
	if t.Build > 0 {
		item = fmt.Sprintf("#%d", t.Build)
	}
	end := "both go on, and the one that writes last stays"
	if first.over {
		end = "it is through, and ours writes over it"
	}
	t.Beside = apierr.New(nil, "", "deploy "+d.Component.Key, "%s was started first, at the same moment, and ours (%s) %s: %s", first.Words(), item, why, end).
		WithHint("%s; when both are through: oncall deploy status %s", hint, d.Component.Key)
	return nil
}

// earlier is the first start of another version, or of another hold, that came
// between the plan and t; nil for none. build is what became of t, 0 for none yet. It looks a second time when ours still
// waits: a start that leaves the queue is listed nowhere for a moment.
func (d *Deployer) earlier(ctx context.Context, t *Trip, again *Plan) (first *Ongoing, build int, err error) {
	for look := range 2 {
		a, err := d.Jenkins.Activity(ctx, d.Component.Job, giveWayBuilds)
		if err != nil {
			return nil, 0, err
		}
		// One that is over already and did something is none that the plan knew of.
		for _, o := range d.starts(again.Sight.Job, a, func(b jenkins.Build) bool {
			return !over(b) || b.Result == jenkins.Success && b.Number > again.Sight.newest
		}) {
			contrary := o.Version != t.To || o.hold != again.hold
			if contrary && o.QueueID > 0 && o.QueueID < t.QueueID && (first == nil || o.QueueID < first.QueueID) {
				first = &o
			}
		}
		waits := slices.ContainsFunc(a.Waiting, func(q jenkins.QueueItem) bool { return q.ID == t.QueueID })
		if i := slices.IndexFunc(a.Builds, func(b jenkins.Build) bool { return b.QueueID == t.QueueID }); i >= 0 {
			build = a.Builds[i].Number
		}
		if first != nil || !waits || look > 0 {
			break
		}
		if err := d.Wait(ctx, giveWayPause); err != nil {
			return nil, 0, err
		}
	}
	return first, build, nil
}

// takeBack takes t out of the queue and reads what became of it. gone: no build
// will come of it. Else t is a build by now, with its number in t and no error, or
// waits on, with why; an apierr.ErrUnknownOutcome says that nobody knows.
func (d *Deployer) takeBack(ctx context.Context, t *Trip) (gone bool, err error) {
	refused := d.Jenkins.Cancel(ctx, t.QueueID)
	state := errors.New("it could not be read what became of it")
	for look := range giveWayLooks {
		if look > 0 && d.Wait(ctx, giveWayPause) != nil {
			break
		}
		q, err := d.Jenkins.QueueItem(ctx, t.QueueID)
		switch {
		case errors.Is(err, apierr.ErrNotFound):
			// Forgotten: only a build of it can tell that it was not taken out.
			a, err := d.Jenkins.Activity(ctx, d.Component.Job, giveWayBuilds)
			if i := slices.IndexFunc(a.Builds, func(b jenkins.Build) bool { return b.QueueID == t.QueueID }); i >= 0 {
				t.Build = a.Builds[i].Number
				return false, nil
			}
			if state = err; err == nil && refused == nil {
				return true, nil
			}
		case err != nil:
			state = err
		case q.State == jenkins.QueueCancelled:
			return true, nil
		case q.Build > 0:
			t.Build = q.Build
			return false, nil
		case q.State == jenkins.QueueLeaving:
			state = errors.New("it leaves the queue")
		case refused != nil && !errors.Is(refused, apierr.ErrUnknownOutcome):
			return false, refused
		case look == giveWayLooks-1:
			return false, errors.New("it waits on all the same")
		}
	}
	return false, (&apierr.Error{Vendor: "jenkins", Op: "deploy " + d.Component.Key, Kind: []error{apierr.ErrUnknownOutcome}, Err: errors.Join(ctx.Err(), state),
		Message: fmt.Sprintf("another deployment was started first, and whether ours (queue item %d) could be taken out of the queue is not known", t.QueueID)}).
		WithHint("see what is under way: oncall deploy watch --component %s", d.Component.Key)
}
