package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// stateVersion is the form of the state file. A file of another version is
// refused: worlds are cheap, migrations are not.
const stateVersion = 1

const (
	stateFile = "world.json"
	lockFile  = "world.lock"
	lockWait  = 10 * time.Second // a transaction takes milliseconds
	lockPoll  = 3 * time.Millisecond
)

// State is everything the world remembers. Handlers see it only inside
// World.view and World.update.
type State struct {
	Version   int       // stateVersion
	StartedAt time.Time // UTC, whole seconds; all seeded times are relative to it
	Now       time.Time // UTC; the clock of the current transaction, never runs backwards

	Facts    Facts
	Counters map[string]int64
	Faults   []Fault
	Rates    map[string]rate
	Requests []Request

	sections map[string]any // service name -> *T
}

// stateJSON is the file's form of State.
type stateJSON struct {
	Version   int                        `json:"version"`
	StartedAt time.Time                  `json:"startedAt"`
	Now       time.Time                  `json:"now"`
	Facts     Facts                      `json:"facts"`
	Counters  map[string]int64           `json:"counters"`
	Faults    []Fault                    `json:"faults"`
	Rates     map[string]rate            `json:"rates"`
	Requests  []Request                  `json:"requests"`
	Services  map[string]json.RawMessage `json:"services"`
}

// StateError says that the state file cannot be used. Its text names the way on.
type StateError struct {
	Path string
	Err  error
}

func (e *StateError) Error() string {
	return fmt.Sprintf("demo world: %s: %v; start a new one with: oncall demo reset", e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *StateError) Unwrap() error { return e.Err }

var errNoState = errors.New("no state yet")

func missingSection(v any) string { return fmt.Sprintf("simulator: no service has the state %T", v) }

// nextID returns the next number of a counter, starting at 1. The name is the
// service's, with a suffix where it counts several things.
func (s *State) nextID(counter string) int64 {
	s.Counters[counter]++
	return s.Counters[counter]
}

// newState makes a world that begins at start.
func newState(start time.Time) *State {
	start = start.UTC().Truncate(time.Second)
	s := &State{
		Version: stateVersion, StartedAt: start, Now: start,
		Facts:    seedFacts(start),
		Counters: map[string]int64{}, Rates: map[string]rate{},
		sections: map[string]any{},
	}
	s.seedMissing()
	return s
}

// seedMissing gives every service that has no section yet its own.
func (s *State) seedMissing() {
	for _, svc := range services() {
		if _, ok := s.sections[svc.name]; ok {
			continue
		}
		v := svc.state.empty()
		s.sections[svc.name] = v
		svc.state.seed(s, v)
	}
}

// advance brings every section up to now.
func (s *State) advance(now time.Time) {
	if now = now.UTC(); now.After(s.Now) {
		s.Now = now
	}
	for _, svc := range services() {
		svc.state.advance(s, s.sections[svc.name], s.Now)
	}
}

func (s *State) encode() ([]byte, error) {
	f := stateJSON{s.Version, s.StartedAt, s.Now, s.Facts, s.Counters, s.Faults, s.Rates, s.Requests, map[string]json.RawMessage{}}
	for name, v := range s.sections {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", name, err)
		}
		f.Services[name] = b
	}
	return json.Marshal(f)
}

func decodeState(data []byte) (*State, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("not a demo world (%w)", err)
	}
	if head.Version != stateVersion {
		return nil, fmt.Errorf("a demo world of version %d, this program needs %d", head.Version, stateVersion)
	}
	var f stateJSON
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("not a demo world (%w)", err)
	}
	if f.StartedAt.IsZero() {
		return nil, errors.New("not a demo world (no start)")
	}
	s := &State{f.Version, f.StartedAt, f.Now, f.Facts, f.Counters, f.Faults, f.Rates, f.Requests, map[string]any{}}
	if s.Counters == nil {
		s.Counters = map[string]int64{}
	}
	if s.Rates == nil {
		s.Rates = map[string]rate{}
	}
	for _, svc := range services() {
		raw, ok := f.Services[svc.name]
		if !ok {
			continue
		}
		v := svc.state.empty()
		if err := json.Unmarshal(raw, v); err != nil {
			return nil, fmt.Errorf("not a demo world (section %s: %w)", svc.name, err)
		}
		s.sections[svc.name] = v
	}
	s.seedMissing()
	return s, nil
}

// store keeps the encoded state. Calls are made under World.mu.
type store interface {
	lock() (unlock func(), err error)
	read() ([]byte, error) // errNoState when there is none
	write([]byte) error
	path() string
}

// memoryStore serves one process.
type memoryStore struct{ data []byte }

func (m *memoryStore) lock() (func(), error) { return func() {}, nil }
func (m *memoryStore) path() string          { return "(memory)" }
func (m *memoryStore) write(b []byte) error  { m.data = b; return nil }
func (m *memoryStore) read() ([]byte, error) {
	if m.data == nil {
		return nil, errNoState
	}
	return m.data, nil
}

// fileStore serves several processes. Readers take the lock too: Windows cannot
// rename over a file that somebody reads.
type fileStore struct {
	dir string
	fl  *flock.Flock
}

func newFileStore(dir string) (*fileStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("demo world: %w", err)
	}
	return &fileStore{dir: dir, fl: flock.New(filepath.Join(dir, lockFile))}, nil
}

func (f *fileStore) path() string { return filepath.Join(f.dir, stateFile) }

func (f *fileStore) lock() (func(), error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	ok, err := f.fl.TryLockContext(ctx, lockPoll)
	if errors.Is(err, context.DeadlineExceeded) || (err == nil && !ok) {
		return nil, fmt.Errorf("demo world: another process has held %s for %s", f.fl.Path(), lockWait)
	}
	if err != nil {
		return nil, fmt.Errorf("demo world: %w", err)
	}
	return func() { _ = f.fl.Unlock() }, nil
}

func (f *fileStore) read() ([]byte, error) {
	b, err := os.ReadFile(f.path())
	if errors.Is(err, os.ErrNotExist) {
		return nil, errNoState
	}
	return b, err
}

// write replaces the file in one step. It does not force it to the disk: a world
// lost with the power is a world that `oncall demo reset` makes again.
func (f *fileStore) write(b []byte) error {
	tmp, err := os.CreateTemp(f.dir, stateFile+".*.tmp")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), f.path())
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}

// transact runs fn on a private copy of the state, brought up to the clock, and
// keeps the copy when save is set and fn returns nil.
func (w *World) transact(save bool, fn func(*State) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	unlock, err := w.store.lock()
	if err != nil {
		return err
	}
	defer unlock()
	data, err := w.store.read()
	var s *State
	switch {
	case errors.Is(err, errNoState):
		s = newState(w.now())
	case err != nil:
		return &StateError{Path: w.store.path(), Err: err}
	default:
		if s, err = decodeState(data); err != nil {
			return &StateError{Path: w.store.path(), Err: err}
		}
	}
	s.advance(w.now())
	if err := fn(s); err != nil {
		return err
	}
	if !save {
		return nil
	}
	out, err := s.encode()
	if err != nil {
		return fmt.Errorf("demo world: %w", err)
	}
	if bytes.Equal(out, data) {
		return nil
	}
	if err := w.store.write(out); err != nil {
		return fmt.Errorf("demo world: %w", err)
	}
	return nil
}

// update changes the state. What fn did is kept only when it returns nil.
func (w *World) update(fn func(*State) error) error { return w.transact(true, fn) }

// view reads the state. What fn changes is lost.
func (w *World) view(fn func(*State) error) error { return w.transact(false, fn) }
