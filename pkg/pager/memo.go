package pager

import (
	"context"
	"sync"
)

// memo reads a value once. A failure is not kept.
type memo[T any] struct {
	mu   sync.Mutex
	done bool
	val  T
}

func (m *memo[T]) get(ctx context.Context, read func(context.Context) (T, error)) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done {
		return m.val, nil
	}
	v, err := read(ctx)
	if err == nil {
		m.val, m.done = v, true
	}
	return v, err
}

// peek is the value if it was read.
func (m *memo[T]) peek() (T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.val, m.done
}

// together runs the functions in parallel and waits for all of them.
func together(fs ...func()) {
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Go(f)
	}
	wg.Wait()
}

// partials collects what could not be read, from parallel readers.
type partials struct {
	mu  sync.Mutex
	all []Partial
}

// add records err, if any, and reports whether there was none.
func (p *partials) add(source string, err error) bool {
	if err == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, Partial{Source: source, Err: err})
	return false
}
