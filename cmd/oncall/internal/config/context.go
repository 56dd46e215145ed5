package config

import (
	"errors"
	"strings"
	"unicode"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Names of the contexts that no file holds.
const (
	DemoContext        = "demo"        // the built-in world
	EnvironmentContext = "environment" // what the ONCALL_<SERVICE>_* variables alone describe
)

// Context is the place a command works in.
type Context struct {
	Name        string
	Environment string // "production"; "" when nobody said
	User        string // user name in the pager; "" when nobody said
	Protected   bool   // ask before a public or production change
	ReadOnly    bool   // send nothing that changes anything
	Demo        bool   // the built-in world: no file, no network, no account
}

// Describe is the context in a few words: "production, protected".
func (c Context) Describe() string {
	var words []string
	switch {
	case c.Demo:
		words = append(words, "built-in world")
	case c.Name == EnvironmentContext:
		words = append(words, "what the environment describes")
	case c.Environment != "":
		words = append(words, c.Environment)
	}
	if c.Protected {
		words = append(words, "protected")
	}
	if c.ReadOnly {
		words = append(words, "read-only")
	}
	return strings.Join(words, ", ")
}

// CheckContextName says why a name cannot be a context's.
func CheckContextName(name string) error {
	switch {
	case name == "":
		return errors.New("a context's name is not empty")
	case name == DemoContext || name == EnvironmentContext:
		return errors.New(`the name "` + name + `" is built in; choose another`)
	case strings.HasPrefix(name, "-"):
		return errors.New("a context's name does not start with -")
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return errors.New("a context's name has no blanks and no invisible characters")
	}
	return nil
}

// Context returns the chosen context. It is the zero Context when none is
// chosen, which ContextError tells.
func (c *Config) Context() Context { return c.context }

// ContextError says why no context is chosen: none is configured, several are
// and none was named, or the one named does not exist. It is nil when there is one.
func (c *Config) ContextError() error { return c.contextErr }

// Contexts lists the contexts that can be chosen: those of the file in its
// order, then "environment" when its variables are set, then "demo".
func (c *Config) Contexts() []string {
	var out []string
	for _, b := range c.doc.contexts {
		out = append(out, b.name)
	}
	if c.environmentSet() {
		out = append(out, EnvironmentContext)
	}
	return append(out, DemoContext)
}

// choose finds the context's name and who chose it. It fails only when none
// can be chosen.
func (c *Config) choose() (string, Origin, error) {
	if name, ok := c.src.Flags["context"]; ok {
		if name == "" {
			return "", Origin{}, usage("--context: the name is empty").WithHint("oncall config contexts")
		}
		return name, Origin{FromFlag, "--context"}, nil
	}
	if name := c.src.env("ONCALL_CONTEXT"); name != "" {
		return name, Origin{FromEnv, "ONCALL_CONTEXT"}, nil
	}
	if e, ok := c.doc.settings["context"]; ok {
		return e.text, Origin{FromFile, at(c.doc.path, e.line)}, nil
	}
	switch n := len(c.doc.contexts); {
	case n == 1:
		b := c.doc.contexts[0]
		return b.name, Origin{FromFile, at(c.doc.path, b.line)}, nil
	case n > 1:
		names := c.Contexts()
		return "", Origin{}, usage("no context is chosen; there are %s", strings.Join(names, ", ")).
			WithHint("oncall config use-context %s", names[0])
	case c.environmentSet():
		return EnvironmentContext, Origin{FromDefault, "the environment"}, nil
	}
	return "", Origin{}, c.nothingConfigured()
}

func (c *Config) nothingConfigured() *apierr.Error {
	return usage("nothing is configured: no config file and no ONCALL_* variable of a service").
		WithHint("look around with `oncall --context demo incident list`, or set up with `oncall init`")
}

func (c *Config) noSuchContext(name string, who Origin) error {
	hint := "oncall config contexts"
	if len(c.doc.contexts) == 0 {
		hint = "oncall init, or oncall --context demo incident list"
	}
	return usage("%s: context %q does not exist; there are %s", who.Where, name, strings.Join(nearestFirst(name, c.Contexts()), ", ")).
		WithHint("%s", hint)
}

// environmentSet reports whether a variable of some service is set.
func (c *Config) environmentSet() bool {
	for _, o := range options() {
		if o.Service != "" && c.src.env(o.Env) != "" {
			return true
		}
	}
	return false
}
