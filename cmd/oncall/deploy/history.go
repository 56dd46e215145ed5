package deploy

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/deploy"
)

type historyOptions struct {
	component
	limit int
}

func newCmdHistory(f *cli.Factory) *cobra.Command {
	o := &historyOptions{component: component{f: f}}
	cmd := &cobra.Command{
		Use:   "history <component>",
		Short: "List the versions that were there, newest first: when, by whom, how long",
		Long: `List the changes of the version over time, from the repository and the job's builds. A
commit that does not change the version is none: a re-indentation, a comment, a rename.
Without a repository it is what the job's successful builds say.`,
		Example: `oncall deploy history api
oncall deploy history api --limit 3 -o json`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: completeComponents(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.limit < 1 {
				return cli.Usage("--limit: 1 at least, not %d", o.limit)
			}
			o.key = args[0]
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().IntVar(&o.limit, "limit", 20, "at most so many")
	_ = cmd.RegisterFlagCompletionFunc("limit", cobra.NoFileCompletions)
	return cmd
}

func (o *historyOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	if err := o.open(ctx, nil); err != nil {
		return err
	}
	s, err := o.d.Look(ctx)
	if err != nil {
		return err
	}
	if len(s.Runs) == 0 {
		for _, err := range []error{s.DeclaredErr, s.JobErr} {
			if err != nil {
				return err
			}
		}
	}
	meta := printer.Meta{}
	switch {
	case s.Fleet != nil:
		meta.Partial = append(meta.Partial, printer.Partial{Source: "balena", Error: s.RepoErr.Error()})
	case s.RepoErr != nil:
		meta.Partial = append(meta.Partial, printer.Partial{Source: "repository", Error: s.RepoErr.Error()})
	}
	if s.JobErr != nil {
		meta.Partial = append(meta.Partial, printer.Partial{Source: "jenkins", Error: s.JobErr.Error()})
	}
	if s.Cut != "" {
		meta.Partial = append(meta.Partial, printer.Partial{Source: "repository", Error: s.Cut})
	}
	if stale := s.Snapshot.Stale; stale != nil {
		meta.Partial = append(meta.Partial, printer.Partial{Source: "repository", Error: fmt.Sprintf("as of %s: %v", o.f.Clock(s.Snapshot.FetchedAt), stale)})
	}
	runs := s.Runs
	if len(runs) > o.limit {
		runs, meta.Truncated, meta.More = runs[:o.limit], true, fmt.Sprintf("--limit %d shows all", len(runs))
	}
	return printer.List(out, o.table(), runs, meta)
}

func (o *historyOptions) table() printer.Table[deploy.Run] {
	return printer.Table[deploy.Run]{
		Kind: "Version",
		Name: func(r deploy.Run) string { return r.Version },
		Columns: []printer.Column[deploy.Run]{
			{Header: "VERSION", Keep: true, Value: func(r deploy.Run) string { return r.Version }},
			{Header: "SINCE", Keep: true, Value: func(r deploy.Run) string { return o.f.Clock(r.Since) }},
			{Header: "LASTED", Keep: true, Value: func(r deploy.Run) string { return deploy.Age(r.Lasted(o.f.Now())) }},
			{Header: "BUILD", Value: func(r deploy.Run) string {
				if r.Build == 0 {
					return "-"
				}
				return fmt.Sprintf("#%d", r.Build)
			}},
			{Header: "BY", Value: func(r deploy.Run) string { return r.By }},
			{Header: "NOTE", Keep: true, Value: note, Style: func(r deploy.Run) ios.Style {
				if r.RolledBack {
					return ios.Red
				}
				return ios.None
			}},
			{Header: "COMMIT", Wide: true, Value: func(r deploy.Run) string { return r.Commit[:min(7, len(r.Commit))] }},
			{Header: "SUBJECT", Wide: true, Flex: true, Value: func(r deploy.Run) string { return r.Subject }},
		},
		Empty: "nothing is known of what was there",
	}
}

func note(r deploy.Run) string {
	switch {
	case r.RolledBack && r.Rollback:
		return "rollback, rolled back"
	case r.RolledBack:
		return "rolled back"
	case r.Undone:
		return "rollback, undone"
	case r.Rollback:
		return "rollback"
	case r.Until == nil:
		return "there now"
	}
	return ""
}
