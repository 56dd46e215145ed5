// Package root is the tree of commands, the global flags, and the way from an
// error to what is printed and the exit code.
package root

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/balena-io/oncall/cmd/oncall/auth"
	confignoun "github.com/balena-io/oncall/cmd/oncall/config"
	"github.com/balena-io/oncall/cmd/oncall/dashboard"
	"github.com/balena-io/oncall/cmd/oncall/demo"
	"github.com/balena-io/oncall/cmd/oncall/deploy"
	"github.com/balena-io/oncall/cmd/oncall/e2e"
	"github.com/balena-io/oncall/cmd/oncall/heartbeat"
	"github.com/balena-io/oncall/cmd/oncall/incident"
	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/logs"
	"github.com/balena-io/oncall/cmd/oncall/metrics"
	"github.com/balena-io/oncall/cmd/oncall/paging"
	"github.com/balena-io/oncall/cmd/oncall/probe"
	"github.com/balena-io/oncall/cmd/oncall/rotation"
	"github.com/balena-io/oncall/cmd/oncall/setup"
	"github.com/balena-io/oncall/cmd/oncall/status"
	"github.com/balena-io/oncall/pkg/apierr"
)

const long = `oncall turns an on-call primer into commands: the page comes, and every step
after it is one command that works the same typed at 3 am, pasted from a
playbook, or run by a CI job.

Try it without an account:  oncall demo
Set it up:                  oncall init`

// New makes the tree of commands, as far as f.Words can reach it.
func New(f *cli.Factory) *cobra.Command {
	f.Runner = Run
	cmd := cli.Group(f, "oncall", "The on-call primer as commands")
	cmd.AddCommand(commands(f)...)
	cmd.Long = long
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.CompletionOptions.HiddenDefaultCmd = false
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return apierr.New(apierr.ErrUsage, "", "", "%s", flagText(err)).WithHint("%s --help", cmd.CommandPath())
	})
	cmd.AddGroup(&cobra.Group{ID: groupWork, Title: "On call:"}, &cobra.Group{ID: groupSetUp, Title: "Setting up:"})
	cmd.SetHelpCommand(helpCommand())
	cmd.SetHelpCommandGroupID(groupSetUp)
	cmd.SetCompletionCommandGroupID(groupSetUp)
	globalFlags(cmd, f)
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return prepare(cmd, f) }
	cmd.AddCommand(helpTopics(f)...)
	return cmd
}

// The headings under which `oncall --help` lists the commands.
const (
	groupWork  = "work"
	groupSetUp = "setup"
)

// cobra would sort commands by name; ours stand in the order in which an
// incident needs them. The switch is cobra's only one, for the whole process.
func init() { cobra.EnableCommandSorting = false }

// commands lists the nouns in the order in which an incident needs them.
func commands(f *cli.Factory) []*cobra.Command {
	work := []*cobra.Command{
		incident.NewCmd(f),
		rotation.NewCmd(f),
		paging.NewCmd(f),
		status.NewCmd(f),
		logs.NewCmd(f),
		metrics.NewCmd(f),
		dashboard.NewCmd(f),
		e2e.NewCmd(f),
		deploy.NewCmd(f),
		heartbeat.NewCmd(f),
		probe.NewCmd(f),
	}
	setUp := []*cobra.Command{
		demo.NewCmd(f),
		setup.NewCmd(f),
		confignoun.NewCmd(f),
		auth.NewCmd(f),
		newCmdVersion(f),
	}
	for _, c := range work {
		c.GroupID = groupWork
	}
	for _, c := range setUp {
		c.GroupID = groupSetUp
	}
	return append(work, setUp...)
}

// globalFlags declares the flags of every command: those of the settings, from
// their one table, and those that are no setting.
func globalFlags(cmd *cobra.Command, f *cli.Factory) {
	fs := cmd.PersistentFlags()
	fs.SortFlags = false
	for _, o := range config.Flags() {
		switch o.Kind {
		case config.Bool:
			fs.BoolP(o.Flag, o.Short, false, o.Help)
		default:
			fs.StringP(o.Flag, o.Short, "", optionHelp(o))
		}
	}
	fs.StringVar(&f.Output.JQ, "jq", "", "print what this jq expression makes of the JSON")
	fs.StringVar(&f.Output.Template, "template", "", "print what this Go template makes of the JSON")
	fs.CountVarP(&f.Verbose, "verbose", "v", "tell each request on stderr; -vv with headers and bodies, secrets masked")
	for _, o := range config.Flags() {
		if len(o.Values) > 0 {
			_ = cmd.RegisterFlagCompletionFunc(o.Flag, cli.Words(o.Values...))
		}
	}
	_ = cmd.RegisterFlagCompletionFunc("context", cli.Contexts(f))
	_ = cmd.RegisterFlagCompletionFunc("jq", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("template", cobra.NoFileCompletions)
}

// prepare hands the global flags to the factory. It opens nothing: `version`
// and completion pass here too.
func prepare(cmd *cobra.Command, f *cli.Factory) error {
	f.ReadFlags(cmd)
	if err := f.ReadOutput(); err != nil {
		return err
	}
	mode, given := f.Flags["color"]
	if !given {
		mode = f.Env("ONCALL_COLOR")
	}
	return f.IO.SetColor(mode, f.Env)
}

// flagText makes pflag's words read like ours.
func flagText(err error) string {
	var e *pflag.InvalidValueError
	if errors.As(err, &e) {
		switch name := "--" + e.GetFlag().Name; e.GetFlag().Value.Type() {
		case "int", "int64", "uint", "count":
			return fmt.Sprintf("%s: %q is not a whole number", name, e.GetValue())
		case "bool":
			return fmt.Sprintf("%s: %q is neither true nor false", name, e.GetValue())
		}
	}
	text := err.Error()
	return strings.ToLower(text[:1]) + text[1:]
}
