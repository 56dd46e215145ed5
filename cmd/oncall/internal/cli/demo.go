package cli

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/simulator"
)

// UseDemo makes the run one of the context demo, whatever is configured. It is
// called before anything reads the configuration.
func (f *Factory) UseDemo(command string) error {
	if name, given := f.Flags["context"]; given && name != config.DemoContext {
		return Usage("%s works in the built-in world, not in the context %q", command, name).WithHint("%s, without --context", command)
	}
	f.Flags["context"] = config.DemoContext
	return nil
}

// DemoWorldPath is the folder of the demo world, "" when it is in memory alone.
func (f *Factory) DemoWorldPath() (string, error) {
	o, err := f.worldOptions()
	return o.Dir, err
}

// worldOptions tell where the demo world is and how its time goes.
func (f *Factory) worldOptions() (simulator.Options, error) {
	cfg, err := f.Config()
	if err != nil {
		return simulator.Options{}, err
	}
	// A rate cannot be counted while time stands still.
	o := simulator.Options{Now: f.Clocked, NoLimits: f.unpaced(cfg) || f.Env("ONCALL_DEMO_NOW") != ""}
	if cfg.Paths().State != "" { // without a home folder the world lives as long as the process
		o.Dir = filepath.Join(cfg.StateDir(), "world")
	}
	return o, nil
}

// FreshDemoWorld begins the demo world anew, also when the old one cannot be
// read, and forgets what the demo's journal says about the old one.
func (f *Factory) FreshDemoWorld() (*simulator.World, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	if dir := cfg.StateDir(); cfg.Paths().State != "" {
		if err := os.Remove(filepath.Join(dir, journalFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, cannotKeep(err)
		}
	}
	if f.Deps.World != nil {
		return f.Deps.World, f.Deps.World.Reset()
	}
	o, err := f.worldOptions()
	if err != nil {
		return nil, err
	}
	w, err := simulator.OpenFresh(o)
	return w, cannotKeep(err)
}

// cannotKeep adds the way on to the error of a folder that takes no world.
func cannotKeep(err error) error {
	why := unkept(err)
	if why == nil {
		return err
	}
	e := apierr.New(apierr.ErrUsage, "", "", "demo world: %v", why).WithHint("set XDG_STATE_HOME to a folder that can be written")
	e.Err = err
	return e
}

// unkept is why a world has no file: its folder or its disk takes none. A file
// that is there and cannot be read is another matter.
func unkept(err error) error {
	var state *simulator.StateError
	var path *fs.PathError
	if errors.As(err, &state) || !errors.As(err, &path) {
		return nil
	}
	return path
}

// Inside returns a factory that runs command lines in another demo world, with
// the look of this run and nothing else of it: the tour's. Its journal, its
// caches and its settings are below dir.
func (f *Factory) Inside(w *simulator.World, d Deps, dir string) *Factory {
	vars := map[string]string{"ONCALL_CONTEXT": config.DemoContext}
	for _, name := range []string{"TERM", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "TZ", "ONCALL_TZ"} {
		if v, ok := f.LookupEnv(name); ok {
			vars[name] = v
		}
	}
	if tz, ok := f.Flags["tz"]; ok {
		vars["ONCALL_TZ"] = tz
	}
	d.World, d.Home, d.Version, d.Unpaced = w, dir, f.Version, true
	d.LookupEnv = func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	d.Environ = func() []string {
		out := []string{}
		for _, name := range slices.Sorted(maps.Keys(vars)) {
			out = append(out, name+"="+vars[name])
		}
		return out
	}
	d.OpenURL = func(string) error { return nil } // a tour opens no windows
	return New(d)
}

// InsideFlags are the flags before a command line of Inside: colours and -v as
// in this run.
func (f *Factory) InsideFlags() []string {
	color := "never"
	if f.IO.Color {
		color = "always"
	}
	out := []string{"--color", color}
	if f.Verbose > 0 {
		out = append(out, "--verbose="+strconv.Itoa(f.Verbose))
	}
	return out
}

// Screen is what a command line of Inside writes to: one stream, as a terminal
// shows both.
func (f *Factory) Screen(in io.Reader, out io.Writer) *ios.Streams {
	return &ios.Streams{
		In: in, Out: out, Err: out, OutTTY: f.IO.OutTTY, ErrTTY: f.IO.OutTTY,
		Width: f.IO.Width, ErrWidth: f.IO.Width, Color: f.IO.Color, ErrColor: f.IO.Color, Dumb: true,
	}
}
