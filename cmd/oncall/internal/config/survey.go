package config

import (
	"maps"
	"slices"
)

// Survey lists every context that can be chosen, in the order of
// Config.Contexts, with what holds in it; current is the name of the one that
// is chosen now, "" when none is. The config file is read even when the demo is
// chosen.
func Survey(s Source) (contexts []Context, current string, err error) {
	c, err := Open(s)
	if err != nil {
		return nil, "", err
	}
	free, err := Open(s.without("context"))
	if err != nil {
		return nil, "", err
	}
	for _, name := range free.Contexts() {
		one, err := Load(s.In(name))
		if err != nil {
			return nil, "", err
		}
		contexts = append(contexts, one.Context())
	}
	return contexts, c.context.Name, nil
}

// InFile reports whether the config file of s holds a context of that name.
func (c *Config) InFile(name string) bool {
	return slices.ContainsFunc(c.doc.contexts, func(b block) bool { return b.name == name })
}

// In is s with a context chosen by flag.
func (s Source) In(name string) Source {
	s.Flags = maps.Clone(s.Flags)
	if s.Flags == nil {
		s.Flags = map[string]string{}
	}
	s.Flags["context"] = name
	return s
}

// without is s as if neither the flag nor the variable of an option were set.
func (s Source) without(key string) Source {
	o := optionOf(key)
	look := s
	s.Flags = maps.Clone(s.Flags)
	delete(s.Flags, o.Flag)
	s.LookupEnv = func(name string) (string, bool) {
		if name == o.Env {
			return "", false
		}
		v := look.env(name)
		return v, v != ""
	}
	return s
}
