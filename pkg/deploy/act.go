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

// Event is one thing that happened on the way.
type Event struct {
	State  string // "sent", "running", "SUCCESS", "applied"
	Detail string
	// Moving: only the detail is new; where lines cannot be redrawn it is left out.
	Moving bool
}

// Trip is a deployment under way.
type Trip struct {
	QueueID int64
	Build   int // 0: still in the queue
	To      string
	// Joined: it was there already, and nothing was started. Looked: the answer to
	// the start was lost, and a look found it.
	Joined, Looked bool
	// Beside tells of another deployment that was started first at the same moment
	// when ours could not be taken out of the queue any more, with a hint; nil: there
	// is none that was seen.
	Beside error
}

// lostPatience is how long a start is looked for whose answer was lost (contract
// on Jenkins, section 7).
const lostPatience = 20 * time.Second

// Act takes the plan again, and starts the deployment once if the world did not
// move in between. w is what p was made from; p.From and p.Sight become what was
// there when it was started.
//
// Errors: apierr.ErrConflict when it did move; apierr.ErrGuard also when another
// deployment was started first at the same moment and ours was taken back;
// apierr.ErrUnknownOutcome when nobody knows whether the start arrived, or
// whether it could be taken back, after a look at queue and builds;
// else those of Plan and jenkins.Client.Start, with nothing started.
func (d *Deployer) Act(ctx context.Context, w Want, p *Plan, tell func(Event)) (*Trip, error) {
	if d.Fleet != nil {
		return d.actFleet(ctx, w, p, tell)
	}
	if p.Join != nil {
		return &Trip{QueueID: p.Join.QueueID, Build: p.Join.Build, To: p.To, Joined: true}, nil
	}
	waited := len(p.Blocking) > 0
	for _, o := range p.Blocking {
		if err := d.waitFor(ctx, o, tell); err != nil {
			return nil, err
		}
	}
	behind := w.Behind
	w.Behind = false
	again, err := d.Plan(ctx, w)
	if err != nil {
		return nil, err
	}
	if again.Join != nil && again.To == p.To {
		return &Trip{QueueID: again.Join.QueueID, Build: again.Join.Build, To: p.To, Joined: true}, nil
	}
	what := p.moved(again)
	if waited {
		what = "" // that it moved is what was waited for
		if again.To != p.To {
			what = fmt.Sprintf("after the other deployment the target is %s, not %s", again.To, p.To)
		} else if again.Nothing != "" {
			what = again.Nothing
		}
	}
	if what != "" {
		return nil, apierr.New(apierr.ErrConflict, "", "deploy "+p.Component, "the world moved since the plan was made; nothing was started: %s", what).
			WithHint("run it again to see the new plan")
	}
	p.From, p.Sight = again.From, again.Sight // after a wait it is another one
	s, err := d.Jenkins.Start(ctx, again.Sight.Job, again.given, jenkins.StartOptions{NoDelay: true, Newest: again.Sight.newest})
	t := &Trip{QueueID: s.QueueID, To: p.To}
	switch {
	case err == nil && s.Folded:
		tell(Event{State: "sent", Detail: fmt.Sprintf("Jenkins folded it into queue item %d, which waits with the same parameters", s.QueueID)})
		t.Joined = true
	case err == nil:
		tell(Event{State: "sent", Detail: fmt.Sprintf("build queued (item %d)", s.QueueID)})
	case errors.Is(err, apierr.ErrUnknownOutcome):
		if err := d.lookFor(ctx, t, s, err, tell); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	if t.Joined || behind {
		return t, nil // not ours to take back; and who wants to queue does
	}
	if err := d.giveWay(ctx, t, again, tell); err != nil {
		return nil, err
	}
	return t, nil
}

// lookFor searches for a start whose answer was lost.
func (d *Deployer) lookFor(ctx context.Context, t *Trip, s jenkins.Started, lost error, tell func(Event)) error {
	tell(Event{State: "unsure", Detail: "the answer was lost; looking for the build in the queue and among the newest"})
	found, ok, err := d.Jenkins.FindStarted(ctx, d.Component.Job, s, lostPatience)
	if ok {
		t.QueueID, t.Build, t.Looked = found.QueueID, found.Build, true
		tell(Event{State: "sent", Detail: fmt.Sprintf("found it: queue item %d", found.QueueID)})
		return nil
	}
	if err != nil && ctx.Err() != nil {
		return err
	}
	var e *apierr.Error
	if errors.As(lost, &e) {
		e.Hint = fmt.Sprintf("it is neither in the queue nor among the newest builds now; look again: oncall deploy status %s, and oncall deploy watch if it turns up (%s)",
			d.Component.Key, d.Jenkins.JobURL(d.Component.Job))
	}
	return lost
}

// waitFor waits until somebody else's deployment is over, however it ends.
func (d *Deployer) waitFor(ctx context.Context, o Ongoing, tell func(Event)) error {
	number := o.Build
	if number == 0 {
		var err error
		number, err = d.Jenkins.WaitStart(ctx, d.Component.Job, o.QueueID, func(q jenkins.QueueItem) {
			tell(Event{State: "waiting", Detail: fmt.Sprintf("behind queue item %d: %s", o.QueueID, q.Why)})
		})
		if errors.Is(err, jenkins.ErrCancelled) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	tell(Event{State: "waiting", Detail: fmt.Sprintf("behind #%d", number)})
	_, err := d.Jenkins.WaitEnd(ctx, d.Component.Job, number, func(b jenkins.Build) {
		tell(Event{State: "waiting", Detail: fmt.Sprintf("behind #%d  %s", number, d.progress(b)), Moving: true})
	})
	return err
}

// progress tells how far a build is: "38% of the usual 3m".
func (d *Deployer) progress(b jenkins.Build) string {
	e := b.Estimate()
	switch {
	case e > 0 && b.Progress >= 0:
		return fmt.Sprintf("%d%% of the usual %s", b.Progress, age(e))
	case e > 0:
		return "usually " + age(e)
	}
	return "for " + age(d.Now().Sub(b.Queued))
}

// Finish follows a trip's build to its end. The build is what it was last seen
// as, also with an error; its Number is 0 when it never was one.
func (d *Deployer) Finish(ctx context.Context, t *Trip, tell func(Event)) (jenkins.Build, error) {
	if d.Fleet != nil {
		return jenkins.Build{Result: jenkins.Success}, nil // a pin has no build
	}
	job := d.Component.Job
	if t.Build == 0 {
		n, err := d.Jenkins.WaitStart(ctx, job, t.QueueID, func(q jenkins.QueueItem) {
			if q.State == jenkins.QueueStarted || q.State == jenkins.QueueLeaving {
				return // told as running
			}
			text := q.Why
			if q.Stuck {
				text += " STUCK"
			}
			tell(Event{State: "queued", Detail: orText(text, string(q.State)), Moving: true})
		})
		if err != nil {
			return jenkins.Build{}, err
		}
		t.Build = n
	}
	b, err := d.Jenkins.WaitEnd(ctx, job, t.Build, func(b jenkins.Build) {
		tell(Event{State: "running", Detail: fmt.Sprintf("#%d  %s", t.Build, d.progress(b)), Moving: true})
	})
	if err != nil {
		b.Number = t.Build
		return b, err
	}
	tell(Event{State: orText(string(b.Result), "no result"), Detail: fmt.Sprintf("#%d", t.Build)})
	return b, nil
}

// errMoved is why a wait for a version is over: somebody deployed another.
var errMoved = errors.New("another version is declared")

// unknownPatience is how many looks in a row may bring no answer before a fact is
// left unknown.
const unknownPatience = 12

// Settle waits until the version is declared, applied, running and verified, and
// returns the facts as they were last seen. What nothing can tell is not waited
// for and stays unknown. ctx ends the wait with its own error.
//
// since is when the build was queued, the zero time when there is none: a version
// that was declared after it and replaced is an apierr.ErrConflict, also when that
// happened before anybody looked. A suspended Flux is ErrSuspended.
func (d *Deployer) Settle(ctx context.Context, version string, since time.Time, tell func(Event)) ([]Fact, error) {
	if d.Fleet != nil {
		return d.settleFleet(ctx, version, tell)
	}
	facts := []Fact{{Name: Declared, Answer: Unknown}, {Name: Applied, Answer: Unknown}, {Name: Running, Answer: Unknown}, {Name: Verified, Answer: Unknown}}
	if d.Repo == nil {
		facts[0].Evidence, facts[1].Evidence = "no repository is configured", "no repository is configured"
	} else {
		for i := range 2 {
			if err := d.until(ctx, &facts[i], tell, func() (Fact, bool, error) {
				return d.repoFact(ctx, i, version, since, i == 1 && facts[0].Answer == Yes)
			}); err != nil {
				return facts, err
			}
		}
	}
	err := d.until(ctx, &facts[2], tell, func() (Fact, bool, error) { return d.running(ctx, version), d.Runner == nil, nil })
	if err != nil {
		return facts, err
	}
	return facts, d.verify(ctx, &facts[3], tell)
}

// until looks until the fact is yes, or stays unknown.
func (d *Deployer) until(ctx context.Context, f *Fact, tell func(Event), look func() (Fact, bool, error)) error {
	unknown := 0
	for {
		got, final, err := look()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		*f = got
		if err != nil {
			return err
		}
		switch f.Answer {
		case Yes:
			tell(Event{State: f.Name, Detail: f.Evidence})
			return nil
		case Unknown:
			if unknown++; final || unknown >= unknownPatience {
				tell(Event{State: string(Unknown), Detail: f.Name + ": " + f.Evidence})
				return nil
			}
		case No:
			unknown = 0
		}
		tell(Event{State: "waiting", Detail: fmt.Sprintf("until it is %s: %s", f.Name, f.Evidence), Moving: true})
		if err := d.Wait(ctx, d.Poll); err != nil {
			return err
		}
	}
}

// Replaced reports whether a version came into force after a moment, and another
// one after it.
func (s *Sight) Replaced(version string, since time.Time) bool {
	return !since.IsZero() && len(s.Runs) > 0 && s.Runs[0].Version != version &&
		slices.ContainsFunc(s.Runs, func(r Run) bool { return r.Version == version && !r.Since.Before(since) })
}

// errReplaced is the error about it.
func (d *Deployer) errReplaced(f Fact, version string) error {
	return &apierr.Error{Op: "deploy " + d.Component.Key, Kind: []error{apierr.ErrConflict}, Err: errMoved,
		Message: fmt.Sprintf("%s was declared meanwhile (%s); %s is no longer waited for", f.Version, f.Evidence, version)}
}

// repoFact is declared (0) or applied (1). was: the version was declared before.
func (d *Deployer) repoFact(ctx context.Context, which int, version string, since time.Time, was bool) (f Fact, final bool, err error) {
	s := &Sight{}
	h := d.lookRepo(ctx, s)
	s.Runs = timeline(h.Changes, nil, func(jenkins.Build) string { return "" })
	f = s.declared(version)
	if f.Answer == No && (was || s.Replaced(version, since)) {
		return f, true, d.errReplaced(f, version)
	}
	if which == 1 && d.Sync != nil && s.RepoErr == nil {
		f, err = d.appliedBySync(ctx, version)
		return f, err != nil, err
	}
	if which == 1 {
		f = d.applied(ctx, s, version)
		return f, s.RepoErr == nil && f.Version == "" && s.Snapshot.Stale == nil, nil
	}
	return f, s.RepoErr == nil && s.DeclaredErr != nil, nil
}

// verify waits until the checks hold for as long as the component asks in a row.
// After three times that they have failed.
func (d *Deployer) verify(ctx context.Context, f *Fact, tell func(Event)) error {
	if len(d.Checks) == 0 {
		*f = d.verified(ctx)
		tell(Event{State: string(Unknown), Detail: Verified + ": " + f.Evidence})
		return nil
	}
	begin := d.Now()
	var since time.Time
	need := d.Component.VerifyFor
	for {
		*f = d.verified(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		now := d.Now()
		if f.Answer != Yes {
			since = time.Time{}
		} else if since.IsZero() {
			since = now
		}
		switch {
		case !since.IsZero() && now.Sub(since) >= need:
			f.Evidence += " for " + age(now.Sub(since))
			tell(Event{State: Verified, Detail: f.Evidence})
			return nil
		case now.Sub(begin) >= 3*need && since.IsZero():
			tell(Event{State: "not verified", Detail: f.Evidence})
			return nil
		}
		answer := f.Answer
		f.Answer = No // until it held for long enough
		if answer == Unknown {
			f.Answer = Unknown
		}
		tell(Event{State: "waiting", Detail: "until it is verified: " + f.Evidence, Moving: true})
		if err := d.Wait(ctx, d.Poll); err != nil {
			return err
		}
	}
}
