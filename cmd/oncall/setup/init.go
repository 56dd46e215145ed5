// Package setup is `oncall init`: from nothing to a config file that works.
// (Go imports no package named init.)
package setup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/nearest"
)

type initOptions struct {
	f           *cli.Factory
	name        string
	user        string
	environment string
	unprotected bool
	services    []string
	sets        []string
	force       bool
}

// NewCmd makes `oncall init`.
func NewCmd(f *cli.Factory) *cobra.Command {
	o := &initOptions{f: f}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a config file: asks on a terminal, takes flags without one",
		Long: `Write a config file with one context. On a terminal it asks: the context's name, who you
are in the pager, and service by service whether and how it is reached. Secrets that are
typed (they are not shown) go into the keyring, or where none answers into a file that you
alone can read; the config file gets references only. What is left out can be added later
with oncall auth login and oncall config set.

Without a terminal everything comes from flags: --user, --service, and --set for settings,
where a secret's value is a reference such as {env: NAME}.`,
		Example: `oncall init
oncall init --user alice --service victorops --set victorops.org=acme
oncall init --name ci --user ci --set 'victorops.api-key={file: /run/secrets/pager}'`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	fs.StringVar(&o.name, "name", "", "name of the context (default production)")
	fs.StringVar(&o.user, "user", "", "your user name in the pager")
	fs.StringVar(&o.environment, "environment", "", "environment that the context stands for (default its name)")
	fs.BoolVar(&o.unprotected, "unprotected", false, "do not ask before public or production changes in this context")
	fs.StringSliceVar(&o.services, "service", nil, "service to set up; may be repeated")
	fs.StringArrayVar(&o.sets, "set", nil, "a setting as KEY=VALUE, such as victorops.org=acme; may be repeated")
	fs.BoolVar(&o.force, "force", false, "replace an existing config file, which is kept as NAME.bak")
	_ = cmd.RegisterFlagCompletionFunc("service", cli.Services(0))
	_ = cmd.RegisterFlagCompletionFunc("set", completeSet)
	for _, name := range []string{"name", "user", "environment"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

// answers is what the config file will say.
type answers struct {
	name, user, environment string
	unprotected             bool
	services                []string
	settings                []setting
	secrets                 []typed
}

type setting struct{ key, value string }

// typed is a secret that a person typed.
type typed struct{ key, text string }

// initItem is the result.
type initItem struct {
	Name     string   `json:"name"` // context
	File     string   `json:"file"`
	Services []string `json:"services"`
	Missing  []string `json:"missing"` // required settings that are still open
	Next     []string `json:"next"`    // commands
}

func (o *initOptions) run(ctx context.Context) error {
	src := o.f.ConfigSource()
	paths := config.Locate(src)
	if paths.File == "" {
		return cli.Usage("there is no place for a config file: neither a home folder nor ONCALL_CONFIG")
	}
	out := o.f.StaticPrinter()
	// Before anything is asked or stored.
	replace := o.force || config.OnlyChooses(paths.File)
	if _, err := os.Stat(paths.File); err == nil && !replace {
		return o.exists(paths.File)
	}
	a, err := o.fromFlags()
	if err != nil {
		return err
	}
	if o.asks(src) {
		if err := o.ask(ctx, a); err != nil {
			return err
		}
	}
	if a.user == "" {
		a.user = o.f.Env("ONCALL_USER")
	}
	if a.user == "" {
		return cli.Usage("init: nobody may be asked here, and who you are is missing").
			WithHint("oncall init --user NAME --service victorops --set victorops.org=SLUG")
	}
	text, err := a.text()
	if err != nil {
		return err
	}
	text, err = o.keepSecrets(ctx, src, a, text)
	if err != nil {
		return err
	}
	err = config.Create(ctx, paths.File, []byte(text), !replace)
	if errors.Is(err, fs.ErrExist) {
		return o.exists(paths.File)
	}
	if err != nil {
		return err
	}
	return o.report(out, src, a, paths.File)
}

func (o *initOptions) exists(file string) error {
	return cli.Usage("%s exists already; nothing was written", config.Tilde(file, o.f.Home)).
		WithHint("change it with oncall config set and oncall auth login, or start afresh with --force (the old one is kept as .bak)")
}

// asks reports whether there is somebody to ask. The file to be replaced is not
// looked at: it may be broken.
func (o *initOptions) asks(src config.Source) bool {
	cfg, err := config.Open(src.In(config.DemoContext))
	return err == nil && o.f.IO.Interactive() && !cfg.Bool("no-input")
}

// fromFlags checks everything that the command line says.
func (o *initOptions) fromFlags() (*answers, error) {
	a := &answers{name: o.name, user: o.user, environment: o.environment, unprotected: o.unprotected}
	if a.name != "" {
		if err := config.CheckContextName(a.name); err != nil {
			return nil, cli.Usage("--name: %v", err)
		}
	}
	for _, s := range o.services {
		if !contains(config.Services(), s) {
			e := cli.Usage("--service: %q is not a service of oncall; there are %s", s, strings.Join(config.Services(), ", "))
			if near := nearest.Of(s, config.Services()); len(near) > 0 {
				return nil, e.WithHint("did you mean %s?", near[0])
			}
			return nil, e
		}
		a.add(s)
	}
	for _, s := range o.sets {
		key, value, ok := strings.Cut(s, "=")
		if !ok || value == "" {
			return nil, cli.Usage("--set takes KEY=VALUE").WithHint("--set victorops.org=acme")
		}
		opt, known := config.Lookup(key)
		if known && opt.Service != "" {
			a.add(opt.Service)
		}
		a.settings = append(a.settings, setting{key, value})
	}
	if _, err := a.text(); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *answers) add(service string) {
	if !contains(a.services, service) {
		a.services = append(a.services, service)
	}
}

const head = `# Contexts and settings of oncall. What holds and why: oncall config view --origin
# Secrets are never written here, only where they are kept: oncall auth login SERVICE
current-context: demo
`

// text is the config file without the secrets that were typed.
func (a *answers) text() (string, error) {
	name, environment := a.name, a.environment
	if name == "" {
		name = defaultName
	}
	if environment == "" {
		environment = name
	}
	d, err := config.NewDraft("config.yaml", []byte(head))
	if err != nil {
		return "", err
	}
	steps := []func() error{
		func() error { return d.AddContext(name) },
		func() error { return d.Set(name, "environment", environment) },
		func() error {
			if a.user == "" {
				return nil
			}
			return d.Set(name, "user", a.user)
		},
		func() error {
			if !a.unprotected {
				return nil
			}
			return d.Set(name, "protected", "false")
		},
	}
	for _, s := range a.settings {
		steps = append(steps, func() error { return d.Set(place(name, s.key), s.key, s.value) })
	}
	steps = append(steps, func() error { return d.UseContext(name) })
	for _, step := range steps {
		if err := step(); err != nil {
			return "", err
		}
	}
	return d.Text(), nil
}

// place is the context, or the top of the file for what only stands there.
func place(name, key string) string {
	if o, ok := config.Lookup(key); ok && o.Scope == config.TopLevel {
		return ""
	}
	return name
}

// keepSecrets puts away what was typed and references it in the file's text.
func (o *initOptions) keepSecrets(ctx context.Context, src config.Source, a *answers, text string) (string, error) {
	if len(a.secrets) == 0 {
		return text, nil
	}
	d, err := config.NewDraft("config.yaml", []byte(text))
	if err != nil {
		return "", err
	}
	inFile := false
	for _, s := range a.secrets {
		k, err := src.Keep(ctx, a.name, s.key, s.text, inFile)
		if errors.Is(err, config.ErrNoKeyring) {
			inFile = true
			o.f.IO.Note("no keyring answers here: secrets go into files that you alone can read, in %s", config.Tilde(config.Locate(src).Secrets, o.f.Home))
			k, err = src.Keep(ctx, a.name, s.key, s.text, inFile)
		}
		if err != nil {
			return "", err
		}
		if err := d.SetReference(a.name, s.key, k.Kind, k.Arg); err != nil {
			return "", err
		}
	}
	return d.Text(), nil
}

func completeSet(_ *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	out := []cobra.Completion{}
	for _, o := range config.Options() {
		if o.Scope != config.Nowhere && strings.HasPrefix(o.Key, word) {
			out = append(out, cobra.CompletionWithDesc(o.Key+"=", o.Help))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func contains(list []string, word string) bool {
	for _, x := range list {
		if x == word {
			return true
		}
	}
	return false
}

// report says what was written, what is still open, and the next command.
func (o *initOptions) report(out *printer.Printer, src config.Source, a *answers, file string) error {
	name := a.name
	if name == "" {
		name = defaultName
	}
	// The file is read as it will be, whatever this shell has set.
	cfg, err := config.Load(src.In(name))
	if err != nil {
		return err
	}
	item := initItem{Name: name, File: file, Services: a.services, Missing: []string{}, Next: []string{}}
	if item.Services == nil {
		item.Services = []string{}
	}
	for _, s := range a.services {
		secret := false
		for _, opt := range config.ServiceOptions(s) {
			if !opt.Required || cfg.Get(opt.Key).Set {
				continue
			}
			item.Missing = append(item.Missing, opt.Key)
			if opt.Kind != config.Secret {
				item.Next = append(item.Next, "oncall config set "+opt.Key+" VALUE")
			}
			secret = secret || opt.Kind == config.Secret
		}
		if secret {
			item.Next = append(item.Next, "oncall auth login "+s)
		}
	}
	switch {
	case len(item.Next) > 0:
	case len(a.services) == 0:
		item.Next = append(item.Next, "oncall auth login victorops")
	default:
		item.Next = append(item.Next, "oncall auth status")
		if contains(a.services, "victorops") {
			item.Next = append(item.Next, "oncall incident list --mine")
		}
	}
	return printer.Item(out, initTable(), item, func(d *printer.Detail) {
		d.Title("wrote "+config.Tilde(file, o.f.Home), cfg.Context().Describe())
		d.Row("context", name)
		d.Row("user", cfg.Context().User)
		d.Row("services", strings.Join(item.Services, ", "))
		d.Row("still open", strings.Join(item.Missing, ", "))
		d.Next(item.Next...)
	})
}

func initTable() printer.Table[initItem] {
	return printer.Table[initItem]{
		Kind: "Setup",
		Name: func(i initItem) string { return i.Name },
		Columns: []printer.Column[initItem]{
			{Header: "CONTEXT", Value: func(i initItem) string { return i.Name }},
			{Header: "FILE", Value: func(i initItem) string { return i.File }},
			{Header: "SERVICES", Value: func(i initItem) string { return strings.Join(i.Services, ",") }},
			{Header: "STILL OPEN", Value: func(i initItem) string { return strings.Join(i.Missing, ",") }},
			{Header: "NEXT", Value: func(i initItem) string { return strings.Join(i.Next, "; ") }},
		},
	}
}
