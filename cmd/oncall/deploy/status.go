package deploy

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/deploy"
)

type statusOptions struct {
	component
	kustomization string
}

// standing is how a component stands in one environment, as JSON.
type standing struct {
	Component   string           `json:"component"`
	Environment string           `json:"environment"`
	Backend     deploy.Backend   `json:"backend"`
	Version     string           `json:"version"` // declared, or of the last successful build; "" is not known
	Since       *time.Time       `json:"since"`
	By          string           `json:"by"`
	Facts       []deploy.Fact    `json:"facts"`
	Ongoing     []deploy.Ongoing `json:"ongoing"`
	Automation  []string         `json:"automation"` // of what changes the version by itself, in words
	Follows     string           `json:"follows"`    // newest: it takes new versions by itself; pinned: a fleet that does not; held: its automation is stopped; ""
	Beside      []standing       `json:"beside"`     // the same component in other environments
}

func newCmdStatus(f *cli.Factory) *cobra.Command {
	o := &statusOptions{component: component{f: f}}
	cmd := &cobra.Command{
		Use:   "status <component>",
		Short: "Show four facts: declared, applied, running, verified; staging beside it",
		Long: `Show how a component stands, as four facts that are found out apart: declared (the
repository), applied (Flux's tag, or a Kustomization where one is given), running (a metric or the component's own answer) and
verified (checks). Each is yes, no or unknown, with its evidence and age; what is not
known is never shown as yes.`,
		Example: `oncall deploy status api
oncall deploy status api -o json --jq '.item.facts[] | .name + " " + .answer'
kubectl -n flux-system get kustomization apps -o json | oncall deploy status api --kustomization -`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: completeComponents(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.key = args[0]
			if cmd.Flags().Changed("kustomization") && o.kustomization == "" {
				return cli.Usage("--kustomization: the file is missing").WithHint("- is standard input")
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.kustomization, "kustomization", "", "see what Flux applied in this file of kubectl get kustomization NAME -o json; - is standard input")
	return cmd
}

func (o *statusOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	done := o.f.Busy("looking at what is there")
	defer done()
	if err := o.find(ctx); err != nil {
		return err
	}
	given, err := o.given()
	if err != nil {
		return err
	}
	all := []deploy.Component{o.c}
	for _, c := range o.set.All {
		if c.Key != o.c.Key && c.Name == o.c.Name {
			all = append(all, c)
		}
	}
	stands, errs := lookAll(ctx, o.f, o.set, all, looking{deep: true, sync: map[string]deploy.Syncer{o.c.Key: given}})
	done()
	if errs[0] != nil {
		return errs[0]
	}
	x := stands[0]
	partial := []printer.Partial{}
	for i := 1; i < len(all); i++ {
		if errs[i] != nil {
			partial = append(partial, printer.Partial{Source: all[i].Key, Error: errs[i].Error()})
			continue
		}
		x.Beside = append(x.Beside, stands[i])
	}
	return printer.Item(out, standingTable(o.f), x, func(v *printer.Detail) { o.view(v, x) }, printer.Meta{Partial: partial})
}

func (o *statusOptions) view(v *printer.Detail, x standing) {
	v.Title(x.Component+"  "+orUnknown(x.Version), x.Environment+" · "+string(x.Backend))
	if x.Since != nil {
		v.Row("since", fmt.Sprintf("%s (%s), by %s", o.f.Clock(*x.Since), ios.Ago(*x.Since, o.f.Now()), orText(x.By, "nobody known")))
	}
	factRows(o.f, v, x.Facts)
	for _, g := range x.Ongoing {
		v.Row("under way", g.Words())
	}
	if len(x.Automation) > 0 {
		v.Row("automation", x.Automation...)
	}
	for _, b := range x.Beside {
		line := orUnknown(b.Version)
		if b.Version != x.Version {
			line += ", not the same"
		}
		for _, f := range b.Facts[1:3] {
			line += fmt.Sprintf(" · %s: %s", f.Name, f.Answer)
		}
		if b.Follows == "newest" {
			line += " · follows the newest by itself"
		}
		v.Row(b.Environment, line)
	}
	if x.Backend == deploy.BackendFleet && x.Follows == "pinned" {
		v.Next("oncall deploy unpin " + x.Component)
		return
	}
	v.Next("oncall deploy history "+x.Component, "oncall deploy rollback "+x.Component+" --dry-run")
}

// factRows draws the four facts.
func factRows(f *cli.Factory, v *printer.Detail, facts []deploy.Fact) {
	styles := map[deploy.Answer]ios.Style{deploy.Yes: ios.Green, deploy.No: ios.Red, deploy.Unknown: ios.Yellow}
	for _, x := range facts {
		line := fmt.Sprintf("%-9s%s", x.Answer, x.Evidence)
		if !x.At.IsZero() && x.Answer != deploy.Unknown {
			line += " (" + ios.Ago(x.At, f.Now()) + ")"
		}
		v.Styled(x.Name, styles[x.Answer], line)
	}
}

func orText(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// given is the Kustomization of the command line, nil for none.
func (o *statusOptions) given() (deploy.Syncer, error) {
	switch {
	case o.kustomization == "":
		return nil, nil //nolint:nilnil // none is given
	case o.c.Where == nil:
		return nil, cli.Usage("--kustomization has no meaning here: %s has no repository whose commits it could name", o.c.Key)
	}
	return o.f.KustomizationFile(o.kustomization)
}

// looking is how components are looked at.
type looking struct {
	deep bool                     // also at the checks
	sync map[string]deploy.Syncer // what tells of a component's Kustomization, instead of what is configured

	jenkins *shared
}

// lookAll looks at components side by side.
func lookAll(ctx context.Context, f *cli.Factory, set *cli.ComponentSet, all []deploy.Component, how looking) ([]standing, []error) {
	out, errs := make([]standing, len(all)), make([]error, len(all))
	set.FetchOnce()
	how.jenkins = &shared{}
	var wg sync.WaitGroup
	for i, c := range all {
		wg.Go(func() { out[i], errs[i] = lookOne(ctx, f, set, c, how) })
	}
	wg.Wait()
	return out, errs
}

// shared is one controller for all components that are looked at.
type shared struct {
	mu sync.Mutex
	j  deploy.Jenkins
}

func (s *shared) of(j deploy.Jenkins) deploy.Jenkins {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case j == nil:
		return nil
	case s.j == nil:
		s.j = deploy.Once(j)
	}
	return s.j
}

func lookOne(ctx context.Context, f *cli.Factory, set *cli.ComponentSet, c deploy.Component, how looking) (standing, error) {
	x := standing{Component: c.Key, Environment: c.Environment, Backend: c.Backend, Facts: []deploy.Fact{}, Ongoing: []deploy.Ongoing{}, Automation: []string{}, Beside: []standing{}}
	d, err := f.Deployer(ctx, set, c, nil)
	if err != nil {
		return x, err
	}
	if given := how.sync[c.Key]; given != nil {
		d.Sync = given
	}
	d.Jenkins = how.jenkins.of(d.Jenkins)
	s, err := d.Look(ctx)
	if err != nil {
		return x, err
	}
	if s.JobErr != nil && s.RepoErr != nil {
		return x, s.JobErr
	}
	if !how.deep {
		d.Checks, d.ChecksWhy = nil, "not looked at in a list"
	}
	x.Version = s.Current()
	x.Facts = d.Facts(ctx, s, x.Version)
	x.Ongoing = append(x.Ongoing, s.Ongoing...)
	if len(s.Runs) > 0 && s.Runs[0].Version == x.Version {
		x.Since, x.By = &s.Runs[0].Since, s.Runs[0].By
	}
	if s.Fleet != nil {
		x.Follows = map[bool]string{true: "newest", false: "pinned"}[s.Fleet.Fleet.Track]
		x.Automation = append(x.Automation, "the fleet is "+s.Fleet.Words())
		return x, nil
	}
	switch marks := s.Declared.Automation; {
	case len(marks) > 0:
		x.Follows = "newest"
		x.Automation = append(x.Automation, "on: "+deploy.Marks(c, marks))
	case s.Held(c):
		x.Follows = "held"
		x.Automation = append(x.Automation, "stopped, "+c.Where.File+" carries no mark of it; oncall deploy unpin "+c.Key+" starts it")
	}
	if len(s.Runs) > 1 && s.Runs[1].Undone {
		x.Automation = append(x.Automation, fmt.Sprintf("the rollback to %s was undone by %s: %s", s.Runs[1].Version, orText(s.Runs[0].By, "nobody known"), s.Runs[0].Subject))
	}
	return x, nil
}

// standingTable shows components.
func standingTable(f *cli.Factory) printer.Table[standing] {
	fact := func(x standing, i int) deploy.Fact {
		if i < len(x.Facts) {
			return x.Facts[i]
		}
		return deploy.Fact{Answer: deploy.Unknown}
	}
	version := func(i int) func(standing) string {
		return func(x standing) string {
			v := fact(x, i)
			if v.Version == "" {
				return "?"
			}
			return v.Version
		}
	}
	return printer.Table[standing]{
		Kind: "Component",
		Name: func(x standing) string { return x.Component },
		Columns: []printer.Column[standing]{
			{Header: "COMPONENT", Keep: true, Value: func(x standing) string { return x.Component }},
			{Header: "ENVIRONMENT", Value: func(x standing) string { return x.Environment }},
			{Header: "DECLARED", Keep: true, Value: version(0)},
			{Header: "RUNNING", Keep: true, Value: version(2)},
			{Header: "STATE", Keep: true, Value: func(x standing) string { return stateOf(x) }, Style: func(x standing) ios.Style {
				if stateOf(x) == "" {
					return ios.None
				}
				return ios.Yellow
			}},
			{Header: "SINCE", Value: func(x standing) string {
				if x.Since == nil {
					return "-"
				}
				return f.Age(*x.Since)
			}},
			{Header: "BY", Value: func(x standing) string { return x.By }},
			{Header: "FOLLOWS", Keep: true, Value: func(x standing) string { return x.Follows }},
			{Header: "APPLIED", Wide: true, Value: version(1)},
			{Header: "BACKEND", Wide: true, Value: func(x standing) string { return string(x.Backend) }},
		},
		Empty: "no component is defined",
	}
}

// stateOf marks what is not as it should be: a deployment under way, or facts that
// differ. What is not known is no difference.
func stateOf(x standing) string {
	if len(x.Ongoing) > 0 {
		return "deploying " + x.Ongoing[0].Version
	}
	for _, f := range x.Facts[:min(3, len(x.Facts))] {
		switch {
		case f.Answer == deploy.No && f.Name == deploy.Running && f.Version == x.Version:
			return "not everywhere"
		case f.Answer == deploy.No:
			return "not " + f.Name
		}
	}
	return ""
}
