// Package demo is the built-in world for people: the guided tour of an incident,
// a fresh start, the world as a server, and faults to practise on.
//
// A noun adds its part of the tour as a chapter: a short file with a function
// that returns a Chapter (see page.go), and a line in chapters() where the story
// reaches it. A step is a command line as a person would type it; the tour runs
// it for real and stops when it does not end as the step says, so a chapter
// cannot rot. Chapters follow each other in one world: what one changes the next
// one finds.
package demo

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/demo/fault"
	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
)

// NewCmd makes `oncall demo`: by itself the tour, and a group.
func NewCmd(f *cli.Factory) *cobra.Command {
	cmd := cli.Group(f, "demo", "A guided tour of an incident, in a built-in world",
		newCmdReset,
		newCmdServe,
		fault.NewCmd,
	)
	o := &tourOptions{f: f}
	cmd.Long = `Play an incident from the page to the hand-over. Every command is shown as you would
type it and really runs, in a small world of its own that is gone afterwards: no
account, no network, nothing of yours is read or changed.

On a terminal the tour waits for Enter between two commands; --yes lets it go on by
itself, --speed 3 three times as fast, --speed 0 without any wait. In a pipe it never
waits, and -o json gives what was typed and shown.

To play by yourself, name the context: oncall --context demo incident list`
	cmd.Example = `oncall demo
oncall demo --speed 0 | less
oncall --context demo incident list --mine`
	words := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return words(cmd, args)
		}
		o.timed = cmd.Flags().Changed("speed")
		if err := o.validate(); err != nil {
			return err
		}
		return o.run(cmd.Context())
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.yes, "yes", false, "do not wait for Enter")
	fs.Float64Var(&o.speed, "speed", 1, "do not wait for Enter, and go so many times faster; 0 is at once")
	_ = cmd.RegisterFlagCompletionFunc("speed", cli.Words("0", "1", "2", "5"))
	return cmd
}
