package simulator

import (
	"slices"
	"time"
)

// The fixed facts of the demo world. Tests and documentation share them. Times
// are relative to the world's start.

// People. The handle `you` is the person who plays.
const (
	UserYou       = "you"
	UserSecondary = "secondary"
	UserManager   = "manager"
	// Of other teams. The first name Sam is also secondary's; the last handle
	// holds an "@", which some vendors want unescaped in a path.
	UserDevices  = "noor"
	UserDevices2 = "sam.field"
	UserSupport  = "lee@example.test"
)

// Person is somebody who can be paged.
type Person struct {
	Username, FirstName, LastName, Email, Phone string
}

// People returns everybody in the organisation, in a fixed order.
func People() []Person {
	return []Person{
		{UserYou, "Robin", "Vale", "you@example.test", "+44 20 7946 0101"},
		{UserSecondary, "Sam", "Okafor", "secondary@example.test", "+44 20 7946 0102"},
		{UserManager, "Kim", "Larsen", "manager@example.test", "+44 20 7946 0103"},
		{UserDevices, "Noor", "Haddad", "noor@example.test", "+44 20 7946 0104"},
		{UserDevices2, "Sam", "Field", "sam.field@example.test", "+44 20 7946 0105"},
		{UserSupport, "Lee", "Archer", "lee@example.test", "+44 20 7946 0106"},
	}
}

// Organisation and teams, by the names people use.
const (
	Org            = "balena-demo"
	TeamOperations = "Operations"
	TeamDevices    = "Devices"
	TeamSupport    = "Support"
	// Zone is where the teams' rotas roll over; it has summer time.
	Zone = "Europe/Athens"
)

// Incidents of the pager.
const (
	Incident5xx       = "4127" // API 5xx ratio above 2%, pages you
	IncidentE2E       = "4126" // e2e hourly: no success for 1h, pages you
	IncidentTest      = "4125" // a test incident of another team
	IncidentForgotten = "4119" // acknowledged 4 days ago by secondary and forgotten
)

// Names that several services share.
const (
	ComponentAPI = "api"
	JobE2E       = "balena-e2e-ephemeral"
	JobDeploy    = "Deploy-Component-To-Production"
	CheckE2E     = "e2e hourly" // Healthchecks
	ProbeAPI     = "api"        // NodePing
	FleetJelly   = "jellyfish"  // balena
	RDSInstance  = "api-main"
	DashboardURL = "https://monitor.example.test/d/api"
	PlaybookURL  = "https://playbook.example.test/api-5xx"
	PlaybookE2E  = "https://playbook.example.test/e2e-heartbeat"
	AlertRule5xx = "API5xxRatioHigh" // Prometheus
	MonitorProm  = "prometheus"      // who reports it to the pager
)

// When things happened, before the world's start.
const (
	PageBefore       = 6 * time.Minute                                // incident 4127 was triggered
	BadDeployBefore  = PageBefore + 14*time.Minute                    // 17.5.0 ran everywhere
	GoodDeployBefore = BadDeployBefore + 6*24*time.Hour + 4*time.Hour // 17.4.1 ran everywhere
	E2EFailedBefore  = 41 * time.Minute                               // build 9123 ended, incident 4126 was triggered
	E2EDuration      = 47 * time.Minute                               // of one e2e build
	E2EPeriod        = time.Hour                                      // between the starts of two e2e builds
	E2EGrace         = time.Hour                                      // how late the heartbeat may be
	// E2EPassedBefore is when build 9121 ended green: the heartbeat, an hour's
	// period and an hour's grace, was missed E2EFailedBefore.
	E2EPassedBefore = E2EFailedBefore + E2EPeriod + E2EGrace
	ForgottenBefore = 4 * 24 * time.Hour // incident 4119 was acknowledged
	StaleBefore     = 30 * time.Hour     // the public incident on Delta updates went into monitoring
)

// Builds.
const (
	E2EFirstBuild     = 9084
	E2ELastGreen      = 9121
	E2ELastBuild      = 9123
	E2EFailedStep     = "Checking if kernel module loading works"
	DeployBadBuild    = 881
	APIVersionGood    = "17.4.1"
	APIVersionBad     = "17.5.0"
	ErrorRatioGood    = 0.002 // share of api's requests answered 5xx
	ErrorRatioBad     = 0.041
	ErrorRatioAlertAt = 0.02
)

// Delays of a deployment that somebody starts in the demo.
const (
	BuildDelay   = 4 * time.Second // a Jenkins build
	FluxDelay    = 2 * time.Second // commit to applied
	RolloutDelay = time.Second     // applied to running everywhere
	VerifyWindow = 5 * time.Second // what deploy and the alert look back on
	e2eRetryTime = BuildDelay      // an e2e build that somebody starts
)

// The error ratio follows a deployment: after onset it moves to its new value
// within ramp. The deployment of the seed took its time, one in play does not.
const (
	seedOnset, seedRamp = 4 * time.Minute, 10 * time.Minute
	liveOnset, liveRamp = 0 * time.Second, 3 * time.Second
)

// Deploy is a version of a component on its way to production. Times may lie in
// the future: compare them with the clock.
type Deploy struct {
	Component string    `json:"component"`
	From      string    `json:"from"` // what ran before; "" for the first one known
	To        string    `json:"to"`
	Build     int       `json:"build"` // number of the build of JobDeploy
	StartedAt time.Time `json:"startedAt"`
	BuiltAt   time.Time `json:"builtAt"`   // build ended, commit in the GitOps repository
	AppliedAt time.Time `json:"appliedAt"` // Flux applied the commit
	RunningAt time.Time `json:"runningAt"` // in all replicas

	Onset time.Duration `json:"onset"`
	Ramp  time.Duration `json:"ramp"`
}

// Facts is what vendors agree on.
type Facts struct {
	StartedAt time.Time   `json:"startedAt"`
	Deploys   []Deploy    `json:"deploys"`   // to production, by RunningAt, oldest first
	E2EPasses []time.Time `json:"e2ePasses"` // when e2e builds ended green, oldest first
	// Staging is what builds put into staging, by BuiltAt, oldest first.
	Staging []StagingDeploy `json:"staging,omitempty"`
}

func seedFacts(start time.Time) Facts {
	f := Facts{StartedAt: start}
	last := map[string]string{}
	for _, d := range []struct {
		component, to string
		build         int
		before        time.Duration
	}{
		{"api", "17.3.2", 872, 27 * 24 * time.Hour},
		{"ui", "41.0.3", 873, 24 * 24 * time.Hour},
		{"registry", "5.8.0", 874, 20 * 24 * time.Hour},
		{"api", "17.4.0", 875, 15 * 24 * time.Hour},
		{"ui", "41.1.0", 876, 12 * 24 * time.Hour},
		{"builder", "9.2.1", 877, 9 * 24 * time.Hour},
		{ComponentAPI, APIVersionGood, 878, GoodDeployBefore},
		{"registry", "5.8.1", 879, 3 * 24 * time.Hour},
		{"ui", "41.2.0", 880, 26 * time.Hour},
		{ComponentAPI, APIVersionBad, DeployBadBuild, BadDeployBefore},
	} {
		at := start.Add(-d.before)
		f.Deploys = append(f.Deploys, Deploy{
			Component: d.component, From: last[d.component], To: d.to, Build: d.build,
			StartedAt: at.Add(-7 * time.Minute), BuiltAt: at.Add(-4 * time.Minute),
			AppliedAt: at.Add(-90 * time.Second), RunningAt: at, Onset: seedOnset, Ramp: seedRamp,
		})
		last[d.component] = d.to
	}
	// Every build up to the last green one passed, but for the few that the
	// Jenkins part knows; the heartbeat only asks for the newest.
	f.E2EPasses = []time.Time{start.Add(-E2EPassedBefore)}
	return f
}

// E2EBuildEnd is when e2e build n of the seed ended.
func (f *Facts) E2EBuildEnd(n int) time.Time {
	return f.StartedAt.Add(-E2EFailedBefore).Add(-time.Duration(E2ELastBuild-n) * E2EPeriod)
}

// BeginDeploy starts a deployment at the given time and returns when its steps
// will be done.
func (f *Facts) BeginDeploy(component, to string, build int, at time.Time) Deploy {
	built := at.Add(BuildDelay)
	d := Deploy{
		Component: component, From: f.VersionAt(component, at), To: to, Build: build,
		StartedAt: at, BuiltAt: built, AppliedAt: built.Add(FluxDelay), RunningAt: built.Add(FluxDelay + RolloutDelay),
		Onset: liveOnset, Ramp: liveRamp,
	}
	f.Deploys = append(f.Deploys, d)
	slices.SortStableFunc(f.Deploys, func(a, b Deploy) int { return a.RunningAt.Compare(b.RunningAt) })
	return d
}

// CancelDeploy forgets the deployment of a build that was aborted before it
// ended, and reports whether there was one.
func (f *Facts) CancelDeploy(build int, at time.Time) bool {
	n := len(f.Deploys)
	f.Deploys = slices.DeleteFunc(f.Deploys, func(d Deploy) bool { return d.Build == build && d.BuiltAt.After(at) })
	return len(f.Deploys) != n
}

// VersionAt is the version of a component that ran everywhere at t, "" when
// nothing is known.
func (f *Facts) VersionAt(component string, t time.Time) string {
	return f.latest(component, t, func(d Deploy) time.Time { return d.RunningAt })
}

// AppliedVersionAt is the version that Flux had applied at t.
func (f *Facts) AppliedVersionAt(component string, t time.Time) string {
	return f.latest(component, t, func(d Deploy) time.Time { return d.AppliedAt })
}

// CommittedVersionAt is the version in the GitOps repository at t.
func (f *Facts) CommittedVersionAt(component string, t time.Time) string {
	return f.latest(component, t, func(d Deploy) time.Time { return d.BuiltAt })
}

func (f *Facts) latest(component string, t time.Time, step func(Deploy) time.Time) string {
	v := ""
	for _, d := range f.Deploys {
		if d.Component == component && !step(d).After(t) {
			v = d.To
		}
	}
	return v
}

// apiVersionAt is VersionAt of api.
func (f *Facts) apiVersionAt(t time.Time) string { return f.VersionAt(ComponentAPI, t) }

// errorRatioAt is the share (0 to 1) of api's requests that were answered 5xx
// at t, without noise.
func (f *Facts) errorRatioAt(t time.Time) float64 {
	v := ErrorRatioGood
	for _, m := range f.moves(t) {
		v = m.at(t)
	}
	return v
}

// Flip is a moment at which something began to fail or stopped failing.
type Flip struct {
	At      time.Time
	Failing bool
}

// APIFlips returns when the ratio crossed the alert's threshold by t, oldest
// first. Probes and alerts follow it.
func (f *Facts) APIFlips(t time.Time) []Flip {
	out := []Flip{}
	failing := false
	for _, m := range f.moves(t) {
		above := m.to > ErrorRatioAlertAt
		if above == failing || above == (m.from > ErrorRatioAlertAt) {
			continue
		}
		share := (ErrorRatioAlertAt - m.from) / (m.to - m.from)
		at := m.begin.Add(time.Duration(share * float64(m.ramp)))
		if at.After(m.end) {
			continue
		}
		failing = above
		out = append(out, Flip{at, above})
	}
	return out
}

// APIFailing reports whether the ratio stands above the alert's threshold at t,
// and since when it has been on that side of it; the zero time is ever.
func (f *Facts) APIFailing(t time.Time) (failing bool, since time.Time) {
	return lastFlip(f.APIFlips(t))
}

func lastFlip(flips []Flip) (failing bool, since time.Time) {
	if len(flips) == 0 {
		return false, time.Time{}
	}
	last := flips[len(flips)-1]
	return last.Failing, last.At
}

// move is one change of the error ratio, in force until end.
type move struct {
	from, to   float64
	begin, end time.Time
	ramp       time.Duration
}

func (m move) at(t time.Time) float64 {
	switch {
	case !t.After(m.begin):
		return m.from
	case t.Sub(m.begin) >= m.ramp:
		return m.to
	}
	return m.from + (m.to-m.from)*float64(t.Sub(m.begin))/float64(m.ramp)
}

// moves returns the changes of the ratio that began to work by t.
func (f *Facts) moves(t time.Time) []move {
	out := []move{}
	v := ErrorRatioGood
	for _, d := range f.Deploys {
		if d.Component != ComponentAPI || d.RunningAt.After(t) {
			continue
		}
		if n := len(out); n > 0 {
			out[n-1].end = d.RunningAt
			v = out[n-1].at(d.RunningAt)
		}
		to := ErrorRatioGood
		if d.To == APIVersionBad {
			to = ErrorRatioBad
		}
		out = append(out, move{from: v, to: to, begin: d.RunningAt.Add(d.Onset), end: t, ramp: d.Ramp})
	}
	return out
}

// RecordE2EPass notes that an e2e build ends green at the given time, which may
// lie in the future.
func (f *Facts) RecordE2EPass(at time.Time) {
	f.E2EPasses = append(f.E2EPasses, at)
	slices.SortFunc(f.E2EPasses, time.Time.Compare)
}

// LastE2EPass is when e2e last ended green by t.
func (f *Facts) LastE2EPass(t time.Time) time.Time {
	var last time.Time
	for _, p := range f.E2EPasses {
		if !p.After(t) {
			last = p
		}
	}
	return last
}

// E2EFlips returns when the heartbeat of e2e became overdue and when it came back,
// by t, oldest first.
func (f *Facts) E2EFlips(t time.Time) []Flip {
	out := []Flip{}
	for i, pass := range f.E2EPasses {
		if len(out) > 0 && out[len(out)-1].Failing && !pass.After(t) {
			out = append(out, Flip{pass, false})
		}
		deadline := pass.Add(E2EPeriod + E2EGrace)
		if next := i + 1; next < len(f.E2EPasses) && !f.E2EPasses[next].After(deadline) {
			continue
		}
		if !deadline.After(t) {
			out = append(out, Flip{deadline, true})
		}
	}
	return out
}

// E2EMissing reports whether the heartbeat of e2e is overdue at t, and since when
// it has been so or not; the zero time is ever.
func (f *Facts) E2EMissing(t time.Time) (missing bool, since time.Time) {
	return lastFlip(f.E2EFlips(t))
}
