package config

import (
	"slices"
	"sync"
)

// warnings collects what a person should know; a text is kept once.
type warnings struct {
	mu   sync.Mutex
	list []string
	tell func(string) // may be nil
}

func (w *warnings) add(text string) {
	w.mu.Lock()
	known := slices.Contains(w.list, text)
	if !known {
		w.list = append(w.list, text)
	}
	w.mu.Unlock()
	if !known && w.tell != nil {
		w.tell(text)
	}
}

// Warnings returns what a person should know, in the order it was found. The
// list grows as secrets are resolved.
func (c *Config) Warnings() []string {
	c.warnings.mu.Lock()
	defer c.warnings.mu.Unlock()
	return slices.Clone(c.warnings.list)
}
