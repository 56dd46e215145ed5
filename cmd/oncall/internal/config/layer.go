package config

import (
	"strings"

	"github.com/spf13/viper"
)

// keyDelimiter is one that no key contains: viper would take the dot of
// "victorops.url" for a level of its own.
const keyDelimiter = "::"

// layer fills viper from the weakest layer to the strongest: default, file,
// context, environment, flag. Viper never sees the file itself, as it would
// lower-case names, cut keys at dots and read 0123 as 83; it gets texts.
func (c *Config) layer(name string, who Origin) error {
	c.values = viper.NewWithOptions(viper.KeyDelimiter(keyDelimiter))
	for _, o := range options() {
		c.values.SetDefault(o.Key, o.Default)
	}
	c.merge(c.doc.settings, FromFile)
	block, _ := c.doc.find(name)
	switch {
	case name == DemoContext:
		c.mergeDemo()
		if err := c.mergeEnv(func(o Option) bool { return o.Service == "" && o.Key != "definitions" }); err != nil {
			return err
		}
	case who.Kind == FromFlag:
		// A context named by hand means its own services, whatever the shell exports.
		if err := c.mergeEnv(func(o Option) bool { return o.Service != "" }); err != nil {
			return err
		}
		c.merge(block.settings, FromContext)
		if err := c.mergeEnv(func(o Option) bool { return o.Service == "" }); err != nil {
			return err
		}
	default:
		c.merge(block.settings, FromContext)
		if err := c.mergeEnv(func(Option) bool { return true }); err != nil {
			return err
		}
	}
	if err := c.mergeFlags(); err != nil {
		return err
	}
	if name != "" {
		c.values.Set("context", name)
		c.origins["context"] = who
	}
	return nil
}

func (c *Config) put(key, text string, from Origin, ref *reference) {
	_ = c.values.MergeConfigMap(map[string]any{key: text}) // fails on no map we can build
	c.origins[key] = from
	if optionOf(key).Sensitive() {
		c.refs[key] = ref
	}
}

func (c *Config) merge(settings map[string]entry, kind OriginKind) {
	for key, e := range settings {
		text := e.text
		if e.ref != nil {
			text = e.ref.String()
		}
		c.put(key, text, Origin{kind, at(c.doc.path, e.line)}, e.ref)
	}
}

func (c *Config) mergeDemo() {
	for _, o := range options() {
		text := o.Demo
		if over, ok := c.src.Demo[o.Key]; ok {
			text = over
		}
		if text != "" {
			c.put(o.Key, text, Origin{FromContext, "built in"}, nil)
		}
	}
}

// mergeEnv reads the variables of the options that take reports. An empty
// variable is the same as none.
func (c *Config) mergeEnv(take func(Option) bool) error {
	var errs []error
	for _, o := range options() {
		if !take(o) {
			continue
		}
		text := c.src.env(o.Env)
		if o.Kind == Secret {
			text = strings.TrimSpace(text) // many a secret comes out of a file with its line end
		}
		if text == "" {
			continue
		}
		if err := o.Check(text); err != nil {
			errs = append(errs, usage("%s: %v", o.Env, err))
			continue
		}
		c.put(o.Key, text, Origin{FromEnv, o.Env}, nil)
	}
	if len(errs) > 0 {
		return together(errs)
	}
	return nil
}

func (c *Config) mergeFlags() error {
	var errs []error
	for _, o := range options() {
		text, given := c.src.Flags[o.Flag]
		if o.Flag == "" || !given {
			continue
		}
		if err := o.Check(text); err != nil {
			errs = append(errs, usage("--%s: %v", o.Flag, err))
			continue
		}
		c.values.Set(o.Key, text)
		c.origins[o.Key] = Origin{FromFlag, "--" + o.Flag}
	}
	if len(errs) > 0 {
		return together(errs)
	}
	return nil
}

// checkEnvironment warns of a variable that looks like a service's and is none:
// a typo there would otherwise pass in silence.
func (c *Config) checkEnvironment(name string) {
	if name == DemoContext {
		return
	}
	known := map[string]bool{}
	var names []string
	for _, o := range options() {
		if o.Env != "" {
			known[o.Env] = true
			names = append(names, o.Env)
		}
	}
	for _, n := range c.doc.referencedEnv() {
		known[n] = true
	}
	for _, pair := range c.src.environ() {
		variable, _, _ := strings.Cut(pair, "=")
		if known[variable] {
			continue
		}
		for _, s := range Services() {
			if strings.HasPrefix(variable, "ONCALL_"+strings.ToUpper(s)+"_") {
				c.warnings.add(variable + " is no setting of oncall and is ignored" + didYouMean(variable, names))
			}
		}
	}
}
