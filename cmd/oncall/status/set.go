package status

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

type setOptions struct {
	f     *cli.Factory
	asked []publicstatus.Assignment
	title string // of the public incident to open

	incident string // --incident: that title, or the number of a pager incident
}

func newCmdSet(f *cli.Factory) *cobra.Command {
	o := &setOptions{f: f}
	cmd := &cobra.Command{
		Use:   "set {<component>=<status>... | <component> <status>}",
		Short: "Set the public status of components",
		Long: `Set the status of components: operational, degraded, partial, major, maintenance, or
the vendor's own words. A component is named by its name, the beginning of exactly
one name, GROUP/NAME or its id.

An outage ought to have a public incident. When none names the component the command
says so; --incident TITLE opens one together with the change. (A number there is the
pager incident that the change belongs to, as with every command.)`,
		Example: `oncall status set API=partial
oncall status set API=operational Dashboard=operational
oncall status set "Cloudlink (VPN)" degraded
oncall status set API=major --incident "API is down"`,
		Args: cli.MinArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return cli.CompleteComponents(f, true)(cmd, args, typed)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.incident, "incident", "", "title of a public incident to open with it, or number of the pager incident it belongs to")
	cli.ChangeFlags(cmd, f)
	return cmd
}

var allDigits = lazyregexp.New(`^#?\d+$`)

func (o *setOptions) complete(args []string) error {
	if allDigits().MatchString(o.incident) {
		n, err := cli.PagerNumber("incident", o.incident)
		if err != nil {
			return err
		}
		o.f.Change.Incident = n
	} else if o.title = o.incident; o.title != "" {
		if err := publicstatus.CheckTitle(o.title); err != nil {
			return err
		}
	}
	if a, ok, err := pair(args); ok {
		o.asked = []publicstatus.Assignment{a}
		return err
	}
	var err error
	o.asked, err = cli.Assignments(args)
	return err
}

// pair reads COMPONENT STATUS in two words.
func pair(args []string) (publicstatus.Assignment, bool, error) {
	// No status holds "=": with one the second word is an assignment, right or wrong.
	if len(args) != 2 || strings.Contains(args[1], "=") {
		return publicstatus.Assignment{}, false, nil
	}
	if _, err := publicstatus.ParseAssignment(args[0]); err == nil {
		return publicstatus.Assignment{}, false, nil
	}
	status, err := publicstatus.ParseComponentStatus(args[1])
	return publicstatus.Assignment{Name: args[0], Status: status}, true, err
}

func (o *setOptions) run(ctx context.Context) error {
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	p, err := b.PlanSet(ctx, o.asked)
	if err != nil {
		return err
	}
	opens, sets := split(p.Targets, o.title)
	create, err := o.planIncident(ctx, b, opens)
	if err != nil {
		return err
	}
	plan := o.plan(p, create)
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		if create != nil {
			if err := openWith(ctx, b, *create, p.Targets, report); err != nil {
				return err
			}
		}
		sets, err := b.Again(ctx, sets)
		if err != nil {
			return err
		}
		return mutate.Each(ctx, report, sets, func(t publicstatus.Target) string { return label(p.Targets, t) },
			func(t publicstatus.Target) mutate.Outcome { return set(ctx, b, t) })
	})
}

// split parts the targets that a new incident takes along, which are those that
// do not work, from those that are set alone.
func split(targets []publicstatus.Target, title string) (opens, sets []publicstatus.Target) {
	for _, t := range targets {
		if title != "" && t.To != statuspage.Operational {
			opens = append(opens, t)
		} else {
			sets = append(sets, t)
		}
	}
	return opens, sets
}

func (o *setOptions) planIncident(ctx context.Context, b *publicstatus.Board, opens []publicstatus.Target) (*publicstatus.CreatePlan, error) {
	if o.title == "" {
		return nil, nil
	}
	if len(opens) == 0 {
		return nil, cli.Usage("--incident: components that work need no incident")
	}
	d := publicstatus.Draft{Title: o.title}
	for _, t := range opens {
		d.Components = append(d.Components, publicstatus.Assignment{Name: t.Component.ID, Status: t.To})
	}
	p, err := b.PlanCreate(ctx, d)
	return &p, err
}

func (o *setOptions) plan(p publicstatus.SetPlan, create *publicstatus.CreatePlan) mutate.Plan {
	plan := mutate.Plan{Verb: "set", Done: "set", Kind: "component"}
	audience := "subscribers may be told; how many could not be asked"
	switch {
	case p.Subscribers == 1:
		audience = "1 subscriber may be told"
	case p.Subscribers >= 0:
		audience = cli.Thousands(p.Subscribers) + " subscribers may be told"
	}
	last := -1
	for _, t := range p.Targets {
		name := label(p.Targets, t)
		plan.Targets = append(plan.Targets, name)
		line := fmt.Sprintf("%s: %s -> %s on the public page", name, publicstatus.SayStatus(t.From()), publicstatus.SayStatus(t.To))
		if t.From() == t.To {
			line = fmt.Sprintf("%s: %s already", name, publicstatus.SayStatus(t.To))
		} else {
			plan.Ask = mutate.AskYesNo
			last = len(plan.Effects)
		}
		plan.Effects = append(plan.Effects, line)
		for _, in := range t.NamedBy {
			if t.To == statuspage.Operational {
				plan.Notes = append(plan.Notes, fmt.Sprintf("%s is named by %s (%s), which stays open: oncall status incident resolve %s", name, in.ID, in.Title, in.ID))
			}
		}
	}
	if create != nil {
		plan.Ask, last = mutate.AskYesNo, len(plan.Effects)
		plan.Effects = append(plan.Effects, fmt.Sprintf("opens the public incident %q (%s): %q", create.Title, publicstatus.SayState(create.Text.State), create.Text.Body))
	} else {
		for _, c := range p.Unnamed() {
			plan.Notes = append(plan.Notes, fmt.Sprintf("no open public incident names %s; outages should have one: --incident \"TITLE\" opens it", c.Name))
		}
	}
	if last >= 0 { // nobody is told of what is so already
		plan.Effects[last] += " (" + audience + ")"
	}
	return plan
}

// label names a component among the targets: its name, or, as names are not
// unique, its id.
func label(all []publicstatus.Target, t publicstatus.Target) string {
	for _, o := range all {
		if o.Component.Name == t.Component.Name && o.Component.ID != t.Component.ID {
			return t.Component.ID
		}
	}
	return t.Component.Name
}

func set(ctx context.Context, b *publicstatus.Board, t publicstatus.Target) mutate.Outcome {
	c, changed, err := b.Set(ctx, t)
	switch {
	case err != nil:
		return mutate.Outcome{Err: err}
	case !changed:
		return mutate.Outcome{Words: "already " + publicstatus.SayStatus(t.To), Item: c}
	}
	return mutate.Outcome{Words: publicstatus.SayStatus(t.To), Changed: true, Message: "was " + publicstatus.SayStatus(t.From()), Item: c}
}

// openWith opens the incident, which sets its components in the same request.
func openWith(ctx context.Context, b *publicstatus.Board, p publicstatus.CreatePlan, all []publicstatus.Target, report mutate.Report) error {
	in, found, err := b.Create(ctx, p)
	if err != nil {
		for _, t := range p.Targets {
			report(label(all, t), mutate.Outcome{Err: err})
		}
		if errors.Is(err, apierr.ErrReadOnly) {
			return nil // a dry run: the rest is to be shown too
		}
		return err
	}
	for _, t := range p.Targets {
		c := t.Component
		c.State = t.To
		report(label(all, t), mutate.Outcome{Words: publicstatus.SayStatus(t.To), Changed: true, Message: "incident " + in.ID + " " + in.URL, Looked: found, Item: c})
	}
	return nil
}
