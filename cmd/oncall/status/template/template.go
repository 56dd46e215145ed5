// Package template is `oncall status template`: what the page has prepared.
package template

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
)

// NewCmd makes `oncall status template`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "template", "Templates of public incidents", newCmdList)
}
