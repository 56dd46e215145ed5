package simulator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
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
// World.view and World.update, and reach their own section through part.
type State struct {
	head
	Now time.Time // UTC; the clock of the current transaction, never runs backwards

	table    []service
	requests []json.RawMessage          // of Request, oldest first
	raw      map[string]json.RawMessage // sections as they were read
	sections map[string]any             // those in use: service name -> *T, advanced to Now
}

// head is what every transaction reads.
type head struct {
	Version   int              `json:"version"`   // stateVersion
	StartedAt time.Time        `json:"startedAt"` // UTC, whole seconds; all seeded times are relative to it
	Seen      time.Time        `json:"seen"`      // the latest Now
	Facts     Facts            `json:"facts"`
	Counters  map[string]int64 `json:"counters"`
	Faults    []Fault          `json:"faults"`
	Rates     map[string]rate  `json:"rates"`
}

// document is the file.
type document struct {
	Head     json.RawMessage            `json:"world"`
	Requests []json.RawMessage          `json:"requests"`
	Services map[string]json.RawMessage `json:"services"`
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

// nextID returns the next number of a counter, starting at 1. The name is the
// service's, with a suffix where it counts several things.
func (s *State) nextID(counter string) int64 {
	s.Counters[counter]++
	return s.Counters[counter]
}

// newState makes a world that begins at start.
func newState(start time.Time, table []service) *State {
	start = start.UTC().Truncate(time.Second)
	s := &State{
		head: head{
			Version: stateVersion, StartedAt: start, Seen: start, Facts: seedFacts(start),
			Counters: map[string]int64{}, Rates: map[string]rate{},
		},
		Now: start, table: table, raw: map[string]json.RawMessage{}, sections: map[string]any{},
	}
	for _, svc := range table {
		s.section(svc)
	}
	return s
}

// section returns a service's section, read or seeded, and brought up to now.
func (s *State) section(svc service) any {
	if v, ok := s.sections[svc.name]; ok {
		return v
	}
	v := svc.state.empty()
	s.sections[svc.name] = v
	if raw, ok := s.raw[svc.name]; ok {
		if err := json.Unmarshal(raw, v); err != nil {
			panic(brokenState{fmt.Errorf("not a demo world (section %s: %w)", svc.name, err)})
		}
	} else {
		svc.state.seed(s, v)
	}
	svc.state.advance(s, v, s.Now)
	return v
}

// brokenState is the panic that carries an unreadable section out of a handler
// to transact.
type brokenState struct{ err error }

// document is the state as it is kept. Sections that were not used are taken over
// as they are.
func (s *State) document() (document, error) {
	s.Seen = s.Now
	h, err := json.Marshal(s.head)
	if err != nil {
		return document{}, fmt.Errorf("demo world: %w", err)
	}
	d := document{Head: h, Requests: slices.Clip(s.requests), Services: map[string]json.RawMessage{}}
	for _, svc := range s.table {
		raw, ok := s.raw[svc.name]
		if v, used := s.sections[svc.name]; used {
			if raw, err = json.Marshal(v); err != nil {
				return document{}, fmt.Errorf("demo world: section %s: %w", svc.name, err)
			}
		} else if !ok {
			continue
		}
		d.Services[svc.name] = raw
	}
	return d, nil
}

// bytes is the file. It is written by hand, as every part is JSON already and
// encoding/json would read each again.
func (d document) bytes() []byte {
	size := len(d.Head) + 1<<10
	for _, r := range d.Requests {
		size += len(r) + 1
	}
	for name, raw := range d.Services {
		size += len(name) + len(raw) + 4
	}
	var b bytes.Buffer
	b.Grow(size)
	b.WriteString(`{"world":`)
	b.Write(d.Head)
	b.WriteString(`,"requests":[`)
	for i, r := range d.Requests {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(r)
	}
	b.WriteString(`],"services":{`)
	for i, name := range slices.Sorted(maps.Keys(d.Services)) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:", name)
		b.Write(d.Services[name])
	}
	b.WriteString("}}")
	return b.Bytes()
}

func parseDocument(data []byte) (document, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return d, fmt.Errorf("not a demo world (%w)", err)
	}
	return d, nil
}

func (d document) state(now time.Time, table []service) (*State, error) {
	var h head
	if len(d.Head) == 0 {
		return nil, errors.New("not a demo world (no start)")
	}
	if err := json.Unmarshal(d.Head, &h); err != nil {
		return nil, fmt.Errorf("not a demo world (%w)", err)
	}
	if h.Version != stateVersion {
		return nil, fmt.Errorf("a demo world of version %d, this program needs %d", h.Version, stateVersion)
	}
	if h.StartedAt.IsZero() {
		return nil, errors.New("not a demo world (no start)")
	}
	if h.Counters == nil {
		h.Counters = map[string]int64{}
	}
	if h.Rates == nil {
		h.Rates = map[string]rate{}
	}
	return &State{
		head: h, Now: later(h.Seen, now.UTC()), table: table,
		requests: slices.Clip(d.Requests), raw: d.Services, sections: map[string]any{},
	}, nil
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

	wait time.Duration // for the lock
}

func newFileStore(o Options) (*fileStore, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("demo world: %w", err)
	}
	return &fileStore{dir: o.Dir, fl: flock.New(filepath.Join(o.Dir, lockFile)), wait: cmp.Or(o.lockWait, lockWait)}, nil
}

func (f *fileStore) path() string { return filepath.Join(f.dir, stateFile) }

func (f *fileStore) lock() (func(), error) {
	ctx, cancel := context.WithTimeout(context.Background(), f.wait)
	defer cancel()
	ok, err := f.fl.TryLockContext(ctx, lockPoll)
	if errors.Is(err, context.DeadlineExceeded) || (err == nil && !ok) {
		return nil, fmt.Errorf("demo world: another process has held %s for %s", f.fl.Path(), f.wait)
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

// transact runs fn on a private copy of the state, at the clock's now, and keeps
// the copy when save is set and fn returns nil.
func (w *World) transact(save bool, fn func(*State) error) (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	unlock, err := w.store.lock()
	if err != nil {
		return err
	}
	defer unlock()
	defer func() {
		if v := recover(); v != nil {
			broken, ok := v.(brokenState)
			if !ok {
				panic(v)
			}
			err = &StateError{Path: w.store.path(), Err: broken.err}
		}
	}()
	s, data, err := w.load()
	if err != nil {
		return err
	}
	if err := fn(s); err != nil {
		return err
	}
	if !save {
		return nil
	}
	d, err := s.document()
	if err != nil {
		return err
	}
	out := d.bytes()
	if bytes.Equal(out, data) {
		return nil
	}
	if err := w.store.write(out); err != nil {
		return fmt.Errorf("demo world: %w", err)
	}
	w.parsed, w.parsedFrom = d, out
	return nil
}

// load reads the state, or makes the first one; data is nil then. The parts of
// the last file that was read are kept: as long as it is the same, only what a
// transaction uses is decoded.
func (w *World) load() (s *State, data []byte, err error) {
	data, err = w.store.read()
	if errors.Is(err, errNoState) {
		s, err = w.seeded(w.now())
		return s, nil, err
	}
	if err == nil && !bytes.Equal(data, w.parsedFrom) {
		w.parsedFrom = nil
		if w.parsed, err = parseDocument(data); err == nil {
			w.parsedFrom = data
		}
	}
	if err == nil {
		s, err = w.parsed.state(w.now(), w.table)
	}
	if err != nil {
		return nil, nil, &StateError{Path: w.store.path(), Err: err}
	}
	return s, data, nil
}

// lastSeed is the newest world that began in this process. Worlds that begin at
// one instant are equal, and tests open many of those.
var lastSeed struct {
	sync.Mutex
	at  time.Time
	doc document
}

// seeded makes the world that begins at now.
func (w *World) seeded(now time.Time) (*State, error) {
	at := now.UTC().Truncate(time.Second)
	lastSeed.Lock()
	defer lastSeed.Unlock()
	if lastSeed.doc.Head == nil || !lastSeed.at.Equal(at) {
		d, err := newState(at, w.table).document()
		if err != nil {
			return nil, err
		}
		lastSeed.at, lastSeed.doc = at, d
	}
	return lastSeed.doc.state(at, w.table)
}

// update changes the state. What fn did is kept only when it returns nil.
func (w *World) update(fn func(*State) error) error { return w.transact(true, fn) }

// view reads the state. What fn changes is lost.
func (w *World) view(fn func(*State) error) error { return w.transact(false, fn) }
