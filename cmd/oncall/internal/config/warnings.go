package config

import (
	"slices"
	"sync"
)

// warnings collects what a person should know; a text is kept once.
type warnings struct {
	mu   sync.Mutex
	list []string
}

func (w *warnings) add(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.list, text) {
		w.list = append(w.list, text)
	}
}

// Warnings returns what a person should know, in the order it was found. The
// list grows as secrets are resolved.
func (c *Config) Warnings() []string {
	c.warnings.mu.Lock()
	defer c.warnings.mu.Unlock()
	return slices.Clone(c.warnings.list)
}
