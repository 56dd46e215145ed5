// Package fault is `oncall demo fault`: troubles of the demo world that can be
// switched on, to practise on.
package fault

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/simulator"
)

// NewCmd makes `oncall demo fault`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "fault", "Troubles of the demo world to practise on",
		newCmdAdd,
		newCmdList,
		newCmdClear,
	)
}

// item is a fault as the JSON contract has it. Durations are in seconds.
type item struct {
	Number     int     `json:"number"` // the place in the list; the first one that fits takes a request
	Kind       string  `json:"kind"`
	Service    string  `json:"service"` // "" is every service
	Method     string  `json:"method"`  // "" is every method
	Path       string  `json:"path"`    // "" is every path
	Status     int     `json:"status,omitempty"`
	RetryAfter float64 `json:"retryAfterSeconds,omitempty"`
	Delay      float64 `json:"delaySeconds,omitempty"`
	Location   string  `json:"location,omitempty"`
	Times      int     `json:"times"` // requests that it still takes; 0 is all until it is cleared
}

func items(faults []simulator.Fault) []item {
	out := []item{}
	for i, x := range faults {
		out = append(out, item{
			i + 1, x.Kind, x.Service, x.Method, x.PathGlob, x.Status, x.RetryAfter.Seconds(), x.Delay.Seconds(), x.Location, x.Times,
		})
	}
	return out
}

func table() printer.Table[item] {
	return printer.Table[item]{
		Kind:  "Fault",
		Name:  func(i item) string { return strconv.Itoa(i.Number) },
		Empty: "no fault is on",
		Columns: []printer.Column[item]{
			{Header: "NUMBER", Value: func(i item) string { return strconv.Itoa(i.Number) }},
			{Header: "KIND", Value: func(i item) string { return i.Kind }},
			{Header: "SERVICE", Value: func(i item) string { return anything(i.Service) }},
			{Header: "METHOD", Value: func(i item) string { return anything(i.Method) }},
			{Header: "PATH", Value: func(i item) string { return anything(i.Path) }},
			{Header: "TIMES", Value: func(i item) string {
				if i.Times == 0 {
					return "until cleared"
				}
				return strconv.Itoa(i.Times)
			}},
		},
	}
}

// anything says what an open field means.
func anything(s string) string {
	if s == "" {
		return "any"
	}
	return s
}

// open makes the printer, then opens the demo's world.
func open(f *cli.Factory, command string) (*printer.Printer, *simulator.World, error) {
	if err := f.UseDemo(command); err != nil {
		return nil, nil, err
	}
	out := f.Printer()
	w, err := f.DemoWorld()
	return out, w, err
}
