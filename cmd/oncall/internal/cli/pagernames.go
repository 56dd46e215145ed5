package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/pkg/pager"
)

// CompleteTeams offers the pager's teams by name.
func CompleteTeams(f *Factory) cobra.CompletionFunc {
	return completePager(f, func(ctx context.Context, p *pager.Pager) ([]cobra.Completion, error) {
		all, err := p.Teams(ctx)
		out := []cobra.Completion{}
		for _, t := range all {
			out = append(out, t.Name)
		}
		return out, err
	})
}

// CompleteUsers offers the pager's users by username, with their names.
func CompleteUsers(f *Factory) cobra.CompletionFunc {
	return completePager(f, func(ctx context.Context, p *pager.Pager) ([]cobra.Completion, error) {
		all, err := p.Users(ctx)
		out := []cobra.Completion{}
		for _, u := range all {
			out = append(out, cobra.CompletionWithDesc(u.Username, u.Name))
		}
		return out, err
	})
}

// CompletePolicies offers the pager's escalation policies by name, with their teams.
func CompletePolicies(f *Factory) cobra.CompletionFunc {
	return completePager(f, func(ctx context.Context, p *pager.Pager) ([]cobra.Completion, error) {
		all, err := p.Policies(ctx)
		out := []cobra.Completion{}
		for _, r := range all {
			out = append(out, cobra.CompletionWithDesc(r.Name, "team "+r.Team))
		}
		return out, err
	})
}

func completePager(f *Factory, list func(context.Context, *pager.Pager) ([]cobra.Completion, error)) cobra.CompletionFunc {
	return Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		p, err := f.Pager(ctx)
		if err != nil {
			return nil, err
		}
		return list(ctx, p)
	})
}
