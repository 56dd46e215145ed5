// Package logs is `oncall logs`: what Loki holds, read, followed, counted and
// compared.
package logs

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
)

// NewCmd makes `oncall logs`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "logs", "Loki: read, follow, count and compare log lines",
		newCmdQuery,
		newCmdTail,
		newCmdTop,
		newCmdPatterns,
		newCmdContext,
		newCmdLabels,
		newCmdSeries,
		newCmdVolume,
	)
}
