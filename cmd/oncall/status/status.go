// Package status is `oncall status`: what the public is told about the service.
package status

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/status/incident"
	"github.com/balena-io/oncall/cmd/oncall/status/maintenance"
	"github.com/balena-io/oncall/cmd/oncall/status/template"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// NewCmd makes `oncall status`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "status", "The public status page: components, incidents, maintenance",
		newCmdShow,
		newCmdSet,
		incident.NewCmd,
		template.NewCmd,
		maintenance.NewCmd,
		newCmdCheck,
		newCmdStale,
		newCmdSnooze,
		newCmdOpen,
	)
}

func componentStyle(s statuspage.ComponentStatus) ios.Style {
	switch s {
	case statuspage.Operational:
		return ios.Green
	case statuspage.PartialOutage, statuspage.MajorOutage:
		return ios.Red
	default:
		return ios.Yellow
	}
}
