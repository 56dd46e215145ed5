package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/jenkins"
)

// Want is what somebody asks for.
type Want struct {
	Rollback bool   // go back: To, or the previous version when To is ""
	To       string // version
	Hold     bool   // stop the automation that would undo it
	Unpin    bool   // let it follow the newest version by itself again

	StaleOK      bool // go on though the repository cannot be asked
	RequireImage bool // refuse when the registry cannot be asked
	Behind       bool // queue behind a deployment that runs, instead of refusing

	Reason string
}

// Verb is the infinitive: "deploy", "roll back".
func (w Want) Verb() string {
	if w.Unpin {
		return "unpin"
	}
	if w.Rollback {
		return "roll back"
	}
	return "deploy"
}

// Plan is what will be done, and on what grounds.
type Plan struct {
	Component   string   `json:"component"`
	Environment string   `json:"environment"`
	From        string   `json:"from"`
	To          string   `json:"to"`
	Backend     Backend  `json:"backend"`
	Evidence    []string `json:"evidence"` // what it rests on
	Effects     []string `json:"effects"`  // what will happen
	Skipped     []Skip   `json:"skipped"`  // versions that --previous passed over

	// Nothing says why there is nothing to do; "" when there is.
	Nothing string `json:"nothing,omitempty"`
	// Join is a deployment of ours to the same version that is under way: it is
	// followed, and nothing is started.
	Join *Ongoing `json:"join,omitempty"`
	// Blocking are deployments of the component that somebody else has under way;
	// only with Want.Behind, else the plan is refused.
	Blocking []Ongoing `json:"blocking,omitempty"`

	Sight *Sight `json:"-"`
	given []jenkins.Parameter
	hold  string // value of the job's parameter that stops the automation; "" is not sent
	fleet fleetPlan
}

// Plan looks and decides. What the state does not allow is an apierr.ErrGuard,
// what cannot be meant an apierr.ErrUsage.
func (d *Deployer) Plan(ctx context.Context, w Want) (*Plan, error) {
	c := d.Component
	if w.To != "" || !w.Rollback && !w.Unpin {
		if err := CheckVersion(w.To); err != nil {
			return nil, err
		}
	}
	if err := c.Check(w); err != nil {
		return nil, err
	}
	if d.Fleet != nil {
		return d.planFleet(ctx, w)
	}
	if c.Backend != BackendJenkins {
		return nil, fail(apierr.ErrGuard, c, "nothing is configured that could deploy %s in %s", c.Key, c.Environment).
			WithHint("set job, component-param and version-param of components.%s", c.Key)
	}
	s, err := d.Look(ctx)
	if err != nil {
		return nil, err
	}
	if s.JobErr != nil {
		return nil, s.JobErr
	}
	p := &Plan{Component: c.Key, Environment: c.Environment, From: s.Current(), To: w.To, Backend: c.Backend, Evidence: []string{}, Effects: []string{}, Skipped: []Skip{}, Sight: s}
	if err := d.checkRepo(p, w); err != nil {
		return nil, err
	}
	if err := d.target(p, w); err != nil {
		return nil, err
	}
	if err := d.automation(p, w); err != nil {
		return nil, err
	}
	if done, err := d.ongoing(p, w); done || err != nil {
		return p, err
	}
	if p.Nothing != "" {
		return p, nil
	}
	if err := d.image(ctx, p, w); err != nil {
		return nil, err
	}
	if p.given, err = d.parameters(s.Job, p, w); err != nil {
		return nil, err
	}
	d.tell(ctx, p)
	return p, nil
}

// checkRepo refuses to act on what may be old, unless that is asked for.
func (d *Deployer) checkRepo(p *Plan, w Want) error {
	s := p.Sight
	switch {
	case d.Repo == nil && d.RepoWhy != nil && !w.StaleOK:
		return fail(apierr.ErrGuard, d.Component, "the repository cannot be read: %v", d.RepoWhy).WithHint("%s", orText(apierr.HintOf(d.RepoWhy), "--stale-ok goes by the job's builds alone"))
	case d.Repo == nil:
		p.Evidence = append(p.Evidence, "declared: not known ("+s.RepoErr.Error()+"); versions are those of the job's builds")
		return nil
	case s.RepoErr != nil && !w.StaleOK:
		return fail(apierr.ErrGuard, d.Component, "the repository cannot be read: %v", s.RepoErr).WithHint("--stale-ok goes by the job's builds alone")
	case s.RepoErr != nil:
		p.Evidence = append(p.Evidence, "declared: not known ("+s.RepoErr.Error()+"); versions are those of the job's builds")
	case s.Snapshot.Stale != nil:
		since := age(d.Now().Sub(s.Snapshot.FetchedAt))
		if !w.StaleOK {
			return fail(apierr.ErrGuard, d.Component, "the repository was read %s ago and does not answer now: %v", since, s.Snapshot.Stale).WithHint("--stale-ok acts on what was read then")
		}
		p.Evidence = append(p.Evidence, fmt.Sprintf("the repository as of %s ago: %v", since, s.Snapshot.Stale))
	}
	if s.DeclaredErr != nil {
		if w.To == "" {
			return s.DeclaredErr
		}
		p.Evidence = append(p.Evidence, "declared: not known ("+s.DeclaredErr.Error()+")")
	}
	return nil
}

// target decides where to go, and whether anything is to be done.
func (d *Deployer) target(p *Plan, w Want) error {
	s := p.Sight
	if w.Unpin {
		if p.To = p.From; p.To == "" {
			return fail(apierr.ErrGuard, d.Component, "it is not known which version is there, so nothing can be left as it is")
		}
		return nil
	}
	if p.To == "" {
		// Running the same line again must not go back further.
		if len(s.Runs) > 1 && s.Runs[0].Rollback && s.Runs[0].Version == p.From {
			p.To = p.From
			p.Nothing = fmt.Sprintf("already rolled back %s -> %s (%s ago)", s.Runs[1].Version, p.From, age(d.Now().Sub(s.Runs[0].Since)))
			if r, _, ok := Previous(s.Runs, p.From, d.Now()); ok {
				p.Nothing += "; further back: --to " + r.Version
			}
			return nil
		}
		r, skipped, ok := Previous(s.Runs, p.From, d.Now())
		if !ok {
			why := "no other version is known to have run there before"
			if s.Cut != "" {
				why += " (" + s.Cut + ")"
			}
			return fail(apierr.ErrGuard, d.Component, "%s", why).WithHint("--to VERSION names one")
		}
		p.To, p.Skipped = r.Version, append(p.Skipped, skipped...)
	}
	if p.To == p.From {
		p.Nothing = fmt.Sprintf("already at %s: nothing to do", p.To)
	}
	return nil
}

func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%dh %dm", int(d.Hours()), int(d.Minutes())%60), " 0m")
	}
	return strings.TrimSuffix(fmt.Sprintf("%dd %dh", int(d.Hours())/24, int(d.Hours())%24), " 0h")
}

// Age is a length of time as the package writes it: "6d 4h".
func Age(d time.Duration) string { return age(d) }

// ongoing looks at other deployments of the component. done: the plan is whole.
func (d *Deployer) ongoing(p *Plan, w Want) (done bool, err error) {
	others := p.Sight.Ongoing
	// --previous while our rollback is under way: the target is what it goes to.
	for i, o := range others {
		if o.mine && o.Version == p.To && len(others) == 1 && (p.hold == "" || o.hold == p.hold) {
			p.Join, p.Nothing = &others[i], ""
			return true, nil
		}
	}
	if len(others) == 0 {
		return false, nil
	}
	if w.Behind {
		p.Blocking = others
		return false, nil
	}
	words := []string{}
	for _, o := range others {
		words = append(words, o.Words())
	}
	e := fail(apierr.ErrGuard, d.Component, "another deployment of %s is under way: %s", d.Component.Key, strings.Join(words, ", "))
	if o := others[0]; o.Build > 0 {
		return false, e.WithHint("oncall deploy watch %d follows it (%s); --wait-for-running queues behind it", o.Build, o.URL)
	}
	return false, e.WithHint("%s; --wait-for-running queues behind it", others[0].URL)
}

// image asks the registry about a version that never ran there.
func (d *Deployer) image(ctx context.Context, p *Plan, w Want) error {
	if slices.ContainsFunc(p.Sight.Runs, func(r Run) bool { return r.Version == p.To }) {
		return nil
	}
	var why string
	switch name := p.Sight.Declared.Image; {
	case p.Sight.RepoErr != nil || p.Sight.DeclaredErr != nil || name == "":
		why = "the repository does not name it"
	case d.Image == nil:
		why = "no registry is asked"
	default:
		err := d.Image.Has(ctx, name, p.To)
		if err == nil {
			p.Evidence = append(p.Evidence, fmt.Sprintf("image: %s:%s is in the registry", name, p.To))
			return nil
		}
		if errors.Is(err, apierr.ErrNotFound) {
			return fail(apierr.ErrGuard, d.Component, "the registry has no %s:%s", name, p.To).WithHint("oncall deploy history %s shows versions that ran", d.Component.Key)
		}
		why = err.Error()
	}
	if w.RequireImage {
		return fail(apierr.ErrGuard, d.Component, "the image of %s could not be checked: %s", p.To, why)
	}
	p.Evidence = append(p.Evidence, fmt.Sprintf("image not checked: %s (%s never ran there)", why, p.To))
	return nil
}

// parameters are those to send, checked against the job.
func (d *Deployer) parameters(job jenkins.Job, p *Plan, w Want) ([]jenkins.Parameter, error) {
	c := d.Component
	given := []jenkins.Parameter{}
	if c.ComponentParam != "" {
		given = append(given, jenkins.Parameter{Name: c.ComponentParam, Value: c.Name})
	}
	given = append(given, jenkins.Parameter{Name: c.VersionParam, Value: p.To})
	if c.ReasonParam != "" && w.Reason != "" {
		given = append(given, jenkins.Parameter{Name: c.ReasonParam, Value: w.Reason})
	}
	if p.hold != "" {
		given = append(given, jenkins.Parameter{Name: c.HoldParam, Value: p.hold})
	}
	names := []string{}
	for name := range c.Params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		given = append(given, jenkins.Parameter{Name: name, Value: c.Params[name]})
	}
	if job.Disabled || !job.Buildable {
		return nil, fail(apierr.ErrGuard, c, "the job %s is disabled, or not saved yet: Jenkins takes no builds of it", c.Job)
	}
	_, err := job.Effective(given)
	return given, err
}

// tell writes the plan in words.
func (d *Deployer) tell(ctx context.Context, p *Plan) {
	c, s := d.Component, p.Sight
	why := "never ran there"
	for i, r := range s.Runs {
		if r.Version == p.To && i > 0 {
			why = "ran " + age(r.Lasted(d.Now())) + " before"
			if r.RolledBack {
				why += ", and was rolled back"
			}
			break
		}
	}
	from := p.From
	if from == "" {
		from = "(unknown)"
	}
	env := orText(c.Environment, "production")
	p.Effects = append(p.Effects, fmt.Sprintf("%s  %s -> %s   (%s)   %s, Jenkins job %s", c.Key, from, p.To, why, env, c.Job))
	if p.From == p.To {
		p.Effects[0] = fmt.Sprintf("%s  stays at %s   %s, Jenkins job %s", c.Key, p.To, env, c.Job)
	}
	p.Effects = append(p.Effects, p.holdEffect(c)...)
	if text := d.alongside(ctx, p); text != "" {
		p.Effects = append(p.Effects, text)
	}
	if len(s.Runs) > 0 && s.Runs[0].Version == p.From {
		p.Evidence = append(p.Evidence, fmt.Sprintf("%s is there since %s, by %s", p.From, s.Runs[0].Since.Format("2006-01-02 15:04 MST"), orText(s.Runs[0].By, "nobody known")))
	}
	for _, x := range p.Skipped {
		p.Evidence = append(p.Evidence, fmt.Sprintf("%s is passed over: %s (--to %s takes it)", x.Version, x.Why, x.Version))
	}
	if len(p.Blocking) == 0 {
		p.Evidence = append(p.Evidence, "other deployments under way: none")
	}
	for _, o := range p.Blocking {
		p.Evidence = append(p.Evidence, "it waits for "+o.Words())
	}
}

// alongside tells what else changed between the two versions.
func (d *Deployer) alongside(ctx context.Context, p *Plan) string {
	s := p.Sight
	if s.RepoErr != nil || s.DeclaredErr != nil {
		return ""
	}
	to := commitOf(s.Runs, p.To)
	if to == "" || p.From == p.To {
		return ""
	}
	diff, err := d.Repo.Diff(ctx, s.Snapshot.Commit, to, d.Component.Where.File)
	if err != nil {
		return ""
	}
	also := ""
	if len(diff.Files) > 0 {
		also = fmt.Sprintf(", %s changed with it", count(len(diff.Files), "other file"))
	}
	return fmt.Sprintf("between them: %s%s (oncall deploy diff %s)", count(len(diff.Commits), "commit"), also, d.Component.Key)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// commitOf is the commit in which a version was last in force, "" for none.
func commitOf(runs []Run, version string) string {
	for _, r := range runs {
		if r.Version == version {
			return r.Commit
		}
	}
	return ""
}

// moved says what differs between the plan that was shown and the one taken
// right before acting; "" when nothing that counts does.
func (p *Plan) moved(again *Plan) string {
	a, b := p.Sight, again.Sight
	switch {
	case p.From != again.From:
		return fmt.Sprintf("%s is at %s now, not at %s", p.Component, orText(again.From, "(unknown)"), orText(p.From, "(unknown)"))
	case p.To != again.To:
		return fmt.Sprintf("the previous version is %s now, not %s", again.To, p.To)
	case p.hold != again.hold:
		return "the automation that writes the version was switched"
	case a.RepoErr == nil && b.RepoErr == nil && a.Declared.Blob != b.Declared.Blob:
		return fmt.Sprintf("the file was changed meanwhile (%s -> %s)", short(a.Snapshot.Commit), short(b.Snapshot.Commit))
	case again.Nothing != "":
		return again.Nothing
	}
	return ""
}
