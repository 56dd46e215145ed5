package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/deploy"
	"github.com/balena-io/oncall/pkg/jenkins"
	"github.com/balena-io/oncall/pkg/pager"
)

// waitLimit bounds a whole deployment when --timeout says nothing: a build, the
// interval of Flux, a roll-out, and the time that checks must hold.
const waitLimit = 45 * time.Minute

// change is what run and rollback have in common.
type change struct {
	component
	want   deploy.Want
	verify []string
	wait   bool
	noWait bool
}

func (o *change) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.BoolVar(&o.wait, "wait", true, "wait until it is applied, running and verified")
	fs.BoolVar(&o.noWait, "no-wait", false, "return once it is started")
	fs.StringArrayVar(&o.verify, "verify", nil, "a further check: a named query, or an expression that must find something")
	fs.BoolVar(&o.want.Hold, "hold", false, "stop the automation that would undo it, in the same build, or say the exact step")
	fs.BoolVar(&o.want.StaleOK, "stale-ok", false, "go on though the repository does not answer, by what was read before")
	fs.BoolVar(&o.want.RequireImage, "require-image", false, "refuse when the registry cannot be asked about a version that never ran")
	fs.BoolVar(&o.want.Behind, "wait-for-running", false, "queue behind a deployment of the component that is under way")
	_ = cmd.RegisterFlagCompletionFunc("verify", cli.Complete(o.f, func(context.Context) ([]cobra.Completion, error) {
		out := []cobra.Completion{}
		all, err := o.f.Queries()
		for _, q := range all {
			out = append(out, cobra.CompletionWithDesc(q.Name, q.Description))
		}
		return out, err
	}))
	cli.ChangeFlags(cmd, o.f)
}

// outcome is what became of it, as JSON.
type outcome struct {
	Component   string        `json:"component"`
	Environment string        `json:"environment"`
	From        string        `json:"from"`
	To          string        `json:"to"`
	Build       int           `json:"build,omitempty"`
	URL         string        `json:"url,omitempty"`
	Result      string        `json:"result"` // Jenkins', or nothing, started, waiting
	Facts       []deploy.Fact `json:"facts"`
	Took        float64       `json:"tookSeconds"`
	Undo        string        `json:"undo,omitempty"` // the command that takes it back
	Evidence    []string      `json:"evidence"`
	Skipped     []deploy.Skip `json:"skipped"`
	// Automation is what the build did to what writes the version by itself: held,
	// following, or unchecked when that could not be seen; "" for none.
	Automation string `json:"automation,omitempty"`
}

// checked is everything that can be wrong before a request is sent.
func (o *change) checked(cmd *cobra.Command) error {
	if o.noWait && cmd.Flags().Changed("wait") && o.wait {
		return cli.Usage("--wait and --no-wait contradict each other")
	}
	o.wait = o.wait && !o.noWait
	if !o.wait && len(o.verify) > 0 {
		return cli.Usage("--verify needs the wait that --no-wait leaves out")
	}
	if n := o.f.Change.Incident; n != "" {
		if _, err := pager.Number(n); err != nil {
			return cli.Usage("--incident: %v", err)
		}
	}
	if o.want.To != "" {
		if err := deploy.CheckVersion(o.want.To); err != nil {
			return err
		}
	}
	o.want.Reason = o.f.Change.Reason
	return nil
}

// reasoned is the rule for machines: production is not changed without a word.
func (o *change) reasoned() error {
	c := o.f.Change
	if o.c.Production() && c.Yes && !c.DryRun && c.Reason == "" && !o.f.IO.Interactive() {
		return cli.Usage("--yes without a terminal needs --reason in production; nothing was sent").WithHint(`--reason "5xx after 17.5.0"`)
	}
	return nil
}

func (o *change) run(ctx context.Context) error {
	done := o.f.Busy("looking at what is there")
	defer done()
	if err := o.find(ctx); err != nil {
		return err
	}
	if err := o.c.Check(o.want); err != nil {
		return err
	}
	if err := o.reasoned(); err != nil {
		return err
	}
	if err := o.open(ctx, o.verify); err != nil {
		return err
	}
	p, err := o.d.Plan(ctx, o.want)
	done()
	if err != nil {
		return err
	}
	return o.carryOut(ctx, p)
}

// carryOut does what the plan says, through the door of every change.
func (o *change) carryOut(ctx context.Context, p *deploy.Plan) error {
	m := mutate.Plan{Verb: o.want.Verb(), Done: "deployed", Kind: "component", Targets: []string{o.c.Key}, Effects: p.Effects, Notes: p.Evidence,
		Ask: mutate.AskYesNo, TypeName: o.c.Key}
	switch {
	case o.want.Rollback:
		m.Done = "rolled back"
	case o.want.Unpin:
		m.Done = "unpinned"
	}
	if o.c.Production() {
		m.Ask = mutate.AskName
	}
	if p.Nothing != "" || p.Join != nil {
		m.Ask = mutate.AskNever // nothing is started
	}
	t := &trip{o: o, p: p, done: m.Done, begin: o.f.Now()}
	err := o.f.Mutate(ctx, m, func(ctx context.Context, report mutate.Report) error {
		defer t.end()
		return t.make(ctx, report)
	})
	if err != nil {
		return err
	}
	return t.after
}

// trip is one deployment, from the plan to the last fact.
type trip struct {
	o     *change
	p     *deploy.Plan
	done  string
	begin time.Time
	after error // what the command ends with though the change was made

	lines
}

func (t *trip) item(result string, b jenkins.Build, facts []deploy.Fact) outcome {
	x := outcome{Component: t.p.Component, Environment: t.p.Environment, From: t.p.From, To: t.p.To, Result: result, Facts: facts,
		Took: t.o.f.Now().Sub(t.begin).Seconds(), Evidence: t.p.Evidence, Skipped: t.p.Skipped}
	if b.Number > 0 {
		x.Build, x.URL = b.Number, t.o.d.Jenkins.BuildURL(t.o.c.Job, b.Number)
	}
	if t.p.From != "" && t.p.From != t.p.To && result != "nothing" {
		x.Undo = fmt.Sprintf("oncall deploy run %s %s", t.p.Component, t.p.From)
		if s := t.p.Sight; s != nil && s.Fleet != nil && s.Fleet.Fleet.Track && !t.o.want.Unpin {
			x.Undo = "oncall deploy unpin " + t.p.Component // it followed, and a deployment pins
		}

	}
	if facts == nil {
		x.Facts = []deploy.Fact{}
	}
	return x
}

func (t *trip) make(ctx context.Context, report mutate.Report) error {
	o := t.o
	t.f = o.f
	if t.p.Nothing != "" {
		return t.nothing(ctx, report)
	}
	started, err := o.d.Act(ctx, o.want, t.p, t.tell)
	if err != nil {
		return err
	}
	if started.Joined {
		o.f.IO.Note("it is under way already; nothing is started, this one is followed")
	}
	if started.Beside != nil {
		t.end()
		o.f.IO.Warn("%v", started.Beside)
		o.f.IO.Hint("%s", apierr.HintOf(started.Beside))
		t.p.Evidence = append(t.p.Evidence, started.Beside.Error())
	}
	if !o.wait {
		number := jenkins.Build{Number: started.Build}
		message := fmt.Sprintf("queue item %d; oncall deploy watch follows it", started.QueueID)
		if o.c.Backend == deploy.BackendFleet {
			message = "oncall deploy status " + o.c.Key + " shows the devices"
		}
		report(o.c.Key, mutate.Outcome{Words: "started", Changed: !started.Joined, Message: message, Item: t.item("started", number, nil)})
		o.noteIncident(ctx, fmt.Sprintf("%s started: %s %s -> %s", o.want.Verb(), t.p.Component, t.p.From, t.p.To))
		return nil
	}
	wctx, cancel := o.f.Limited(ctx, o.f.WaitLimit(waitLimit))
	defer cancel()
	b, err := o.d.Finish(wctx, started, t.tell)
	if err != nil {
		return t.lost(ctx, report, started, b, err)
	}
	if b.Result != jenkins.Success {
		o.noteIncident(ctx, fmt.Sprintf("%s failed: %s %s -> %s, #%d ended %s, %s", o.want.Verb(), t.p.Component, t.p.From, t.p.To, b.Number, b.Result, b.URL))
		report(o.c.Key, mutate.Outcome{Err: badResult(b), Item: t.item(string(b.Result), b, nil)})
		return nil
	}
	return t.settle(ctx, wctx, report, started, b)
}

// settle waits for the facts after a good build.
func (t *trip) settle(ctx, wctx context.Context, report mutate.Report, started *deploy.Trip, b jenkins.Build) error {
	o := t.o
	if o.want.Unpin && b.Number > 0 {
		return t.unheld(ctx, report, started, b)
	}
	facts, err := o.d.Settle(wctx, t.p.To, b.Queued, t.tell)
	t.end()
	took := deploy.Age(o.f.Now().Sub(t.begin))
	change := fmt.Sprintf("%s -> %s", orUnknown(t.p.From), t.p.To)
	item := t.item(string(b.Result), b, facts)
	switch {
	case err != nil && errors.Is(err, apierr.ErrConflict):
		report(o.c.Key, mutate.Outcome{Words: "replaced", Changed: !started.Joined, Message: change, Item: item})
		t.after = err
		return nil
	case errors.Is(err, deploy.ErrSuspended):
		report(o.c.Key, mutate.Outcome{Words: t.done + ", not applied", Changed: !started.Joined, Message: change, Item: item})
		t.after = exit.With(exit.Found, err)
		return nil
	case err != nil:
		return t.lost(ctx, report, started, b, err)
	}
	where := ""
	if b.Number > 0 {
		where = fmt.Sprintf(" (#%d, %s)", b.Number, b.URL)
		change += fmt.Sprintf(", #%d", b.Number)
	}
	text := fmt.Sprintf("%s, in %s", change, took)
	if item.Undo != "" {
		text += "; undo: " + item.Undo
	}
	state := ""
	if facts[3].Answer == deploy.No {
		state = t.done + ", not verified"
		t.after = exit.With(exit.Found, apierr.New(nil, "", "deploy "+o.c.Key, "%s is there, and the checks do not hold: %s", t.p.To, facts[3].Evidence).
			WithHint("oncall deploy status %s", o.c.Key))
	}
	if held, err := t.held(ctx, &item); err != nil {
		state, t.after = t.done+", "+held, err
	} else if held != "" {
		text += "; " + held
	}
	o.noteIncident(ctx, fmt.Sprintf("%s: %s %s -> %s%s%s", o.want.Verb(), t.p.Component, orUnknown(t.p.From), t.p.To, where, because(o.want.Reason)))
	report(o.c.Key, mutate.Outcome{Words: state, Changed: !started.Joined, Message: text, Item: item})
	return nil
}

// held looks whether the automation was stopped or started as the build was told.
// The error is what the command ends with.
func (t *trip) held(ctx context.Context, item *outcome) (words string, err error) {
	told := t.p.Hold()
	if told == "" {
		return "", nil
	}
	err = t.o.d.CheckHold(ctx, told, t.p.To)
	switch {
	case errors.Is(err, apierr.ErrGuard):
		return map[string]string{"true": "not held", "false": "still held"}[told], exit.With(exit.Found, err)
	case err != nil:
		item.Automation = "unchecked"
		t.o.f.IO.Warn("whether the automation is as the build was told cannot be seen: %v", err)
		return "", nil
	case told == "false":
		item.Automation = "following"
		return "it follows the newest again", nil
	}
	item.Automation = "held"
	return "held there until: oncall deploy unpin " + t.o.c.Key, nil
}

// unheld ends an unpin that a build made: the version stays, and what is looked
// at is the automation. Its next version is its own affair.
func (t *trip) unheld(ctx context.Context, report mutate.Report, started *deploy.Trip, b jenkins.Build) error {
	o := t.o
	item := t.item(string(b.Result), b, nil)
	state := ""
	held, err := t.held(ctx, &item)
	if err != nil {
		state, t.after = t.done+", "+held, err
	}
	item.Undo = fmt.Sprintf("oncall deploy rollback %s --to %s --hold", t.p.Component, t.p.To)
	o.noteIncident(ctx, fmt.Sprintf("%s: %s, at %s (#%d, %s)%s", o.want.Verb(), t.p.Component, t.p.To, b.Number, b.URL, because(o.want.Reason)))
	report(o.c.Key, mutate.Outcome{Words: state, Changed: !started.Joined, Item: item,
		Message: strings.TrimPrefix(fmt.Sprintf("%s, at %s, #%d; undo: %s", held, t.p.To, b.Number, item.Undo), ", ")})
	return nil
}

func orUnknown(v string) string {
	if v == "" {
		return "(unknown)"
	}
	return v
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// nothing reports that all is as it is wanted; a version that is still on its way
// is waited for.
func (t *trip) nothing(ctx context.Context, report mutate.Report) error {
	o := t.o
	s := t.p.Sight
	facts := o.d.Facts(ctx, s, t.p.To)
	state, message := t.p.Nothing, ""
	if o.wait && !o.f.Change.DryRun && (facts[1].Answer == deploy.No || facts[2].Answer == deploy.No) {
		o.f.IO.Note("%s, and it is not everywhere yet: waiting for it", t.p.Nothing)
		wctx, cancel := o.f.Limited(ctx, o.f.WaitLimit(waitLimit))
		defer cancel()
		var err error
		facts, err = o.d.Settle(wctx, t.p.To, time.Time{}, t.tell)
		t.end()
		if err != nil {
			t.after = t.ranOut(err, 0)
			message = "nothing was started"
		}
	}
	report(o.c.Key, mutate.Outcome{Words: state, Message: message, Item: t.item("nothing", jenkins.Build{}, facts)})
	return nil
}

// lost reports a wait that ended before the deployment: it goes on by itself.
func (t *trip) lost(ctx context.Context, report mutate.Report, started *deploy.Trip, b jenkins.Build, err error) error {
	t.end()
	switch {
	case errors.Is(err, jenkins.ErrCancelled):
		report(t.o.c.Key, mutate.Outcome{Err: exit.With(exit.Cancelled, err)})
		return nil
	case errors.Is(err, apierr.ErrUnknownOutcome):
		return err
	}
	what := fmt.Sprintf("queue item %d", started.QueueID)
	switch {
	case b.Number > 0:
		what = fmt.Sprintf("#%d", b.Number)
	case t.o.c.Backend == deploy.BackendFleet:
		what = "on its way to the devices"
	}
	report(t.o.c.Key, mutate.Outcome{Words: "still deploying", Changed: !started.Joined, Message: what, Item: t.item("waiting", b, nil)})
	t.after = t.ranOut(err, b.Number)
	return nil
}

// ranOut tells how to resume.
func (t *trip) ranOut(err error, build int) error {
	if errors.Is(err, deploy.ErrSuspended) {
		return exit.With(exit.Found, err) // it has no end to wait for
	}
	resume := "oncall deploy watch --component " + t.o.c.Key
	if build > 0 {
		resume = fmt.Sprintf("oncall deploy watch %d", build)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return exit.With(exit.WaitRanOut, apierr.New(nil, "", "deploy "+t.o.c.Key, "still on its way when the time was up").WithHint("resume: %s", resume))
	}
	t.o.f.IO.Hint("still deploying. resume: %s", resume)
	return err
}

// noteIncident writes on the pager's incident. That it fails changes nothing.
func (o *change) noteIncident(ctx context.Context, text string) {
	n := o.f.Change.Incident
	if n == "" {
		return
	}
	number, err := pager.Number(n)
	if err == nil {
		var p *pager.Pager
		if p, err = o.f.Pager(ctx); err == nil {
			_, _, err = p.AddNote(ctx, number, text)
		}
	}
	if err != nil {
		o.f.IO.Warn("incident %s has no note of it: %v", n, err)
	}
}

// badResult is the error for a build that did not succeed, with its exit code.
func badResult(b jenkins.Build) error {
	code := exit.Failed
	switch b.Result {
	case jenkins.Unstable:
		code = exit.Unstable
	case jenkins.Failure:
		code = exit.Failure
	case jenkins.Aborted:
		code = exit.Aborted
	case jenkins.NotBuilt:
		code = exit.NotBuilt
	case jenkins.Success:
	}
	result := string(b.Result)
	if result == "" {
		result = "without a result"
	}
	return exit.With(code, apierr.New(nil, "jenkins", fmt.Sprintf("#%d", b.Number), "the build ended %s", result).WithHint("its console: %sconsole", b.URL))
}
