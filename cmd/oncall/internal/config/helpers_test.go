package config

import (
	"errors"
	"sync"

	"github.com/zalando/go-keyring"
)

// memoryRing is a keyring of a test's own; broken is a machine without one.
type memoryRing struct {
	mu     sync.Mutex
	held   map[string]string
	broken bool
}

var errNoRing = errors.New("dbus: no such bus, password hunter2")

func (r *memoryRing) Get(name string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken {
		return "", errNoRing
	}
	v, ok := r.held[name]
	if !ok {
		return "", keyring.ErrNotFound
	}
	return v, nil
}

func (r *memoryRing) Set(name, secret string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken {
		return errNoRing
	}
	if r.held == nil {
		r.held = map[string]string{}
	}
	r.held[name] = secret
	return nil
}

func (r *memoryRing) Delete(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken {
		return errNoRing
	}
	if _, ok := r.held[name]; !ok {
		return keyring.ErrNotFound
	}
	delete(r.held, name)
	return nil
}
