// Package config is `oncall config`: where the settings are, what holds and
// why, and small edits of the config file.
package config

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	settings "github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

// NewCmd makes `oncall config`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "config", "Contexts and settings: see what holds, choose, change",
		newCmdContexts,
		newCmdUseContext,
		newCmdView,
		newCmdSet,
		newCmdPath,
	)
}

// contextItem is a context as the JSON contract has it.
type contextItem struct {
	Name        string `json:"name"`
	Current     bool   `json:"current"`
	Environment string `json:"environment,omitempty"`
	User        string `json:"user,omitempty"`
	Protected   bool   `json:"protected"`
	ReadOnly    bool   `json:"readOnly"`
	Demo        bool   `json:"demo"`
}

func newContextItem(c settings.Context, current bool) contextItem {
	return contextItem{c.Name, current, c.Environment, c.User, c.Protected, c.ReadOnly, c.Demo}
}

func contextTable() printer.Table[contextItem] {
	return printer.Table[contextItem]{
		Kind: "Context",
		Name: func(c contextItem) string { return c.Name },
		Columns: []printer.Column[contextItem]{
			{Header: "NAME", Value: func(c contextItem) string { return c.Name }},
			{Header: "CURRENT", Value: func(c contextItem) string { return yes(c.Current) }},
			{Header: "ENVIRONMENT", Value: func(c contextItem) string { return c.Environment }},
			{Header: "USER", Value: func(c contextItem) string { return c.User }},
			{Header: "PROTECTED", Value: func(c contextItem) string { return yes(c.Protected) }},
			{Header: "READ-ONLY", Value: func(c contextItem) string { return yes(c.ReadOnly) }},
		},
	}
}

// yes leaves "no" out, so that the eye finds what holds.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// short writes a path below the home folder as people do.
func short(f *cli.Factory, path string) string { return settings.Tilde(path, f.Home) }
