// Package cli is what every command is built with: the Factory that opens
// configuration, clients, printer and journal when they are first needed, and
// the few helpers for groups, arguments, flags and completion.
package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/journal"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/simulator"
)

// Deps is the outside world of one run of oncall. Tests give their own.
type Deps struct {
	IO        *ios.Streams
	LookupEnv func(string) (string, bool)
	Environ   func() []string // "NAME=value", for programs that oncall runs
	Home      string          // home folder of the user
	Version   string

	Now   func() time.Time                                 // nil is time.Now
	Sleep func(ctx context.Context, d time.Duration) error // nil is a timer that ctx ends
	// Within is a context that ends after d on the run's clock; nil is context.WithTimeout.
	Within  func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	OpenURL func(url string) error // opens a link in the user's browser
	// Keyring is where `auth login` keeps secrets; nil is the system's.
	Keyring config.Keyring
	// World is the demo world to use instead of the one in the state folder.
	World *simulator.World
	// Unpaced leaves out pacing. Only tests set it.
	Unpaced bool
	// CompletionBudget is how long a shell may wait for values; 0 is 400 ms. A
	// test on a slow machine is more patient.
	CompletionBudget time.Duration
	// Patience is how long one request, fetch or question may take where --timeout
	// leaves it to oncall; 0 is what each is given. A test is more patient, too.
	Patience time.Duration
}

// Factory makes the parts of a command when they are first asked for: `--help`
// opens neither file nor network.
type Factory struct {
	Deps
	// Words are the command line. Nil stands for every command at once, for the
	// reference and for tests of the whole tree.
	Words []string
	// Flags are the global flags that were given, by name. Root sets them.
	Flags map[string]string
	// Output holds -o, --jq and --template when given.
	Output printer.Options
	// Verbose is the count of -v.
	Verbose int
	// Change are the flags of a changing command.
	Change mutate.Flags
	// Masker knows every secret that was read in this run.
	Masker *secret.Masker
	// Interrupted tells the exit code of the signal that ended the run, if one did.
	Interrupted func() (code int, ok bool)
	// Runner runs a command line with the given factory; root sets it. The tour
	// runs what it shows through it.
	Runner func(ctx context.Context, f *Factory, args []string) int

	config func() (*config.Config, error)
	world  func() (*simulator.World, error)
	print  func() *printer.Printer
	chosen *printer.Printer // what flags and environment choose

	mu     sync.Mutex
	fenced []httpx.Fenced

	written []string // files with texts that were written in an editor
}

// New makes a factory.
func New(d Deps) *Factory {
	if d.Now == nil {
		d.Now = time.Now
	}
	f := &Factory{Deps: d, Masker: &secret.Masker{}, Flags: map[string]string{}}
	f.Interrupted = func() (int, bool) { return 0, false }
	f.config = sync.OnceValues(f.loadConfig)
	f.world = sync.OnceValues(f.openWorld)
	f.print = sync.OnceValue(f.newPrinter)
	f.chosen, _ = printer.New(printer.Options{Now: f.Clocked}, d.IO) // a table, until ReadOutput
	return f
}

// Env returns a variable of the injected environment, "" when it is not set.
func (f *Factory) Env(name string) string {
	v, _ := f.LookupEnv(name)
	return v
}

// Named reports whether name is a word of the command line, so that the command
// of that name may be the one that is called, helped or completed.
func (f *Factory) Named(name string) bool { return f.Words == nil || slices.Contains(f.Words, name) }

// ReadFlags takes the global flags that were given for cmd.
func (f *Factory) ReadFlags(cmd *cobra.Command) {
	global := cmd.Root().PersistentFlags()
	cmd.Flags().Visit(func(fl *pflag.Flag) {
		if _, ok := config.LookupFlag(fl.Name); ok && global.Lookup(fl.Name) == fl {
			f.Flags[fl.Name] = fl.Value.String()
		}
	})
}

// Config returns the settings of this run. With no configuration at all it is
// the error that names both ways on.
func (f *Factory) Config() (*config.Config, error) { return f.config() }

// ConfigSource is where the settings come from, for the commands that edit them.
func (f *Factory) ConfigSource() config.Source {
	return config.Source{LookupEnv: f.LookupEnv, Environ: f.Environ, Flags: f.Flags, Home: f.Home, Keyring: f.Keyring,
		Masker: f.Masker, OnWarn: func(text string) { f.IO.Warn("%s", text) }, Demo: demoSettings()}
}

// demoSettings are the simulator's addresses and credentials, by setting.
func demoSettings() map[string]string {
	byEnv := map[string]string{}
	for _, o := range config.Options() {
		byEnv[o.Env] = o.Key
	}
	out := map[string]string{}
	for _, line := range simulator.Env(simulator.BaseURL) {
		name, value, _ := strings.Cut(line, "=")
		if key := byEnv[name]; key != "" {
			out[key] = value
		}
	}
	return out
}

func (f *Factory) loadConfig() (*config.Config, error) {
	cfg, err := config.Load(f.ConfigSource())
	if err != nil {
		return nil, err
	}
	if cfg.Context().Demo {
		// A fixed clock for the demo, so that a transcript can be repeated.
		if at, err := time.Parse(time.RFC3339, f.Env("ONCALL_DEMO_NOW")); err == nil {
			f.Now = func() time.Time { return at }
		}
	}
	return cfg, nil
}

// DemoWorld opens the world of the demo context.
func (f *Factory) DemoWorld() (*simulator.World, error) { return f.world() }

func (f *Factory) openWorld() (*simulator.World, error) {
	if f.Deps.World != nil {
		return f.Deps.World, nil
	}
	o, err := f.worldOptions()
	if err != nil {
		return nil, err
	}
	w, err := simulator.Open(o)
	if why := unkept(err); why != nil {
		// A folder that cannot be written stops no command; what one changes is then
		// gone with it.
		f.IO.Warn("the demo world is forgotten when this command ends: %v; XDG_STATE_HOME can name another folder", why)
		o.Dir = ""
		return simulator.Open(o)
	}
	return w, err
}

// Wait waits, unless ctx ends before. Tests let it pass at once.
func (f *Factory) Wait(ctx context.Context, d time.Duration) error {
	if f.Sleep != nil {
		return f.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Clocked is the time on the run's clock, which loading the demo may have fixed.
func (f *Factory) Clocked() time.Time { return f.Now() }

// unpaced tells whether requests are sent without pacing: in tests and in the
// demo alone, as it is a vendor who would throttle the whole team.
func (f *Factory) unpaced(cfg *config.Config) bool {
	return f.Unpaced || cfg.Context().Demo && f.Env("ONCALL_DEMO_PACING") == "off"
}

func (f *Factory) keepFenced(x httpx.Fenced) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fenced = append(f.fenced, x)
}

// Location is the zone in which people see times.
func (f *Factory) Location() *time.Location {
	if cfg, err := f.Config(); err == nil {
		return cfg.Location()
	}
	return time.Local
}

// Age tells how long ago t was, short: "6m".
func (f *Factory) Age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return ios.Age(f.Now().Sub(t))
}

// Clock tells t as people read it: with zone, and with the date unless it is today.
func (f *Factory) Clock(t time.Time) string { return ios.Time(t, f.Now(), f.Location()) }

// WaitLimit is how long a command that waits may wait: --timeout or
// ONCALL_TIMEOUT when given, else what the command finds right.
func (f *Factory) WaitLimit(otherwise time.Duration) time.Duration {
	if cfg, err := f.Config(); err == nil {
		if k := cfg.Get("timeout").Origin.Kind; k == config.FromFlag || k == config.FromEnv {
			return cfg.Duration("timeout")
		}
	}
	return otherwise
}

// RequestLimit is how long one request may take: most, or less by --timeout.
func (f *Factory) RequestLimit(cfg *config.Config, most time.Duration) time.Duration {
	given := cfg.Duration("timeout")
	shortened := given < most && cfg.Get("timeout").Origin.Kind != config.FromDefault
	if f.Patience > 0 && !shortened {
		return f.Patience
	}
	return min(most, given)
}

// Limited bounds a wait: the context ends after d with context.DeadlineExceeded.
// d of 0 is no bound.
func (f *Factory) Limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	switch {
	case d <= 0:
		return context.WithCancel(ctx)
	case f.Within != nil:
		return f.Within(ctx, d)
	}
	return context.WithTimeout(ctx, d)
}

// ReadOutput reads what chooses the output. Root calls it before a command runs,
// so that a wrong -o, --jq, --template or ONCALL_OUTPUT is told before anything
// is read or sent. A wrong one in the file is an error of Config.
func (f *Factory) ReadOutput() (err error) {
	f.Output.Format, f.Output.Now = f.Flags["output"], f.Clocked
	o := f.Output
	if !f.outputAsked() {
		o.Format, o.Source = f.Env("ONCALL_OUTPUT"), "ONCALL_OUTPUT"
	}
	f.chosen, err = printer.New(o, f.IO)
	return err
}

// outputAsked tells whether a flag chose the output.
func (f *Factory) outputAsked() bool {
	return f.Output.Format != "" || f.Output.JQ != "" || f.Output.Template != ""
}

// Printer returns the printer of this run's output options.
func (f *Factory) Printer() *printer.Printer { return f.print() }

func (f *Factory) newPrinter() *printer.Printer {
	if f.outputAsked() || f.Env("ONCALL_OUTPUT") != "" {
		return f.chosen
	}
	if cfg, err := f.Config(); err == nil {
		return f.chosen.WithFormat(cfg.String("output"))
	}
	return f.chosen // what the configuration lacks is told by who needs it
}

// StreamPrinter is the printer of a command that goes on until it is stopped:
// what nobody looks at is a JSON line for each thing, unless a format was asked for.
func (f *Factory) StreamPrinter() *printer.Printer {
	if f.outputAsked() || f.Env("ONCALL_OUTPUT") != "" || f.IO.OutTTY {
		return f.Printer()
	}
	return f.chosen.WithFormat(printer.FormatJSONL)
}

// StaticPrinter is a printer for a command that opens no configuration: the
// format comes from flag and environment alone.
func (f *Factory) StaticPrinter() *printer.Printer { return f.chosen }

// OutputFormat is the format asked for by flag, environment or file, without
// failing: errors are printed in it too.
func (f *Factory) OutputFormat() string {
	if f.outputAsked() {
		return f.Output.Format
	}
	if cfg, err := f.Config(); err == nil {
		return cfg.String("output")
	}
	return f.Env("ONCALL_OUTPUT")
}

// journalFile is the journal's name in the state folder of a context.
const journalFile = "journal.jsonl"

// Journal returns the record of changes of this context.
func (f *Factory) Journal() (*journal.Journal, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	return journal.Open(filepath.Join(cfg.StateDir(), journalFile)), nil
}

// Mutate carries out one change; see mutate.Runner.Do.
func (f *Factory) Mutate(ctx context.Context, p mutate.Plan, call func(ctx context.Context, report mutate.Report) error) error {
	_, err := f.MutateResults(ctx, p, call)
	return err
}

// MutateResults is Mutate for a command that has more to say afterwards.
func (f *Factory) MutateResults(ctx context.Context, p mutate.Plan, call func(ctx context.Context, report mutate.Report) error) ([]mutate.Result, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	j, err := f.Journal()
	if err != nil {
		return nil, err
	}
	if cfg.Paths().State == "" {
		j = nil
		if !f.Change.DryRun {
			f.IO.Warn("the change is not recorded: there is no home folder, and no XDG_STATE_HOME")
		}
	}
	c := cfg.Context()
	r := &mutate.Runner{IO: f.IO, Printer: f.Printer(), Journal: j, Flags: f.Change,
		Context: c.Name, User: c.User, Protected: c.Protected, ReadOnly: c.ReadOnly, NoInput: cfg.Bool("no-input"),
		Now: f.Clocked, NewID: newID, Mask: f.Masker.Mask, Fenced: f.takeFenced, Signal: f.Interrupted}
	return r.Do(ctx, p, call)
}

func (f *Factory) takeFenced() []httpx.Fenced {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.fenced
	f.fenced = nil
	return out
}

func newID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Code is the exit code of err, with a signal before anything else but the code
// of a program that was run.
func (f *Factory) Code(err error) int {
	var e *exit.Error
	if err != nil && (!errors.As(err, &e) || !e.Passed) {
		if code, ok := f.Interrupted(); ok {
			return code
		}
	}
	return exit.Code(err)
}
