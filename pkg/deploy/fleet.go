package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/balena"
)

// FleetAPI is what the package needs of balenaCloud: *balena.Client.
type FleetAPI interface {
	Fleet(ctx context.Context, ref string) (balena.Fleet, error)
	Releases(ctx context.Context, f balena.Fleet, most int) ([]balena.Release, error)
	TrackableReleases(ctx context.Context, f balena.Fleet, most int) ([]balena.Release, error)
	FindRelease(ctx context.Context, f balena.Fleet, name string) (balena.Release, error)
	Devices(ctx context.Context, f balena.Fleet) ([]balena.Device, error)
	Pin(ctx context.Context, seen balena.Fleet, to balena.Release, force bool) (balena.Change, error)
	Unpin(ctx context.Context, seen balena.Fleet) (balena.Change, error)
}

// FleetSight is how a component stands that is a fleet. balenaCloud keeps no
// history of pins, so what was there before is not known: going back means the
// newest older release that a fleet may run.
type FleetSight struct {
	Fleet    balena.Fleet
	Releases []balena.Release // those that a fleet may follow to, newest first
	Devices  []balena.Device
	// DevicesErr says why the devices are not known; nil: they are.
	DevicesErr error
}

// errNoHistory is why a fleet's timeline is short.
var errNoHistory = errors.New("balenaCloud keeps no history of where a fleet was sent")

// fleetReleases is how many releases are read.
const fleetReleases = 100

// Latest is the release that the fleet would follow to; the zero value for none.
func (s *FleetSight) Latest() balena.Release {
	if len(s.Releases) == 0 {
		return balena.Release{}
	}
	return s.Releases[0]
}

// State is what the fleet does: tracking, tracking-behind, pinned, no-target.
func (s *FleetSight) State() balena.State { return s.Fleet.State(s.Latest()) }

// Version is the release that the fleet is sent to, "" for none.
func (s *FleetSight) Version() string {
	if s.Fleet.Target.IsZero() {
		return ""
	}
	return s.Fleet.Target.String()
}

// Words tells what the fleet is: "pinned to 2.14.0; the newest is 2.14.0+rev1".
func (s *FleetSight) Words() string {
	switch s.State() {
	case balena.Tracking:
		return "following the newest release"
	case balena.TrackingBehind:
		return "following, but not at the newest release " + s.Latest().Ref().String() + "; the next one moves it"
	case balena.Pinned:
		if l := s.Latest(); l.ID != 0 && l.ID != s.Fleet.Target.ID {
			return "pinned to " + s.Version() + "; the newest is " + l.RawVersion
		}
		return "pinned to " + s.Version()
	}
	return "without a target"
}

// lookFleet reads the fleet, its releases and its devices.
func (d *Deployer) lookFleet(ctx context.Context) (*Sight, error) {
	f, err := d.Fleet.Fleet(ctx, d.Component.Fleet)
	if err != nil {
		return nil, err
	}
	s := &FleetSight{Fleet: f}
	var wg sync.WaitGroup
	var releasesErr error
	wg.Go(func() { s.Releases, releasesErr = d.Fleet.TrackableReleases(ctx, f, fleetReleases) })
	wg.Go(func() { s.Devices, s.DevicesErr = d.Fleet.Devices(ctx, f) })
	wg.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if releasesErr != nil {
		return nil, releasesErr
	}
	return &Sight{Fleet: s, Runs: s.runs(), Ongoing: []Ongoing{}, RepoErr: errNoHistory}, nil
}

// runs is what is known of the versions that were in force: that a fleet which
// follows got its target when that was built. A pin has no time.
func (s *FleetSight) runs() []Run {
	if s.State() != balena.Tracking {
		return []Run{}
	}
	l := s.Latest()
	return []Run{{Version: l.RawVersion, Since: l.CreatedAt.Time, By: string(l.Author), Commit: l.Commit}}
}

// fleetPlan is the part of a plan that is sent.
type fleetPlan struct {
	seen balena.Fleet
	to   balena.Release
}

// planFleet looks and decides, as Plan does.
func (d *Deployer) planFleet(ctx context.Context, w Want) (*Plan, error) {
	s, err := d.lookFleet(ctx)
	if err != nil {
		return nil, err
	}
	return d.decideFleet(ctx, w, s)
}

func (d *Deployer) decideFleet(ctx context.Context, w Want, s *Sight) (p *Plan, err error) {
	c, fs := d.Component, s.Fleet
	p = &Plan{Component: c.Key, Environment: c.Environment, From: fs.Version(), Backend: c.Backend, Evidence: []string{}, Effects: []string{}, Skipped: []Skip{}, Sight: s}
	if err := d.mayChange(fs); err != nil {
		return nil, err
	}
	p.fleet.seen = fs.Fleet
	if w.Unpin {
		d.planUnpin(p)
		return p, nil
	}
	if w.To != "" {
		p.fleet.to, err = d.Fleet.FindRelease(ctx, fs.Fleet, w.To)
	} else {
		err = d.fleetPrevious(ctx, p)
	}
	if err != nil || p.Nothing != "" {
		p.To = p.From
		return p, err
	}
	to := p.fleet.to
	p.To = to.RawVersion
	if err := d.runnable(to); err != nil {
		return nil, err
	}
	switch {
	case to.ID != fs.Fleet.Target.ID:
	case !fs.Fleet.Track:
		p.Nothing = fmt.Sprintf("already at %s, and pinned there: nothing to do", p.To)
		return p, nil
	case !w.Hold:
		p.Nothing = fmt.Sprintf("already at %s: nothing to do; it is %s, and --hold pins it there", p.To, fs.Words())
		return p, nil
	}
	d.tellFleet(p)
	return p, nil
}

func (d *Deployer) mayChange(s *FleetSight) error {
	if s.Fleet.Mine {
		return nil
	}
	return fail(apierr.ErrAuth, d.Component, "%s is a public fleet of another organisation: the token can read it, not change it", s.Fleet.Slug).
		WithHint("oncall auth status balena; the fleet is set in components.%s", d.Component.Key)
}

// runnable refuses a release that no fleet can run, or that nobody should.
func (d *Deployer) runnable(r balena.Release) error {
	why := strings.Join(r.Doubts(), " and ")
	if r.Status != balena.Success {
		why = "its build did not succeed (" + r.Status + ")"
	}
	if why == "" {
		return nil
	}
	return fail(apierr.ErrGuard, d.Component, "%s is no release to run: %s", r.Ref(), why)
}

// fleetPrevious chooses the newest older release, or finds that the fleet has
// gone back already: running the same line again must not go back further.
func (d *Deployer) fleetPrevious(ctx context.Context, p *Plan) error {
	s := p.Sight.Fleet
	if s.Fleet.Target.IsZero() {
		return fail(apierr.ErrGuard, d.Component, "the fleet has no target, so there is nothing to go back from").WithHint("--to VERSION names one")
	}
	older, current, err := d.olderReleases(ctx, s)
	if err != nil {
		return err
	}
	latest := s.Latest()
	if s.State() == balena.Pinned && latest.StartedAt.After(current.StartedAt.Time) {
		p.Nothing = fmt.Sprintf("already rolled back %s -> %s", latest.RawVersion, p.From)
		if len(older) > 0 {
			p.Nothing += "; further back: --to " + older[0].RawVersion
		}
		return nil
	}
	if len(older) == 0 {
		return fail(apierr.ErrGuard, d.Component, "the fleet has no older release that it could run").WithHint("--to VERSION names one")
	}
	p.fleet.to = older[0]
	all, err := d.Fleet.Releases(ctx, s.Fleet, fleetReleases)
	if err != nil {
		return err
	}
	for _, r := range all {
		between := r.StartedAt.After(older[0].StartedAt.Time) && r.StartedAt.Before(current.StartedAt.Time)
		if between && r.Status == balena.Success && r.Final {
			p.Skipped = append(p.Skipped, Skip{r.RawVersion, strings.Join(r.Doubts(), " and ")})
		}
	}
	return nil
}

// olderReleases are those that a fleet may run and that began before its target,
// newest first. The target itself may be one that nobody should run.
func (d *Deployer) olderReleases(ctx context.Context, s *FleetSight) (older []balena.Release, current balena.Release, err error) {
	i := slices.IndexFunc(s.Releases, func(r balena.Release) bool { return r.ID == s.Fleet.Target.ID })
	if i >= 0 {
		return s.Releases[i+1:], s.Releases[i], nil
	}
	name := s.Fleet.Target.Commit
	if name == "" {
		name = s.Fleet.Target.RawVersion
	}
	if current, err = d.Fleet.FindRelease(ctx, s.Fleet, name); err != nil {
		return nil, current, err
	}
	for _, r := range s.Releases {
		if r.StartedAt.Before(current.StartedAt.Time) {
			older = append(older, r)
		}
	}
	return older, current, nil
}

// tellFleet writes the plan in words.
func (d *Deployer) tellFleet(p *Plan) {
	c, s, to := d.Component, p.Sight.Fleet, p.fleet.to
	built := "built " + age(d.Now().Sub(to.CreatedAt.Time)) + " ago"
	if to.Author != "" {
		built += " by " + string(to.Author)
	}
	p.Effects = append(p.Effects, fmt.Sprintf("%s  %s -> %s   (%s)   %s, balena fleet %s", c.Key, orText(p.From, "(no release)"), p.To, built, orText(c.Environment, "production"), s.Fleet.Slug))
	p.Effects = append(p.Effects, s.audience(to.ID)...)
	p.Effects = append(p.Effects, "it stays pinned there, and new releases do not move it, until: oncall deploy unpin "+c.Key)
	p.Evidence = append(p.Evidence, "now: "+s.Words())
	for _, x := range p.Skipped {
		p.Evidence = append(p.Evidence, fmt.Sprintf("%s is passed over: %s", x.Version, x.Why))
	}
	if s.DevicesErr != nil {
		p.Evidence = append(p.Evidence, "devices: not known ("+s.DevicesErr.Error()+")")
	}
}

// audience tells what a change to release target does to the devices.
func (s *FleetSight) audience(target int64) []string {
	if s.DevicesErr != nil {
		return nil
	}
	r := balena.RolloutOf(s.Devices, target)
	words := []string{count(r.Updating, "device") + " that " + areOf(r.Updating) + " online " + verbOf(r.Updating, "update") + " now"}
	if r.Waiting > 0 {
		words = append(words, fmt.Sprintf("%d offline follow%s when back", r.Waiting, sIf(r.Waiting == 1)))
	}
	if r.Done > 0 {
		words = append(words, fmt.Sprintf("%d run%s it already", r.Done, sIf(r.Done == 1)))
	}
	if r.Apart > 0 {
		words = append(words, fmt.Sprintf("%d pinned by itself stay%s as it is", r.Apart, sIf(r.Apart == 1)))
		if r.Apart > 1 {
			words[len(words)-1] = fmt.Sprintf("%d pinned by themselves stay as they are", r.Apart)
		}
	}
	return []string{strings.Join(words, "; ")}
}

func sIf(one bool) string {
	if one {
		return "s"
	}
	return ""
}

func verbOf(n int, verb string) string { return verb + sIf(n == 1) }

func areOf(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// movedFleet says what differs between the fleet that was planned with and the
// one that is there right before acting.
func (d *Deployer) movedFleet(p *Plan, now *FleetSight) error {
	was := p.Sight.Fleet
	var what string
	switch {
	case was.Fleet.ID != now.Fleet.ID || was.Fleet.Target.ID != now.Fleet.Target.ID:
		what = fmt.Sprintf("%s is at %s now, not at %s", p.Component, orText(now.Version(), "no release"), orText(was.Version(), "no release"))
	case was.Fleet.Track != now.Fleet.Track:
		what = "it is now " + now.Words()
	default:
		return nil
	}
	return d.fleetMoved(what)
}

func (d *Deployer) fleetMoved(what string) error {
	return apierr.New(apierr.ErrConflict, "", "deploy "+d.Component.Key, "the world moved since the plan was made; nothing was changed: %s", what).
		WithHint("run it again to see the new plan")
}

// actFleet takes the plan again and moves the fleet, once.
func (d *Deployer) actFleet(ctx context.Context, w Want, p *Plan, tell func(Event)) (*Trip, error) {
	s, err := d.lookFleet(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.movedFleet(p, s.Fleet); err != nil {
		return nil, err
	}
	again, err := d.decideFleet(ctx, w, s)
	switch {
	case err != nil:
		return nil, err
	case again.Nothing != "":
		return nil, d.fleetMoved(again.Nothing)
	case again.fleet.to.ID != p.fleet.to.ID:
		return nil, d.fleetMoved(fmt.Sprintf("the target is %s now, not %s", again.To, p.To))
	}
	var change balena.Change
	done := "pinned to " + again.To
	if w.Unpin {
		done = "follows the newest release again"
		change, err = d.Fleet.Unpin(ctx, again.fleet.seen)
	} else {
		change, err = d.Fleet.Pin(ctx, again.fleet.seen, again.fleet.to, false)
	}
	if err != nil {
		var e *apierr.Error
		if errors.Is(err, apierr.ErrUnknownOutcome) && errors.As(err, &e) {
			e.Hint = "see where the fleet stands before you do it again: oncall deploy status " + d.Component.Key
		}
		return nil, err
	}
	if change.Looked {
		done += " (the answer was lost; the fleet shows that it arrived)"
	}
	tell(Event{State: "sent", Detail: done})
	return &Trip{To: change.After.Target.String(), Looked: change.Looked}, nil
}

// planUnpin decides what letting the fleet follow again does.
func (d *Deployer) planUnpin(p *Plan) {
	c, fs := d.Component, p.Sight.Fleet
	latest := fs.Latest()
	p.fleet.to = latest
	p.To = orText(latest.RawVersion, p.From)
	if fs.State() == balena.Tracking || fs.Fleet.Track && latest.ID == 0 {
		p.Nothing = fmt.Sprintf("already follows the newest release, at %s: nothing to do", orText(p.From, "none yet"))
		return
	}
	p.Effects = append(p.Effects, fmt.Sprintf("%s  %s -> %s   %s, balena fleet %s", c.Key, orText(p.From, "(no release)"), orText(p.To, "(no release)"), orText(c.Environment, "production"), fs.Fleet.Slug))
	if latest.ID != 0 {
		p.Effects = append(p.Effects, fs.audience(latest.ID)...)
	}
	p.Effects = append(p.Effects, "from then on every new release goes out by itself")
	p.Evidence = append(p.Evidence, "now: "+fs.Words())
	if latest.ID == 0 {
		p.Evidence = append(p.Evidence, "there is no release that it could follow to, so it stays where it is until there is one")
	}
}
