// Package logs is `oncall logs`: what Loki holds, read, followed, counted and
// compared.
package logs

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
)

// NewCmd makes `oncall logs`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group("logs", "Loki: read, follow, count and compare log lines",
		newCmdQuery(f),
		newCmdTail(f),
		newCmdTop(f),
		newCmdPatterns(f),
		newCmdContext(f),
		newCmdLabels(f),
		newCmdSeries(f),
		newCmdVolume(f),
	)
}
