// Package maintenance is `oncall status maintenance`: planned work that the
// public is told of beforehand.
package maintenance

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

const kind = "maintenance"

// NewCmd makes `oncall status maintenance`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "maintenance", "Planned work: announce it, start it, end it",
		newCmdList,
		newCmdCreate,
		newCmdStart,
		newCmdVerify,
		newCmdComplete,
		newCmdCancel,
		newCmdKeep,
	)
}

func table(f *cli.Factory) printer.Table[publicstatus.Maintenance] {
	return printer.Table[publicstatus.Maintenance]{
		Kind: "Maintenance",
		Name: func(m publicstatus.Maintenance) string { return m.ID },
		Columns: []printer.Column[publicstatus.Maintenance]{
			{Header: "ID", Value: func(m publicstatus.Maintenance) string { return m.ID }},
			{Header: "STATE", Value: state, Style: stateStyle},
			{Header: "STARTS", Value: func(m publicstatus.Maintenance) string { return ios.Ago(m.StartsAt, f.Now()) }},
			{Header: "LASTS", Value: lasts},
			{Header: "TITLE", Flex: true, Value: func(m publicstatus.Maintenance) string { return m.Title }},
			{Header: "COMPONENTS", Flex: true, Value: func(m publicstatus.Maintenance) string { return cli.Names(m.Components) }},
			{Header: "START", Wide: true, Value: func(m publicstatus.Maintenance) string { return f.Clock(m.StartsAt) }},
			{Header: "END", Wide: true, Value: func(m publicstatus.Maintenance) string { return f.Clock(m.EndsAt) }},
			{Header: "ANNOUNCED", Wide: true, Value: func(m publicstatus.Maintenance) string { return f.Clock(m.AnnouncedAt) }},
			{Header: "AUTOMATIC", Wide: true, Value: func(m publicstatus.Maintenance) string {
				if m.Automatic == nil {
					return ""
				}
				return fmt.Sprint(*m.Automatic)
			}},
			{Header: "SHORT NOTICE", Wide: true, Value: func(m publicstatus.Maintenance) string {
				if m.ShortNotice == nil {
					return ""
				}
				return m.ShortNotice.Reason
			}},
			{Header: "URL", Wide: true, Value: func(m publicstatus.Maintenance) string { return m.URL }},
		},
		Empty: "no maintenance",
	}
}

func state(m publicstatus.Maintenance) string {
	if m.Cancelled {
		return "cancelled"
	}
	return publicstatus.SayState(m.State)
}

func stateStyle(m publicstatus.Maintenance) ios.Style {
	switch {
	case m.State == statuspage.Scheduled:
		return ios.Cyan
	case m.Open():
		return ios.Yellow
	}
	return ios.Green
}

func lasts(m publicstatus.Maintenance) string {
	if m.EndsAt.IsZero() {
		return ""
	}
	return ios.AgeLong(m.EndsAt.Sub(m.StartsAt))
}
