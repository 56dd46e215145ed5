package template

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

func newCmdList(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the templates, with what each would set",
		Long: `List the templates of the page by their internal name, with the title, state and
components that each would set. A template holds no impact and no status for its
components.`,
		Example: `oncall status template list
oncall status template list -o wide`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := f.Printer()
			b, err := f.PublicStatus(cmd.Context())
			if err != nil {
				return err
			}
			all, err := b.Templates(cmd.Context())
			if err != nil {
				return err
			}
			return printer.List(out, table(), all, printer.Meta{})
		},
	}
}

func table() printer.Table[publicstatus.Template] {
	return printer.Table[publicstatus.Template]{
		Kind: "StatusTemplate",
		Name: func(t publicstatus.Template) string { return t.Name },
		Columns: []printer.Column[publicstatus.Template]{
			{Header: "NAME", Value: func(t publicstatus.Template) string { return t.Name }},
			{Header: "FOR", Value: func(t publicstatus.Template) string {
				if t.State.OfMaintenance() {
					return "maintenance"
				}
				return "incident"
			}},
			{Header: "STATE", Value: func(t publicstatus.Template) string {
				if t.State == "" {
					return ""
				}
				return publicstatus.SayState(t.State)
			}},
			{Header: "TITLE", Flex: true, Value: func(t publicstatus.Template) string { return t.Title }},
			{Header: "COMPONENTS", Flex: true, Value: func(t publicstatus.Template) string { return cli.Names(t.Components) }},
			{Header: "NOTIFIES", Value: func(t publicstatus.Template) string {
				switch {
				case t.Notify == nil:
					return ""
				case *t.Notify:
					return "yes"
				}
				return "no"
			}},
			{Header: "TEXT", Wide: true, Value: func(t publicstatus.Template) string { return strings.Join(strings.Fields(t.Body), " ") }},
			{Header: "ID", Wide: true, Value: func(t publicstatus.Template) string { return t.ID }},
		},
		Empty: "the page has no template",
	}
}
