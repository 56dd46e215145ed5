package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/balena-io/oncall/pkg/secret"
)

// Source is everything config reads from: nothing else of the process is
// looked at. A zero field is an empty environment, no flag, no home.
type Source struct {
	LookupEnv func(string) (string, bool)
	Environ   func() []string // "NAME=value": what an {exec} child may inherit, and where typos are looked for
	// Flags holds the global flags that were set, by name without dashes; a
	// boolean flag is "true" or "false".
	Flags map[string]string
	Home  string // home folder; "" is none, and then nothing is read from or written below it
	GOOS  string // "" is runtime.GOOS
	// Keyring resolves {keyring: NAME}; nil is the system's.
	Keyring Keyring
	// Masker, if any, learns every secret that is resolved.
	Masker *secret.Masker
	// OnWarn, if any, is told each warning as it is found, besides Warnings.
	OnWarn func(text string)
	// Demo replaces built-in values of the demo context, by key.
	Demo map[string]string
}

func (s Source) env(name string) string {
	if name == "" {
		return ""
	}
	if s.LookupEnv == nil {
		return ""
	}
	v, _ := s.LookupEnv(name)
	return v
}

func (s Source) environ() []string {
	if s.Environ == nil {
		return nil
	}
	return s.Environ()
}

func (s Source) goos() string {
	if s.GOOS == "" {
		return runtime.GOOS
	}
	return s.GOOS
}

// Paths are oncall's own places. A path is "" when there is neither a home
// folder nor a variable that names one.
type Paths struct {
	File    string // config file, which need not exist
	Named   Origin // who named the file; its Kind is FromDefault when nobody did
	Config  string // folder of the default config file
	Secrets string // folder of the secret files oncall writes itself
	State   string // journal and other records
	Cache   string // what may be deleted at any time
}

// Locate finds the places of s without reading any. XDG variables win
// everywhere; without them Windows uses AppData and LocalAppData, macOS keeps
// caches in Library/Caches, and everything else is below ~/.config and ~/.local/state.
func Locate(s Source) Paths {
	var p Paths
	roaming, local := "", ""
	if s.goos() == "windows" {
		roaming, local = s.env("AppData"), s.env("LocalAppData")
	}
	p.Config = s.place("XDG_CONFIG_HOME", roaming, "", ".config")
	p.State = s.place("XDG_STATE_HOME", local, "state", ".local", "state")
	cache := []string{".cache"}
	if s.goos() == "darwin" {
		cache = []string{"Library", "Caches"}
	}
	p.Cache = s.place("XDG_CACHE_HOME", local, "cache", cache...)
	if p.Config != "" {
		p.File = filepath.Join(p.Config, "config.yaml")
		p.Secrets = filepath.Join(p.Config, "secrets")
	}
	if f := s.env("ONCALL_CONFIG"); f != "" {
		p.File, p.Named = s.expand(f, ""), Origin{Kind: FromEnv, Where: "ONCALL_CONFIG"}
	}
	if f, ok := s.Flags["config"]; ok {
		p.File, p.Named = s.expand(f, ""), Origin{Kind: FromFlag, Where: "--config"}
	}
	return p
}

// place is oncall's folder below the XDG variable, else below base, else below home.
// A relative XDG variable is ignored, as its specification asks.
func (s Source) place(variable, base, below string, home ...string) string {
	if x := s.env(variable); filepath.IsAbs(x) {
		return filepath.Join(x, "oncall")
	}
	if base != "" {
		return filepath.Join(base, "oncall", below)
	}
	if s.Home == "" {
		return ""
	}
	return filepath.Join(append(append([]string{s.Home}, home...), "oncall")...)
}

// expand makes a path of a setting usable: ~/ is the home folder, and a
// relative path starts at base, the folder of the file it is written in ("" is
// the working directory).
func (s Source) expand(path, base string) string {
	if rest, ok := cutHome(path); ok && s.Home != "" {
		return filepath.Join(s.Home, rest)
	}
	if base != "" && path != "" && !filepath.IsAbs(path) {
		return filepath.Join(base, path)
	}
	return path
}

func cutHome(path string) (string, bool) {
	if path == "~" {
		return "", true
	}
	if len(path) > 1 && path[0] == '~' && os.IsPathSeparator(path[1]) {
		return path[2:], true
	}
	return "", false
}

// Tilde writes a path below the home folder as people do: ~/.config/oncall.
func Tilde(path, home string) string {
	if home == "" || home == string(filepath.Separator) {
		return path
	}
	if rest, ok := strings.CutPrefix(path, home+string(filepath.Separator)); ok {
		return "~" + string(filepath.Separator) + rest
	}
	return path
}
