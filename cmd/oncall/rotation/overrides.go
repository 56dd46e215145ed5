package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/pager"
)

// list shows the overrides that are not over.
func (o *overrideOptions) list(ctx context.Context) error {
	out := o.f.Printer()
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	all, err := p.StandIns(ctx)
	if err != nil {
		return err
	}
	return printer.List(out, printer.Table[pager.StandIn]{
		Kind: "Override",
		Name: func(s pager.StandIn) string { return s.ID },
		Columns: []printer.Column[pager.StandIn]{
			// The id is what --cancel takes, the cover whom to call: they stay longest.
			{Header: "ID", Keep: true, Value: func(s pager.StandIn) string { return s.ID }},
			{Header: "FROM", Keep: true, Value: func(s pager.StandIn) string { return local(o.f, s.Start, "") }},
			{Header: "UNTIL", Value: func(s pager.StandIn) string { return until(o.f, s.Start, s.End) }},
			{Header: "AWAY", Value: func(s pager.StandIn) string { return s.Away }},
			{Header: "COVER", Keep: true, Value: covers, Style: func(s pager.StandIn) ios.Style {
				if strings.Contains(covers(s), nobody) {
					return ios.Red
				}
				return ios.None
			}},
			{Header: "POLICIES", Value: policies},
		},
		Empty: "no override is to come",
	}, all, printer.Meta{})
}

// covers are the people who stand in, each once.
func covers(s pager.StandIn) string {
	out := []string{}
	for _, c := range s.Covers {
		name := c.User
		if name == "" {
			name = nobody
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

func policies(s pager.StandIn) string {
	out := []string{}
	for _, c := range s.Covers {
		out = append(out, c.Policy)
	}
	return strings.Join(out, ", ")
}

// takeBack cancels an override: whoever was to be away is on duty again.
func (o *overrideOptions) takeBack(ctx context.Context) error {
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	there, err := p.StandIn(ctx, o.cancel)
	if err != nil {
		return err
	}
	plan := mutate.Plan{Verb: "cancel", Done: "cancelled", Kind: "override", Targets: []string{there.ID},
		Effects: []string{fmt.Sprintf("%s is on duty again in place of %s, %s to %s, on %s",
			there.Away, covers(there), local(o.f, there.Start, ""), local(o.f, there.End, ""), policies(there))}}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		looked, err := p.CancelOverride(ctx, there.ID)
		if errors.Is(err, apierr.ErrNotFound) { // it was there a moment ago: somebody else was faster
			report(there.ID, mutate.Outcome{Words: "already gone", Item: there})
			return nil
		}
		if err != nil {
			return err
		}
		report(there.ID, mutate.Outcome{Changed: true, Item: there, Looked: looked})
		return nil
	})
}

func completeOverrides(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		p, err := f.Pager(ctx)
		if err != nil {
			return nil, err
		}
		all, err := p.StandIns(ctx)
		out := []cobra.Completion{}
		for _, s := range all {
			out = append(out, cobra.CompletionWithDesc(s.ID, covers(s)+" for "+s.Away+" from "+local(f, s.Start, "")))
		}
		return out, err
	})
}
