package simulator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Host is the only host that World.Transport reaches; BaseURL its address. The
// name is reserved (RFC 2606), so a request that strays off the transport cannot
// reach anybody.
const (
	Host    = "demo.invalid"
	BaseURL = "http://" + Host
)

// maxBody is what the world reads of a request's body before the handler runs.
const maxBody = 4 << 20

// Options makes a World.
type Options struct {
	Dir      string           // folder of the state file, made if missing; "" keeps the state in memory
	Now      func() time.Time // the world's clock; nil is time.Now
	NoLimits bool             // do not enforce the vendors' rate limits

	lockWait time.Duration // for the lock of the state; 0 is lockWait
}

// World is a running world. It is safe for concurrent use, and several
// processes may open one folder.
type World struct {
	now      func() time.Time
	noLimits bool
	handler  http.Handler
	mounts   map[string]mounted

	table []service

	mu         sync.Mutex // one transaction at a time in this process
	store      store
	scratch    string // folder of the repositories of a world in memory; "" is none yet
	parsedFrom []byte // the file that parsed is of
	parsed     document

	once      sync.Once
	listener  *memListener
	server    *http.Server
	transport *http.Transport
}

type mounted struct {
	svc     service
	handler http.Handler
}

// Open makes the world in o.Dir, or joins the one that is there. A file that
// cannot be used is a *StateError.
func Open(o Options) (*World, error) {
	w := &World{now: o.Now, noLimits: o.NoLimits, mounts: map[string]mounted{}, table: services()}
	if w.now == nil {
		w.now = time.Now
	}
	w.store = &memoryStore{}
	if o.Dir != "" {
		fs, err := newFileStore(o)
		if err != nil {
			return nil, err
		}
		w.store = fs
	}
	if err := w.update(func(*State) error { return nil }); err != nil {
		return nil, err
	}
	for _, svc := range w.table {
		for segment, m := range svc.mounts {
			w.mounts[segment] = mounted{svc, m(w)}
		}
	}
	w.handler = http.HandlerFunc(w.serve)
	w.listener = newMemListener()
	w.server = &http.Server{
		Handler:           w.handler,
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	// A connection is used once. On one that is used again net/http repeats a GET
	// by itself after a reset, so a fault meant for the caller might never reach it.
	w.transport = &http.Transport{DialContext: w.listener.dial, DisableKeepAlives: true}
	return w, nil
}

// OpenFresh makes a new world in o.Dir whatever was there before, also when
// that cannot be read.
func OpenFresh(o Options) (*World, error) {
	if o.Dir != "" {
		fs, err := newFileStore(o)
		if err != nil {
			return nil, err
		}
		unlock, err := fs.lock()
		if err != nil {
			return nil, err
		}
		err = os.Remove(filepath.Join(o.Dir, stateFile))
		unlock()
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return Open(o)
}

// Reset begins the world anew at the clock's now: seeds, faults, limits and the
// record of requests.
func (w *World) Reset() error {
	return w.update(func(s *State) error { *s = *newState(w.now(), w.table); return nil })
}

// StartedAt is the instant to which all seeded times are relative.
func (w *World) StartedAt() (t time.Time, err error) {
	err = w.view(func(s *State) error { t = s.StartedAt; return nil })
	return t, err
}

// Close ends the in-memory connections. The state stays.
func (w *World) Close() error {
	w.transport.CloseIdleConnections()
	_ = w.listener.Close()
	w.mu.Lock()
	if w.scratch != "" {
		_ = os.RemoveAll(w.scratch)
		w.scratch = ""
	}
	w.mu.Unlock()
	return w.server.Close()
}

// Handler serves every service under its own first path segment, for an
// http.Server or a test server. It works under a path prefix too.
func (w *World) Handler() http.Handler { return w.handler }

// Transport reaches the world over real HTTP on connections in memory, so that
// streams, chunks, redirects and lost connections are as on a network. It knows
// one host, Host; every other is unknown to it.
func (w *World) Transport() http.RoundTripper {
	w.once.Do(func() { go func() { _ = w.server.Serve(w.listener) }() })
	return w.transport
}

// Env returns the environment lines (NAME=value) that point oncall at the world
// under base, such as "http://127.0.0.1:8080".
func (w *World) Env(base string) []string { return Env(base) }

// Env is World.Env without a world: the lines depend on base alone.
func Env(base string) []string {
	base = strings.TrimRight(base, "/")
	out := []string{"ONCALL_USER=" + UserYou}
	for _, svc := range services() {
		if svc.env != nil {
			out = append(out, svc.env(base)...)
		}
	}
	return out
}

// pause waits in real time; streams use it between two looks at the state.
func (w *World) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

type baseKey struct{}

// SelfURL is the address of the mount that serves r, as the client sees it and
// without a slash at the end: "http://demo.invalid/jenkins".
func SelfURL(r *http.Request) string {
	s, _ := r.Context().Value(baseKey{}).(string)
	return s
}

func (w *World) serve(rw http.ResponseWriter, r *http.Request) {
	segment, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	m, ok := w.mounts[segment]
	if !ok {
		http.Error(rw, "demo world: no service at /"+segment, http.StatusNotFound)
		return
	}
	r = under(r, segment)
	head, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		http.Error(rw, "demo world: the request's body ended early", http.StatusBadRequest)
		return
	}
	r.Body = readCloser{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}

	v, err := w.admit(m.svc, r, head)
	if err != nil {
		failed(rw, err)
		return
	}
	switch {
	case v.fault != nil:
		w.strike(*v.fault, m.handler, rw, r)
	case v.refused != nil:
		v.refused.refuse(rw, r, v.wait)
	default:
		m.handler.ServeHTTP(rw, r)
	}
}

type readCloser struct {
	io.Reader
	io.Closer
}

// under returns r as the mount sees it: without its segment, and knowing its own
// address. What stood before the world's root (http.StripPrefix) is found in the
// request line.
func under(r *http.Request, segment string) *http.Request {
	raw, _, _ := strings.Cut(r.RequestURI, "?")
	prefix := strings.TrimSuffix(raw, r.URL.EscapedPath())
	if prefix == raw {
		prefix = ""
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	self := scheme + "://" + r.Host + prefix + "/" + segment
	r2 := r.WithContext(context.WithValue(r.Context(), baseKey{}, self))
	u := *r.URL
	u.Path = orSlash(strings.TrimPrefix(u.Path, "/"+segment))
	if u.RawPath != "" {
		u.RawPath = orSlash(strings.TrimPrefix(u.RawPath, "/"+segment))
		if p, err := url.PathUnescape(u.RawPath); err != nil || p != u.Path {
			u.RawPath = ""
		}
	}
	r2.URL = &u
	return r2
}

func orSlash(p string) string {
	if p == "" {
		return "/"
	}
	return p
}

// verdict is what the world decides about a request before its handler runs.
type verdict struct {
	fault   *Fault
	refused *limit
	wait    time.Duration
}

// admit records the request and decides on faults and limits, in one
// transaction. A request that a fault takes does not count towards a limit.
func (w *World) admit(svc service, r *http.Request, body []byte) (v verdict, err error) {
	err = w.update(func(s *State) error {
		v = verdict{fault: s.takeFault(svc.name, r)}
		if v.fault == nil && !w.noLimits {
			v.refused, v.wait = s.overLimit(svc, r, w.now())
		}
		s.record(svc.name, r, body, v)
		return nil
	})
	return v, err
}

// failed answers for the world itself, when it cannot keep its state.
func failed(rw http.ResponseWriter, err error) {
	http.Error(rw, err.Error(), http.StatusInternalServerError)
}

// resetter is what a fault needs to break a connection the hard way.
type resetter interface{ Reset() error }

// resetConn drops the connection without an answer, as a crashed peer does.
func resetConn(rw http.ResponseWriter) {
	c, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	switch c := c.(type) {
	case resetter:
		_ = c.Reset()
		return
	case *net.TCPConn:
		_ = c.SetLinger(0)
	}
	_ = c.Close()
}
