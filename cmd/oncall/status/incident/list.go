package incident

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

func newCmdList(f *cli.Factory) *cobra.Command {
	return cli.PageList[publicstatus.Incident]{
		Table: table, Read: (*publicstatus.Board).Incidents,
		All: "also those that are over", Since: "those that were open since",
		NoneOpen: "no public incident is open", None: "no such public incident",
	}.Command(f, &cobra.Command{
		Short: "List public incidents, those that were silent longest first",
		Long: `List the open public incidents, the longest silent first. With --all also those that
are over, newest first; with --since those that were open at that time or later.`,
		Example: `oncall status incident list
oncall status incident list --all -o json
oncall status incident list --since 7d`,
	})
}
