package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/gitops"
	"github.com/balena-io/oncall/pkg/jenkins"
)

// An automation that follows the newest image writes its version back over a
// rollback. It is seen by its mark in the file (contract section 2), and stopped
// by the build that goes back: the job's HoldParam makes it take the mark away in
// the same commit (section 6). Whether it did is read from the file afterwards.

// Check says, as an apierr.ErrUsage, which wish has no meaning for a component.
func (c Component) Check(w Want) error {
	bad := func(flag, format string, args ...any) error {
		return apierr.New(apierr.ErrUsage, "", "deploy "+c.Key, "%s has no meaning here: %s", flag, fmt.Sprintf(format, args...))
	}
	switch {
	case w.StaleOK && c.Where == nil:
		return bad("--stale-ok", "%s has no repository that could be old", c.Key)
	case w.Behind && c.Backend == BackendFleet:
		return bad("--wait-for-running", "%s is a fleet, and a pin waits in no queue", c.Key)
	case w.RequireImage && c.Backend == BackendFleet:
		return bad("--require-image", "%s is a fleet, and its releases are looked up at balena, never at a registry", c.Key)
	case w.Unpin && c.Backend != BackendFleet && c.HoldParam == "":
		return apierr.New(apierr.ErrGuard, "", "deploy "+c.Key, "%s is not a fleet, and its job has no parameter that holds it: there is nothing to take away", c.Key)
	}
	return nil
}

// Held reports whether the automation of a component that has one is stopped:
// its job can hold it, and the file carries no mark.
func (s *Sight) Held(c Component) bool {
	return c.HoldParam != "" && s.RepoErr == nil && s.DeclaredErr == nil && len(s.Declared.Automation) == 0
}

// holdOf is what a start was given for the parameter that holds.
func (d *Deployer) holdOf(params []jenkins.Parameter) string {
	for _, p := range params {
		if d.Component.HoldParam != "" && p.Name == d.Component.HoldParam {
			return p.Value
		}
	}
	return ""
}

// automation decides what happens to it, and refuses what would be undone. That
// the version is there already does not matter when it is to be held there.
func (d *Deployer) automation(p *Plan, w Want) error {
	s, c := p.Sight, d.Component
	if s.RepoErr != nil || s.DeclaredErr != nil {
		switch {
		case w.Hold && c.HoldParam == "":
			return fail(apierr.ErrGuard, c, "whether something would write its version back is not known, and the job has no parameter that stops it").
				WithHint("go without --hold, or set hold-param of components.%s", c.Key)
		case w.Hold:
			p.hold, p.Nothing = "true", ""
			p.Evidence = append(p.Evidence, "automation: not known; the build is told to stop it ("+c.HoldParam+")")
		case w.Unpin:
			p.hold = "false"
		}
		return nil
	}
	marks := s.Declared.Automation
	if w.Unpin {
		if p.hold = "false"; len(marks) > 0 {
			p.Nothing = fmt.Sprintf("already follows the newest version by itself, at %s: nothing to do", p.From)
		}
		return nil
	}
	switch {
	case p.Nothing != "" && (len(marks) == 0 || !w.Hold):
		return nil // it stays as it is
	case len(marks) == 0 && c.HoldParam != "":
		p.hold = "true" // as it is
		p.Evidence = append(p.Evidence, "automation: stopped, and stays so ("+c.HoldParam+")")
		return nil
	case len(marks) == 0:
		p.Evidence = append(p.Evidence, "automation: none in the file")
		return nil
	}
	words := Marks(c, marks)
	switch {
	case c.HoldParam == "" && w.Hold:
		return fail(apierr.ErrGuard, c, "the automation would write its version back, and the job has no parameter that stops it: %s", words).WithHint("%s", HoldStep(c, marks[0]))
	case c.HoldParam == "":
		return fail(apierr.ErrGuard, c, "the automation would write its version back: %s", words).WithHint("%s", HoldStep(c, marks[0]))
	case !w.Hold:
		return fail(apierr.ErrGuard, c, "the automation would write its version back: %s", words).WithHint("--hold stops it in the same build")
	}
	p.hold, p.Nothing = "true", ""
	p.Evidence = append(p.Evidence, "automation: stopped in the same build ("+c.HoldParam+"): "+words)
	return nil
}

// holdEffect is what a plan does to the automation, in words.
func (p *Plan) holdEffect(c Component) []string {
	switch {
	case p.hold == "true" && len(p.Sight.Declared.Automation) > 0:
		return []string{"its automation is stopped until: oncall deploy unpin " + c.Key}
	case p.hold == "false":
		return []string{"its automation is started again, and takes the newest version at its next round"}
	}
	return nil
}

// Hold is what the build is told about the automation: "true" to stop it, "false"
// to start it, "" for nothing.
func (p *Plan) Hold() string { return p.hold }

// Marks are an automation's marks with their place.
func Marks(c Component, marks []gitops.Mark) string {
	words := []string{}
	for _, m := range marks {
		words = append(words, fmt.Sprintf("%s (%s:%d)", m.Text, c.Where.File, m.Line))
	}
	return strings.Join(words, ", ")
}

// HoldStep is the exact step that stops an automation by hand.
func HoldStep(c Component, m gitops.Mark) string {
	where := fmt.Sprintf("line %d of %s", m.Line, c.Where.File)
	switch ns, name, v2 := strings.Cut(m.Policy, ":"); {
	case v2:
		return fmt.Sprintf("take the comment from %s and commit it (the policy is %s of %s; that flux suspend image update was run cannot be seen from here), then run this again", where, name, ns)
	case strings.HasPrefix(m.Text, "automatic_deploys_enabled"):
		return fmt.Sprintf("make it automatic_deploys_enabled: false in %s and commit it, then run this again", where)
	}
	return fmt.Sprintf("remove %s, or add fluxcd.io/locked: \"true\" beside it, and commit it, then run this again", where)
}

// CheckHold reads from the repository whether a build that deployed version did
// to the automation what it was told to by the component's HoldParam. nil: it did, or was told nothing. An
// apierr.ErrGuard says that it did not, with the step that helps; another error
// that it cannot be told.
func (d *Deployer) CheckHold(ctx context.Context, told, version string) error {
	if told == "" || d.Repo == nil {
		return nil
	}
	s := &Sight{}
	d.lookRepo(ctx, s)
	for _, err := range []error{s.RepoErr, s.Snapshot.Stale, s.DeclaredErr} {
		if err != nil {
			return err
		}
	}
	c, marks := d.Component, s.Declared.Automation
	switch {
	case told == "true" && len(marks) > 0 && s.Declared.Version != version:
		return fail(apierr.ErrGuard, c, "the build did not stop the automation, although it was given %s=true: it has written %s over %s already", c.HoldParam, s.Declared.Version, version).
			WithHint("%s", HoldStep(c, marks[0]))
	case told == "true" && len(marks) > 0:
		return fail(apierr.ErrGuard, c, "the build did not stop the automation, although it was given %s=true: %s will be written over %s", c.HoldParam, Marks(c, marks), s.Declared.Version).
			WithHint("%s", HoldStep(c, marks[0]))
	case told == "false" && len(marks) == 0:
		return fail(apierr.ErrGuard, c, "the build did not start the automation again, although it was given %s=false: %s carries no mark of one", c.HoldParam, c.Where.File).
			WithHint("put the mark back that the commit took away which held it: git log -p -- %s", c.Where.File)
	}
	return nil
}
