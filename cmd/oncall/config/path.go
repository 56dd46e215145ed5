package config

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	settings "github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

// pathItem is where oncall keeps its things. A path is empty where there is
// neither a home folder nor a variable that names one.
type pathItem struct {
	Name    string `json:"name"` // the config file
	Exists  bool   `json:"exists"`
	NamedBy string `json:"namedBy,omitempty"` // "--config", "ONCALL_CONFIG"
	Secrets string `json:"secrets"`
	State   string `json:"state"`
	Cache   string `json:"cache"`
}

func newCmdPath(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "path",
		Short: "Print where the config file is",
		Long: `Print the config file's path, whether or not the file exists. With -o wide also the
folders of secret files that oncall writes, of the journal, and of caches.`,
		Example:           "oncall config path\n\"$EDITOR\" \"$(oncall config path)\"",
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			out := f.StaticPrinter()
			p := settings.Locate(f.ConfigSource())
			if p.File == "" {
				return cli.Usage("there is no place for a config file: neither a home folder nor ONCALL_CONFIG")
			}
			_, missing := os.Stat(p.File)
			item := pathItem{p.File, missing == nil, p.Named.Where, p.Secrets, p.State, p.Cache}
			if err := printer.Item(out, pathTable(), item, func(d *printer.Detail) {
				d.Title(item.Name, "")
				if d.Wide() {
					d.Pairs("folders", [2]string{"secrets", item.Secrets}, [2]string{"state", item.State}, [2]string{"cache", item.Cache})
				}
			}); err != nil {
				return err
			}
			if !item.Exists {
				f.IO.Hint("the file does not exist yet: oncall init")
			}
			return nil
		},
	}
}

func pathTable() printer.Table[pathItem] {
	return printer.Table[pathItem]{
		Kind: "ConfigPath",
		Name: func(p pathItem) string { return p.Name },
		Columns: []printer.Column[pathItem]{
			{Header: "FILE", Value: func(p pathItem) string { return p.Name }},
			{Header: "EXISTS", Value: func(p pathItem) string { return yes(p.Exists) }},
			{Header: "SECRETS", Wide: true, Value: func(p pathItem) string { return p.Secrets }},
			{Header: "STATE", Wide: true, Value: func(p pathItem) string { return p.State }},
			{Header: "CACHE", Wide: true, Value: func(p pathItem) string { return p.Cache }},
		},
	}
}
