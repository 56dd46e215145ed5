package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/nearest"
)

// annotationChanges marks a command that changes something.
const annotationChanges = "oncall/changes"

// Group makes a command that only holds others. Without a word it prints its
// help; an unknown word is a usage error that suggests the nearest. (By itself
// cobra prints help and exits 0, which a script takes for success.)
//
// Its commands are made when the command line names the group: to make all of
// the tree takes longer than many a command runs, and no other can be reached.
func Group(f *Factory, name, short string, sub ...func(*Factory) *cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return UnknownCommand(cmd, args[0])
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	if f.Named(name) {
		for _, newCmd := range sub {
			cmd.AddCommand(newCmd(f))
		}
	}
	return cmd
}

// UnknownCommand is the usage error for a word that is no command of group. It
// suggests the nearest ones.
func UnknownCommand(group *cobra.Command, word string) error {
	err := Usage("%q is not a command of %s", word, group.CommandPath())
	names := []string{}
	for _, c := range group.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	if near := nearest.Of(word, names); len(near) > 0 {
		return err.WithHint("%s %s", group.CommandPath(), strings.Join(near, ", "+group.CommandPath()+" "))
	}
	return err.WithHint("%s --help", group.CommandPath())
}

// ChangeFlags gives a command the flags of every change, and marks it as one.
func ChangeFlags(cmd *cobra.Command, f *Factory) {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[annotationChanges] = "true"
	bindChange(cmd, &f.Change)
}

func bindChange(cmd *cobra.Command, c *mutate.Flags) {
	fs := cmd.Flags()
	fs.BoolVar(&c.DryRun, "dry-run", false, "print the plan and the requests, send no change")
	fs.BoolVar(&c.Yes, "yes", false, "do not ask")
	fs.StringVar(&c.Reason, "reason", "", "why, for the journal and whoever is told")
	if fs.Lookup("incident") == nil {
		fs.StringVar(&c.Incident, "incident", "", "number of the pager incident that this belongs to")
	}
}

// Changes reports whether cmd changes something.
func Changes(cmd *cobra.Command) bool { return cmd.Annotations[annotationChanges] == "true" }
