package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/viper"

	"github.com/balena-io/oncall/pkg/secret"
)

// OriginKind is the layer a value came from, weakest first. The order is the
// precedence, except that a context named by --context beats FromEnv.
type OriginKind int

// Origins.
const (
	FromDefault OriginKind = iota
	FromFile
	FromContext
	FromEnv
	FromFlag
)

func (k OriginKind) String() string {
	return [...]string{"default", "file", "context", "env", "flag"}[k]
}

// Origin tells where a value came from.
type Origin struct {
	Kind  OriginKind
	Where string // "--output", "ONCALL_USER", "config.yaml:12", "built in"; "" for a plain default
}

// Value is a setting that was looked up.
type Value struct {
	Text   string // a secret's literal shows as ***, its reference as it is written
	Origin Origin
	Set    bool // somebody set it; false for a default and for nothing at all
}

// Config is what Open found. It is safe for concurrent use.
type Config struct {
	src   Source
	paths Paths

	doc      *document // never nil
	team     *document // the definitions file, never nil
	found    bool      // there is a config file
	values   *viper.Viper
	origins  map[string]Origin
	refs     map[string]*reference // references of secrets, by key
	warnings warnings

	context    Context
	contextErr error

	execLimit time.Duration // how long an {exec} may take

	mu      sync.Mutex
	secrets map[string]*slot
}

// Load reads the configuration and needs a context: it fails as Open does, and
// with ContextError.
func Load(s Source) (*Config, error) {
	c, err := Open(s)
	if err != nil {
		return nil, err
	}
	return c, c.contextErr
}

// Open reads the configuration for a command that works without a context
// (`config contexts`, `init`, completion). It fails on a file that cannot be
// read or has a mistake in it, and on a flag or variable whose value is
// impossible. Nothing but the config and definitions file is read.
func Open(s Source) (*Config, error) {
	c := &Config{src: s, paths: Locate(s), execLimit: defaultExecLimit,
		origins: map[string]Origin{}, refs: map[string]*reference{}, secrets: map[string]*slot{}}
	c.warnings.tell = s.OnWarn
	c.doc, c.team = &document{path: c.paths.File}, &document{}
	demo := c.demoAsked()
	if !demo {
		if err := c.readFile(); err != nil {
			return nil, err
		}
	}
	name, who, err := c.choose()
	if err == nil && name == DemoContext && !demo {
		// The demo needs nothing of the file but the word that chose it.
		c.doc = &document{path: c.paths.File, contexts: c.doc.contexts, settings: map[string]entry{"context": c.doc.settings["context"]}}
	}
	if err == nil {
		err = c.exists(name, who)
	}
	c.contextErr = err
	if err != nil {
		name = ""
	}
	if name != DemoContext {
		if err := c.readDefinitions(); err != nil {
			return nil, err
		}
	}
	if err := c.layer(name, who); err != nil {
		return nil, err
	}
	c.checkEnvironment(name)
	if name != "" {
		c.context = Context{Name: name, Environment: c.String("environment"), User: c.String("user"),
			Protected: c.Bool("protected"), ReadOnly: c.Bool("read-only"), Demo: name == DemoContext}
	}
	return c, nil
}

// demoAsked reports whether a flag or variable chose the demo, so that a broken
// file cannot stand in its way.
func (c *Config) demoAsked() bool {
	if name, ok := c.src.Flags["context"]; ok {
		return name == DemoContext
	}
	return c.src.env("ONCALL_CONTEXT") == DemoContext
}

func (c *Config) readFile() error {
	if c.paths.File == "" {
		if c.paths.Named.Kind == FromFlag {
			return usage("--config: the path is empty")
		}
		return nil
	}
	data, err := readFile(c.paths.File)
	if errors.Is(err, fs.ErrNotExist) {
		if c.paths.Named.Kind != FromDefault {
			return usage("%s: %s does not exist", c.paths.Named.Where, c.paths.File).WithHint("oncall init writes one")
		}
		return nil
	}
	if err != nil {
		return unreadable("config file", err)
	}
	c.found = true
	if info, err := os.Stat(c.paths.File); err == nil && info.Mode().Perm()&0o002 != 0 && c.src.goos() != "windows" {
		// It names programs that oncall runs.
		c.warnings.add("config file " + c.paths.File + " can be changed by everybody (chmod 600 " + c.paths.File + ")")
	}
	c.doc, err = parseConfig(c.paths.File, data)
	return err
}

func unreadable(what string, err error) error {
	e := usage("%s: %v", what, err)
	e.Err = err
	return e
}

func (c *Config) exists(name string, who Origin) error {
	if name == DemoContext || name == EnvironmentContext {
		return nil
	}
	if _, ok := c.doc.find(name); !ok {
		return c.noSuchContext(name, who)
	}
	return nil
}

// Found reports whether there is a config file.
func (c *Config) Found() bool { return c.found }

// Paths returns oncall's own places.
func (c *Config) Paths() Paths { return c.paths }

// ConfigFile is the config file's path, whether or not the file exists; "" when
// there is neither a home folder nor a variable.
func (c *Config) ConfigFile() string { return c.paths.File }

// StateDir is the folder of the journal; the demo has its own. Without a home
// folder it is a path that cannot be made, so that nothing lands in the working
// folder; Paths tells that there is none.
func (c *Config) StateDir() string { return c.own(c.paths.State) }

// CacheDir is the folder of what may be deleted; the demo has its own, and
// without a home folder it is as StateDir.
func (c *Config) CacheDir() string { return c.own(c.paths.Cache) }

func (c *Config) own(dir string) string {
	if dir == "" {
		dir = filepath.Join(os.DevNull, "no-home-folder")
	}
	if c.context.Demo {
		return filepath.Join(dir, DemoContext)
	}
	return dir
}

// Get returns a setting with its origin. A key that is not in Options is empty.
func (c *Config) Get(key string) Value {
	o, known := Lookup(key)
	if !known {
		return Value{}
	}
	v := Value{Text: c.values.GetString(key), Origin: c.origins[key]}
	v.Set = v.Origin.Kind != FromDefault
	if !o.Sensitive() || !v.Set {
		return v
	}
	v.Text = secret.Hidden
	if ref := c.refs[key]; ref != nil {
		v.Text = ref.String()
	}
	return v
}

// String is the text of a setting that is no secret; a secret is "".
func (c *Config) String(key string) string {
	if optionOf(key).Sensitive() {
		return ""
	}
	return c.values.GetString(key)
}

// Bool is a setting of kind Bool.
func (c *Config) Bool(key string) bool {
	b, _ := parseBool(c.values.GetString(key)) // every layer was checked on the way in
	return b
}

// Duration is a setting of kind Duration.
func (c *Config) Duration(key string) time.Duration { return c.values.GetDuration(key) }

// Location is the time zone in which people see times.
func (c *Config) Location() *time.Location {
	loc, err := location(c.values.GetString("tz"))
	if err != nil {
		return time.Local // cannot happen: tz was checked on the way in
	}
	return loc
}

// Path is a setting of kind Path made usable: ~ is the home folder, and a
// relative path starts at the file it is written in, or at the working folder
// when a flag or variable gave it.
func (c *Config) Path(key string) string {
	base := ""
	if k := c.origins[key].Kind; k == FromContext || k == FromFile {
		base = filepath.Dir(c.paths.File)
	}
	return c.src.expand(c.String(key), base)
}

// Require returns a setting that the command cannot do without, or a usage
// error that names the ways to set it.
func (c *Config) Require(key string) (string, error) {
	if text := c.String(key); text != "" {
		return text, nil
	}
	o := optionOf(key)
	ways := ""
	if o.Flag != "" {
		ways += "--" + o.Flag + ", "
	}
	if o.Env != "" {
		ways += o.Env + ", "
	}
	return "", usage("%s is not set: set %s%s in the config file", o.Key, ways, o.InFile()).
		WithHint("oncall init asks for what is needed")
}
