package config

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	settings "github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

type setOptions struct {
	f     *cli.Factory
	key   string
	value string
	unset bool
}

func newCmdSet(f *cli.Factory) *cobra.Command {
	o := &setOptions{f: f}
	cmd := &cobra.Command{
		Use:   "set <setting> [value]",
		Short: "Write a setting into the config file",
		Long: `Write one setting into the config file; comments and layout stay. Settings of a service,
and environment, user, protected and read-only, go into the context of --context or the
chosen one; the others go to the top of the file, or into the context that --context names.

A secret takes a reference: {env: NAME}, {file: PATH}, {exec: [COMMAND, ARG]} or
{keyring: NAME}. The secret itself is never an argument: oncall auth login SERVICE.`,
		Example: `oncall config set user alice
oncall config set victorops.org acme --context production
oncall config set statuspage.api-key '{exec: [pass, show, statuspage]}'
oncall config set read-only --unset`,
		Args:              cli.RangeArgs(1, 2),
		ValidArgsFunction: completeSet,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.key = args[0]
			switch {
			case o.unset && len(args) == 2:
				return cli.Usage("--unset takes no value").WithHint("oncall config set %s --unset", o.key)
			case !o.unset && len(args) == 1:
				return cli.Usage("config set %s: the value is missing", o.key).WithHint("oncall config set %s VALUE, or --unset", o.key)
			case len(args) == 2:
				o.value = args[1]
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&o.unset, "unset", false, "remove the setting from the file")
	return cmd
}

func (o *setOptions) run(ctx context.Context) error {
	if o.key == "context" || o.key == "current-context" {
		if o.unset {
			return cli.Usage("the current context is changed, not removed").WithHint("oncall config use-context NAME")
		}
		return useContext(ctx, o.f, o.value)
	}
	out := o.f.StaticPrinter()
	src := o.f.ConfigSource()
	place, err := o.place(src)
	if err != nil {
		return err
	}
	path := settings.Locate(src).File
	if err := settings.Edit(ctx, path, func(d *settings.Draft) error {
		if o.unset {
			return d.Unset(place, o.key)
		}
		return d.Set(place, o.key, o.value)
	}); err != nil {
		return err
	}
	return o.report(out, src, place, path)
}

// place is the context that the setting goes into, "" for the top of the file.
func (o *setOptions) place(src settings.Source) (string, error) {
	opt, known := settings.Lookup(o.key)
	named := src.Flags["context"]
	if !known || named == "" && (opt.Scope != settings.InContext && !perContext(o.key)) {
		return named, nil // Set tells what is wrong with an unknown key
	}
	cfg, err := settings.Load(src)
	if err != nil {
		return "", err
	}
	name := cfg.Context().Name
	if !cfg.InFile(name) {
		return "", cli.Usage("the context %s is not in the config file; nothing can be set in it", name).
			WithHint("name one with --context, or make one with oncall init")
	}
	return name, nil
}

// perContext names the settings that may stand at the top too, but which a
// person means for the context at hand.
func perContext(key string) bool { return key == "user" || key == "protected" || key == "read-only" }

func (o *setOptions) report(out *printer.Printer, src settings.Source, place, path string) error {
	item, err := o.look(src, place)
	if err != nil {
		return err
	}
	state := "set"
	if o.unset {
		state = "removed"
	}
	in := short(o.f, path)
	if place != "" {
		in = "context " + place + ", " + in
	}
	if item.Origin == settings.FromEnv.String() || item.Origin == settings.FromFlag.String() {
		o.f.IO.Warn("%s wins over it here: %s is %s", item.Where, item.Name, item.Value)
	}
	view := &viewOptions{f: o.f, origin: true}
	return printer.Item(out, view.table(), item, func(d *printer.Detail) {
		text := "setting/" + o.key + " " + state
		if !o.unset {
			text += ": " + item.inFile(o.value)
		}
		d.Title(text, in)
	})
}

// inFile is the value as it was written, which for a secret is its reference.
func (s settingItem) inFile(given string) string {
	if s.Secret {
		return strings.TrimSpace(given)
	}
	return given
}

// look reads the setting back as a command in that context sees it.
func (o *setOptions) look(src settings.Source, place string) (settingItem, error) {
	cfg, err := settings.Open(src)
	if err != nil {
		return settingItem{}, err
	}
	opt, _ := settings.Lookup(o.key)
	v := cfg.Get(o.key)
	return settingItem{Name: opt.Key, Value: v.Text, Set: v.Set, Origin: v.Origin.Kind.String(), Where: v.Origin.Where,
		Default: opt.Default, Secret: opt.Sensitive(), Env: opt.Env, FileKey: opt.InFile(), Help: opt.Help}, nil
}

func completeSet(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	out := []cobra.Completion{}
	switch len(args) {
	case 0:
		for _, o := range settings.Options() {
			if o.Scope != settings.Nowhere {
				out = append(out, cobra.CompletionWithDesc(o.Key, o.Help))
			}
		}
	case 1:
		o, _ := settings.Lookup(args[0])
		switch o.Kind {
		case settings.Bool:
			out = append(out, "true", "false")
		case settings.Path:
			return nil, cobra.ShellCompDirectiveDefault
		default:
			out = append(out, o.Values...)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// onlyFirst completes the first argument alone.
func onlyFirst(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, word)
	}
}
