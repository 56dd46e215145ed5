package config

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	settings "github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nearest"
)

// settingItem is one setting with what holds and why.
type settingItem struct {
	Name    string `json:"name"`
	Value   string `json:"value"`   // a secret is *** or its reference
	Set     bool   `json:"set"`     // false for a default and for nothing at all
	Origin  string `json:"origin"`  // default, file, context, env, flag
	Where   string `json:"where"`   // "config.yaml:12", "ONCALL_USER", "--output", "built in"; "" for a default
	Default string `json:"default"` // "" when there is none
	Secret  bool   `json:"secret"`
	Env     string `json:"env"`     // variable that sets it, "" when none does
	FileKey string `json:"fileKey"` // key in the config file, "" when it has none
	Help    string `json:"help"`
}

type viewOptions struct {
	f      *cli.Factory
	origin bool
	all    bool
	want   []string
}

func newCmdView(f *cli.Factory) *cobra.Command {
	o := &viewOptions{f: f}
	cmd := &cobra.Command{
		Use:   "view [<setting>|<service>]...",
		Short: "Show the settings that hold now, and where each comes from",
		Long: `Show the settings of the chosen context as every command sees them: flag over
environment over context over the rest of the file over default. With --context the
services of that context win over the environment. A secret is shown as *** or as the
reference to where it is kept, never itself.`,
		Example: `oncall config view --origin
oncall config view victorops --origin
oncall config view --all --jq '.items[] | select(.set) | .name'`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cli.Words(append(settings.Services(), keys()...)...),
		RunE: func(_ *cobra.Command, args []string) error {
			o.want = args
			return o.run()
		},
	}
	cmd.Flags().BoolVar(&o.origin, "origin", false, "show where each value comes from")
	cmd.Flags().BoolVar(&o.all, "all", false, "show settings without a value too")
	return cmd
}

func (o *viewOptions) run() error {
	out := o.f.Printer()
	for _, w := range o.want {
		if known := append(settings.Services(), keys()...); !slices.Contains(known, w) {
			e := cli.Usage("unknown setting %q", w)
			if near := nearest.Of(w, known); len(near) > 0 {
				return e.WithHint("oncall config view %s", near[0])
			}
			return e.WithHint("oncall config view --all")
		}
	}
	cfg, err := settings.Open(o.f.ConfigSource())
	if err != nil {
		return err
	}
	items := []settingItem{}
	for _, opt := range settings.Options() {
		v := cfg.Get(opt.Key)
		if !o.wanted(opt) || !o.all && len(o.want) == 0 && v.Text == "" {
			continue
		}
		item := settingItem{Name: opt.Key, Value: v.Text, Set: v.Set, Origin: v.Origin.Kind.String(), Where: v.Origin.Where,
			Default: opt.Default, Secret: opt.Sensitive(), Env: opt.Env, Help: opt.Help}
		if opt.Scope != settings.Nowhere {
			item.FileKey = opt.InFile()
		}
		items = append(items, item)
	}
	if err := printer.List(out, o.table(), items, printer.Meta{}); err != nil {
		return err
	}
	if err := cfg.ContextError(); err != nil {
		o.f.IO.Note("%v", err)
		o.f.IO.Hint("%s", apierr.HintOf(err))
	}
	return nil
}

func (o *viewOptions) wanted(opt settings.Option) bool {
	return len(o.want) == 0 || slices.Contains(o.want, opt.Key) || opt.Service != "" && slices.Contains(o.want, opt.Service)
}

func (o *viewOptions) table() printer.Table[settingItem] {
	return printer.Table[settingItem]{
		Kind: "Setting",
		Name: func(s settingItem) string { return s.Name },
		Columns: []printer.Column[settingItem]{
			{Header: "SETTING", Value: func(s settingItem) string { return s.Name }},
			{Header: "VALUE", Flex: true, Value: func(s settingItem) string { return s.Value }},
			{Header: "ORIGIN", Wide: !o.origin, Value: origin},
			{Header: "VARIABLE", Wide: true, Value: func(s settingItem) string { return s.Env }},
			{Header: "MEANING", Wide: true, Value: func(s settingItem) string { return s.Help }},
		},
	}
}

func origin(s settingItem) string {
	if !s.Set && s.Value == "" {
		return ""
	}
	return strings.TrimSpace(s.Origin + " " + s.Where)
}

// keys lists every setting.
func keys() []string {
	out := []string{}
	for _, o := range settings.Options() {
		out = append(out, o.Key)
	}
	return out
}
