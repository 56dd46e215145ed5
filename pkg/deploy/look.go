package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/gitops"
	"github.com/balena-io/oncall/pkg/jenkins"
)

// Jenkins is what the package needs of a controller: *jenkins.Client.
type Jenkins interface {
	Job(ctx context.Context, name jenkins.JobName) (jenkins.Job, error)
	Activity(ctx context.Context, job jenkins.JobName, builds int) (jenkins.Activity, error)
	QueueItem(ctx context.Context, id int64) (jenkins.QueueItem, error)
	Cancel(ctx context.Context, id int64) error
	Build(ctx context.Context, job jenkins.JobName, number int) (jenkins.Build, error)
	Start(ctx context.Context, j jenkins.Job, given []jenkins.Parameter, o jenkins.StartOptions) (jenkins.Started, error)
	FindStarted(ctx context.Context, job jenkins.JobName, s jenkins.Started, patience time.Duration) (jenkins.Found, bool, error)
	WaitStart(ctx context.Context, job jenkins.JobName, id int64, seen func(jenkins.QueueItem)) (int, error)
	WaitEnd(ctx context.Context, job jenkins.JobName, number int, seen func(jenkins.Build)) (jenkins.Build, error)
	BuildURL(j jenkins.JobName, n int) string
	JobURL(j jenkins.JobName) string
	User() string
}

// Image tells whether a registry has an image.
type Image interface {
	// Has is nil when the tag is there, an apierr.ErrNotFound when it surely is
	// not, and any other error when that cannot be told.
	Has(ctx context.Context, image, tag string) error
}

// Deployer works on one component.
type Deployer struct {
	Component Component
	Sync      Syncer     // nil: what Flux applied is read from its tag
	Repo      Repository // nil: RepoWhy says why
	RepoWhy   error
	Jenkins   Jenkins
	Runner    Runner // nil: not known
	RunnerWhy string
	Checks    []Check
	ChecksWhy string
	Image     Image    // nil: images are not checked
	Fleet     FleetAPI // of a component that is a fleet; nil: it is none

	Now  func() time.Time
	Wait func(ctx context.Context, d time.Duration) error
	Poll time.Duration // between two looks at the facts
}

// Ongoing is a deployment of the component that waits or runs.
type Ongoing struct {
	Build   int       `json:"build,omitempty"`
	QueueID int64     `json:"queueId,omitempty"`
	Version string    `json:"version"`
	By      string    `json:"by,omitempty"`
	Since   time.Time `json:"since"`
	URL     string    `json:"url"`
	mine    bool
	over    bool
	hold    string // what it was given for the component's HoldParam, "" for none
}

// Words is how a person reads it: "#882 (17.4.1, by you)".
func (o Ongoing) Words() string {
	what := fmt.Sprintf("#%d", o.Build)
	if o.Build == 0 {
		what = fmt.Sprintf("queue item %d", o.QueueID)
	}
	if o.By != "" {
		return fmt.Sprintf("%s (%s, by %s)", what, o.Version, o.By)
	}
	return fmt.Sprintf("%s (%s)", what, o.Version)
}

// Sight is how a component stands.
type Sight struct {
	Snapshot    gitops.Snapshot
	RepoErr     error // why the repository says nothing; nil: it does
	Declared    gitops.Declared
	DeclaredErr error  // why the value cannot be read; nil: it can
	Cut         string // why the history begins late
	Job         jenkins.Job
	JobErr      error
	Builds      []jenkins.Build // of this component, newest first
	Ongoing     []Ongoing
	Runs        []Run       // newest first
	Fleet       *FleetSight // of a component that is a fleet; nil: it is none

	newest int // number of the job's newest build, of whatever component; 0: none was seen
}

// Current is the version that is in force as far as it is declared or, without
// that, as the last successful build says; "" when nothing is known.
func (s *Sight) Current() string {
	if s.Fleet != nil {
		return s.Fleet.Version()
	}
	if s.RepoErr == nil && s.DeclaredErr == nil {
		return s.Declared.Version
	}
	if len(s.Runs) > 0 {
		return s.Runs[0].Version
	}
	return ""
}

// lookBuilds is how many builds of the job are read: Jenkins' own list.
const lookBuilds = 100

// Look reads the job, and then the repository: in this order a deployment that ends
// meanwhile is seen as one that is under way, or its commit is.
func (d *Deployer) Look(ctx context.Context) (*Sight, error) {
	if d.Fleet != nil {
		return d.lookFleet(ctx)
	}
	s := &Sight{Runs: []Run{}, Ongoing: []Ongoing{}}
	var seen jenkins.Activity
	var jobErr, seenErr error
	if d.Jenkins != nil {
		var wg sync.WaitGroup
		wg.Go(func() { s.Job, jobErr = d.Jenkins.Job(ctx, d.Component.Job) })
		wg.Go(func() { seen, seenErr = d.Jenkins.Activity(ctx, d.Component.Job, lookBuilds) })
		wg.Wait()
	}
	h := d.lookRepo(ctx, s)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if s.JobErr = jobErr; s.JobErr == nil {
		s.JobErr = seenErr
	}
	for _, b := range seen.Builds {
		s.newest = max(s.newest, b.Number)
		if _, ok := d.version(b.Parameters); ok && d.counts(s.Job, b.Parameters) {
			s.Builds = append(s.Builds, b)
		}
	}
	s.Ongoing = d.starts(s.Job, seen, func(b jenkins.Build) bool { return !over(b) })
	s.Runs = timeline(h.Changes, s.Builds, func(b jenkins.Build) string { v, _ := d.version(b.Parameters); return v })
	return s, nil
}

// starts are those of the component that wait, and those of its builds that count.
func (d *Deployer) starts(job jenkins.Job, a jenkins.Activity, count func(jenkins.Build) bool) []Ongoing {
	out := []Ongoing{}
	for _, b := range a.Builds {
		if v, ok := d.version(b.Parameters); ok && count(b) {
			out = append(out, Ongoing{Build: b.Number, QueueID: b.QueueID, Version: v, By: b.StartedBy(), Since: b.Queued, URL: b.URL, over: over(b),
				mine: d.mine(b.StartedBy()) && d.counts(job, b.Parameters), hold: d.holdOf(b.Parameters)})
		}
	}
	for _, q := range a.Waiting {
		if v, ok := d.version(q.Parameters); ok {
			o := Ongoing{QueueID: q.ID, Version: v, Since: q.Since, URL: d.Jenkins.JobURL(d.Component.Job)}
			for _, c := range q.Causes {
				o.By = c.UserID
			}
			o.mine, o.hold = d.mine(o.By) && d.counts(job, q.Parameters), d.holdOf(q.Parameters)
			out = append(out, o)
		}
	}
	return out
}

func (d *Deployer) lookRepo(ctx context.Context, s *Sight) gitops.History {
	if d.Repo == nil {
		s.RepoErr = d.RepoWhy
		if s.RepoErr == nil {
			s.RepoErr = errors.New("no repository is configured")
		}
		return gitops.History{}
	}
	if s.Snapshot, s.RepoErr = d.Repo.Refresh(ctx); s.RepoErr != nil {
		return gitops.History{}
	}
	s.Declared, s.DeclaredErr = d.Repo.Declared(ctx, s.Snapshot.Commit, *d.Component.Where)
	h, err := d.Repo.History(ctx, s.Snapshot, *d.Component.Where, 0)
	if err != nil {
		s.RepoErr = err
		return gitops.History{}
	}
	s.Cut = h.Cut
	return h
}

// mine reports whether a start was ours. Without a user nothing is.
func (d *Deployer) mine(user string) bool { return user != "" && user == d.Jenkins.User() }

// over reports whether a build can do nothing any more.
func over(b jenkins.Build) bool {
	return b.Finished() || !b.Building && b.InProgress != nil && !*b.InProgress
}

// version is the one that a build of this component was started with.
func (d *Deployer) version(params []jenkins.Parameter) (string, bool) {
	version, ours := "", d.Component.ComponentParam == ""
	for _, p := range params {
		switch p.Name {
		case d.Component.ComponentParam:
			ours = p.Value == d.Component.Name
		case d.Component.VersionParam:
			version = p.Value
		}
	}
	return version, ours && version != ""
}

// counts reports whether a build with these parameters deployed: whether all but
// component, version, reason and hold are what a start of ours sends. A dry run
// of the job is none.
func (d *Deployer) counts(job jenkins.Job, params []jenkins.Parameter) bool {
	c := d.Component
	for _, p := range params {
		if p.Secret || slices.Contains([]string{c.ComponentParam, c.VersionParam, c.ReasonParam, c.HoldParam}, p.Name) {
			continue
		}
		want, fixed := c.Params[p.Name]
		i := slices.IndexFunc(job.Parameters, func(x jenkins.Definition) bool { return x.Name == p.Name })
		if !fixed {
			if i < 0 || !job.Parameters[i].HasDefault {
				continue
			}
			want = job.Parameters[i].Default
		}
		if p.Value != want {
			return false
		}
	}
	return true
}

func fail(kind error, c Component, format string, args ...any) *apierr.Error {
	return apierr.New(kind, "", "deploy "+c.Key, format, args...)
}
