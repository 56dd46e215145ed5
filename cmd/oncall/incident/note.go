package incident

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/pager"
)

type noteOptions struct {
	f      *cli.Factory
	number string
	text   string
}

func newCmdNote(f *cli.Factory) *cobra.Command {
	o := &noteOptions{f: f}
	cmd := &cobra.Command{
		Use:   "note <number> [text]",
		Short: "Add a note to an incident, or list its notes",
		Long: `With a text, add it to the incident's notes as you; "-" reads the text from standard
input. Without one, list the notes.`,
		Example: `oncall incident note 4127 "5xx began with api 17.5.0"
oncall incident note 4127 - < findings.txt
oncall incident note 4127`,
		Args: cli.MinArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completeNumbers(f)(cmd, args, word)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := pager.Number(args[0])
			if err != nil {
				return err
			}
			o.number, o.text = n, strings.Join(args[1:], " ")
			if len(args) == 1 {
				return o.list(cmd.Context())
			}
			if strings.TrimSpace(o.text) == "" {
				return cli.Usage("the note is empty; nothing was sent")
			}
			return o.add(cmd.Context())
		},
	}
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *noteOptions) list(ctx context.Context) error {
	out := o.f.Printer()
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	notes, err := p.Notes(ctx, o.number)
	if err != nil {
		return err
	}
	return printer.List(out, printer.Table[pager.Note]{
		Kind: "Note",
		Name: func(n pager.Note) string { return n.Name },
		Columns: []printer.Column[pager.Note]{
			{Header: "WRITTEN", Value: func(n pager.Note) string { return o.f.Clock(n.At) }},
			{Header: "BY", Value: func(n pager.Note) string { return n.By }},
			{Header: "TEXT", Flex: true, Value: func(n pager.Note) string { return n.Text }},
			{Header: "NAME", Wide: true, Value: func(n pager.Note) string { return n.Name }},
		},
		Empty: "incident " + o.number + " has no notes",
	}, notes, printer.Meta{})
}

func (o *noteOptions) add(ctx context.Context) error {
	text, err := o.f.ReadText(ctx, cli.Text{Name: "note", Given: o.text})
	if err != nil {
		return err
	}
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	plan := mutate.Plan{Verb: "note", Done: "noted", Kind: "incident", Targets: []string{o.number}}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		n, looked, err := p.AddNote(ctx, o.number, text)
		if err != nil {
			return err
		}
		report(o.number, mutate.Outcome{Changed: true, Message: "as " + n.By + ", " + o.f.Clock(n.At), Looked: looked, Item: n})
		return nil
	})
}
