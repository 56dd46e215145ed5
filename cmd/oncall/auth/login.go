package auth

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
)

// Values of --store.
const (
	storeAuto    = "auto"
	storeKeyring = "keyring"
	storeFile    = "file"
)

type loginOptions struct {
	f       *cli.Factory
	service string
	key     string // one setting of the service, "" for all
	store   string
}

func newCmdLogin(f *cli.Factory) *cobra.Command {
	o := &loginOptions{f: f}
	cmd := &cobra.Command{
		Use:   "login <service>",
		Short: "Put a service's credentials away and reference them in the config file",
		Long: `Ask for the secrets of a service without showing them, or read them from standard input,
one a line in the order in which they would be asked. They go into the keyring; where none
answers, into a file that you alone can read. The config file of the chosen context gets
the reference, never the secret. No flag and no argument takes one.

On a terminal they are then tried with one read, as oncall auth status does.`,
		Example: `oncall auth login victorops
pass show victorops | oncall auth login victorops --context production
oncall auth login victorops --key rest-key --store file`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.Services(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.service = args[0]
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.key, "key", "", "one secret of the service alone, such as api-key")
	cmd.Flags().StringVar(&o.store, "store", storeAuto, "where to put it: auto, keyring or file")
	_ = cmd.RegisterFlagCompletionFunc("store", cli.Words(storeAuto, storeKeyring, storeFile))
	_ = cmd.RegisterFlagCompletionFunc("key", func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		out := []cobra.Completion{}
		if len(args) > 0 {
			all, _ := secretsOf(args[0])
			for _, s := range all {
				out = append(out, cobra.CompletionWithDesc(own(s), s.Help))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// credential is a secret with the setting that it belongs to.
type credential struct {
	option config.Option
	text   string
}

// keptItem tells where a secret went.
type keptItem struct {
	Name    string `json:"name"` // setting: "victorops.api-key"
	Service string `json:"service"`
	Context string `json:"context"`
	State   string `json:"state"` // stored, forgotten, left
	Kept    string `json:"kept"`  // reference: "{keyring: production/victorops/api-key}"
}

func (o *loginOptions) run(ctx context.Context) error {
	if err := checkService(o.service); err != nil {
		return err
	}
	if !slices.Contains([]string{storeAuto, storeKeyring, storeFile}, o.store) {
		return cli.Usage("--store: %q is not one of auto, keyring, file", o.store)
	}
	wanted, required, err := o.wanted()
	if err != nil {
		return err
	}
	out := o.f.Printer()
	cfg, name, err := fileContext(o.f)
	if err != nil {
		return err
	}
	given, err := o.read(ctx, cfg, name, wanted, required)
	if err != nil {
		return err
	}
	items, err := o.keep(ctx, cfg, name, given)
	if err != nil {
		return err
	}
	if err := printer.List(out, keptTable(), items, printer.Meta{}); err != nil {
		return err
	}
	for _, c := range given {
		if o.f.Env(c.option.Env) != "" {
			o.f.IO.Warn("%s is set and wins over the config file, unless --context names the context", c.option.Env)
		}
	}
	for _, opt := range config.ServiceOptions(o.service) {
		if opt.Required && opt.Kind != config.Secret && cfg.String(opt.Key) == "" {
			o.f.IO.Hint("%s is not set yet: oncall config set %s VALUE --context %s", opt.Key, opt.Key, name)
		}
	}
	if o.f.IO.Interactive() && out.Human() {
		return o.try(ctx, name)
	}
	o.f.IO.Hint("oncall auth status %s --context %s", o.service, name)
	return nil
}

// try shows a person at once whether what they typed is good: a key that was
// pasted wrongly is found out now, not by the next page. The configuration is read
// anew, as it has just changed.
func (o *loginOptions) try(ctx context.Context, name string) error {
	g := cli.New(o.f.Deps)
	g.Flags = maps.Clone(o.f.Flags)
	g.Flags["context"] = name
	g.Verbose, g.Masker, g.Interrupted = o.f.Verbose, o.f.Masker, o.f.Interrupted
	done := o.f.Busy("trying them")
	defer done()
	return status(ctx, g, []string{o.service})
}

// wanted lists the secrets to ask for; the first required ones may not be left out.
func (o *loginOptions) wanted() ([]config.Option, int, error) {
	all, required := secretsOf(o.service)
	if o.key == "" {
		return all, required, nil
	}
	names := []string{}
	for _, s := range all {
		if own(s) == o.key || s.Key == o.key {
			return []config.Option{s}, 1, nil
		}
		names = append(names, own(s))
	}
	return nil, 0, cli.Usage("--key: %s has no secret %q; it has %s", o.service, o.key, strings.Join(names, ", "))
}

// read gets the secrets from a person or from standard input.
func (o *loginOptions) read(ctx context.Context, cfg *config.Config, name string, wanted []config.Option, required int) ([]credential, error) {
	if !o.f.IO.InTTY {
		return o.readLines(wanted, required)
	}
	if cfg.Bool("no-input") || !o.f.IO.Interactive() {
		return nil, exit.With(exit.NotConfirmed, cli.Usage("auth login %s: nobody may be asked here", o.service).
			WithHint("give the secret on standard input: pass show %s | oncall auth login %s", o.service, o.service))
	}
	o.f.IO.Note("what you type or paste is not shown; it goes to context %s", name)
	var given []credential
	for i, opt := range wanted {
		question := o.service + " " + own(opt) + " (" + opt.Help + "): "
		if i >= required {
			question = o.service + " " + own(opt) + " (" + opt.Help + "; Enter leaves it out): "
		}
		text, err := o.f.IO.AskHidden(ctx, question)
		if errors.Is(err, io.EOF) {
			return nil, exit.With(exit.NotConfirmed, apierr.New(apierr.ErrUsage, o.service, "login", "the input ended; nothing was stored"))
		}
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(text) == "" && i >= required {
			continue
		}
		if err := config.CheckSecret(strings.TrimSpace(text)); err != nil {
			return nil, cli.Usage("%s: %v; nothing was stored", opt.Key, err)
		}
		given = append(given, credential{opt, strings.TrimSpace(text)})
	}
	return given, nil
}

// maxInput bounds what is read from standard input, in bytes.
const maxInput = 256 << 10

// readLines takes one secret a line. Too few or too many lines are an error:
// a secret in the wrong place would only be found out at 3 am.
func (o *loginOptions) readLines(wanted []config.Option, required int) ([]credential, error) {
	data, err := io.ReadAll(io.LimitReader(o.f.IO.In, maxInput))
	if err != nil {
		return nil, cli.Usage("standard input: %v", err)
	}
	lines := []string{}
	for _, l := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	if len(lines) < required || len(lines) > len(wanted) {
		names := []string{}
		for i, w := range wanted {
			n := own(w)
			if i >= required {
				n += " (optional)"
			}
			names = append(names, n)
		}
		return nil, cli.Usage("auth login %s: standard input has %s; it takes one secret a line: %s",
			o.service, count(len(lines), "line"), strings.Join(names, ", ")).WithHint("oncall auth login %s, on a terminal, asks", o.service)
	}
	var given []credential
	for i, l := range lines {
		if err := config.CheckSecret(l); err != nil {
			return nil, cli.Usage("%s: %v; nothing was stored", wanted[i].Key, err)
		}
		given = append(given, credential{wanted[i], l})
	}
	return given, nil
}

// keep puts the secrets away and references them.
func (o *loginOptions) keep(ctx context.Context, cfg *config.Config, name string, given []credential) ([]keptItem, error) {
	src := o.f.ConfigSource()
	inFile := o.store == storeFile
	items, kept := []keptItem{}, []config.Kept{}
	for _, c := range given {
		k, err := src.Keep(ctx, name, c.option.Key, c.text, inFile)
		if errors.Is(err, config.ErrNoKeyring) {
			if o.store == storeKeyring {
				return nil, apierr.New(apierr.ErrAuth, o.service, "login", "no keyring answers here; %s", stored(items)).
					WithHint("oncall auth login %s --store file", o.service)
			}
			inFile = true
			o.f.IO.Note("no keyring answers here: the secret goes into a file that you alone can read")
			k, err = src.Keep(ctx, name, c.option.Key, c.text, inFile)
		}
		if err != nil {
			return nil, err
		}
		kept = append(kept, k)
		items = append(items, keptItem{c.option.Key, o.service, name, "stored", k.String()})
	}
	err := config.Edit(ctx, cfg.ConfigFile(), func(d *config.Draft) error {
		for i, c := range given {
			if err := d.SetReference(name, c.option.Key, kept[i].Kind, kept[i].Arg); err != nil {
				return err
			}
		}
		return nil
	})
	return items, err
}

func stored(items []keptItem) string {
	if len(items) == 0 {
		return "nothing was stored"
	}
	return count(len(items), "secret") + " stored before"
}

func keptTable() printer.Table[keptItem] {
	return printer.Table[keptItem]{
		Kind: "Credential",
		Name: func(k keptItem) string { return k.Name },
		Columns: []printer.Column[keptItem]{
			{Header: "SETTING", Value: func(k keptItem) string { return k.Name }},
			{Header: "CONTEXT", Value: func(k keptItem) string { return k.Context }},
			{Header: "STATE", Value: func(k keptItem) string { return k.State }},
			{Header: "KEPT IN", Value: func(k keptItem) string { return k.Kept }},
		},
		Empty: "nothing was given, nothing was stored",
	}
}
