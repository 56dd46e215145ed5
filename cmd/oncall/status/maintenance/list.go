package maintenance

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

func newCmdList(f *cli.Factory) *cobra.Command {
	return cli.PageList[publicstatus.Maintenance]{
		Table: table, Read: (*publicstatus.Board).Maintenances,
		All: "also what is over", Since: "what was not over at that time",
		NoneOpen: "no maintenance is running or planned", None: "no such maintenance",
	}.Command(f, &cobra.Command{
		Short: "List maintenance: what runs, then what comes",
		Long: `List maintenance: what runs, then what comes, the next first. With --all also what is
over, newest first; with --since what was not over at that time.`,
		Example: `oncall status maintenance list
oncall status maintenance list --all -o wide`,
	})
}
