package root

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

// version is set by the linker in a release: -X .../root.version=1.2.3.
var version string

// Version tells which oncall this is: the release, else the commit that it was
// built from, else "dev".
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			commit = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if commit == "" {
		return "dev"
	}
	return "dev-" + commit + dirty
}

type build struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newCmdVersion(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Print which oncall this is",
		Example:           "oncall version\noncall version -o json",
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			p := f.StaticPrinter()
			b := build{Name: "oncall", Version: f.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
			return printer.Item(p, printer.Table[build]{
				Kind: "Version",
				Name: func(b build) string { return b.Version },
				Columns: []printer.Column[build]{
					{Header: "VERSION", Value: func(b build) string { return b.Version }},
					{Header: "GO", Value: func(b build) string { return b.Go }},
					{Header: "PLATFORM", Value: func(b build) string { return b.Platform }},
				},
			}, b, func(d *printer.Detail) {
				d.Title("oncall "+b.Version, b.Go+" · "+b.Platform)
			})
		},
	}
}
