package clitest

import (
	"errors"
	"sync"

	"github.com/zalando/go-keyring"
)

// Ring is a keyring in memory. Absent is a machine that has none.
type Ring struct {
	Absent bool

	mu   sync.Mutex
	held map[string]string
}

var errAbsent = errors.New("no keyring daemon answers")

// Get returns an entry.
func (r *Ring) Get(name string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Absent {
		return "", errAbsent
	}
	text, ok := r.held[name]
	if !ok {
		return "", keyring.ErrNotFound
	}
	return text, nil
}

// Set writes an entry.
func (r *Ring) Set(name, text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Absent {
		return errAbsent
	}
	if r.held == nil {
		r.held = map[string]string{}
	}
	r.held[name] = text
	return nil
}

// Delete removes an entry.
func (r *Ring) Delete(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Absent {
		return errAbsent
	}
	if _, ok := r.held[name]; !ok {
		return keyring.ErrNotFound
	}
	delete(r.held, name)
	return nil
}
