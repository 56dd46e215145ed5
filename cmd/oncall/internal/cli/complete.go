package cli

import (
	"cmp"
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

// completionBudget is how long a shell may wait for values; after that it gets none.
const completionBudget = 400 * time.Millisecond

// Complete makes a completion of live values from list. It only reads, is
// bounded by a budget, and on any failure offers nothing, in silence.
// Values already given as arguments are left out.
func Complete(f *Factory, list func(ctx context.Context) ([]cobra.Completion, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		parent := cmd.Context()
		if parent == nil {
			parent = context.Background()
		}
		ctx, cancel := context.WithTimeout(parent, cmp.Or(f.CompletionBudget, completionBudget))
		defer cancel()
		f.ReadFlags(cmd)      // root has read those of __complete alone
		f.IO.Err = io.Discard // a shell shows whatever is written there in the prompt
		type answer struct {
			values []cobra.Completion
			err    error
		}
		done := make(chan answer, 1)
		go func() {
			values, err := list(ctx)
			done <- answer{values, err}
		}()
		select {
		case a := <-done:
			if a.err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return without(harmless(a.values), args), cobra.ShellCompDirectiveNoFileComp
		case <-ctx.Done():
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// descriptionWidth is how much of a description fits beside a value in a shell.
const descriptionWidth = 72

// harmless makes completions fit to be shown by a shell, which writes what it gets:
// a vendor's text is made visible and cut, and a value that would have to be
// changed for that is none that anybody could type.
func harmless(values []cobra.Completion) []cobra.Completion {
	out := make([]cobra.Completion, 0, len(values))
	for _, v := range values {
		value := completionValue(v)
		if ios.Visible(value) != value {
			continue
		}
		if len(v) > len(value) {
			v = cobra.CompletionWithDesc(value, ios.Cut(ios.Visible(v[len(value)+1:]), descriptionWidth))
		}
		out = append(out, v)
	}
	return out
}

// without drops the completions whose value was already given.
func without(values []cobra.Completion, args []string) []cobra.Completion {
	given := map[string]bool{}
	for _, a := range args {
		given[a] = true
	}
	out := make([]cobra.Completion, 0, len(values))
	for _, v := range values {
		if !given[completionValue(v)] {
			out = append(out, v)
		}
	}
	return out
}

func completionValue(c cobra.Completion) string {
	for i := range len(c) {
		if c[i] == '\t' {
			return c[:i]
		}
	}
	return c
}

// Words completes from a fixed list.
func Words(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// Contexts completes the names of contexts, also while the demo is chosen.
func Contexts(f *Factory) cobra.CompletionFunc {
	return Complete(f, func(context.Context) ([]cobra.Completion, error) {
		all, _, err := config.Survey(f.ConfigSource())
		if err != nil {
			return nil, err
		}
		out := []cobra.Completion{}
		for _, c := range all {
			out = append(out, cobra.CompletionWithDesc(c.Name, c.Describe()))
		}
		return out, nil
	})
}

// Services completes the names of the services that settings exist for, each
// once, up to a number of arguments; 0 is without a limit.
func Services(limit int) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if limit > 0 && len(args) >= limit {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return without(config.Services(), args), cobra.ShellCompDirectiveNoFileComp
	}
}
