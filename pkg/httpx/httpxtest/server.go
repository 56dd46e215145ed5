// Package httpxtest is a scripted vendor for the tests of clients that are
// built on httpx.
//
// A test lists the requests that it expects, in order, each with its reply:
//
//	srv := httpxtest.New(t,
//		httpxtest.Exchange{Method: "GET", Path: "/v1/incidents", Reply: httpxtest.JSON(200, `{"incidents":[]}`)},
//		httpxtest.Exchange{Method: "PATCH", Path: "/v1/incidents/ack",
//			Body: `{"userName":"you","incidentNames":["4127"]}`, Reply: httpxtest.ResetAfter()},
//	)
//	client, err := victorops.New(victorops.Config{HTTP: srv.Config("victorops")})
//
// Path is what the client appends to its base URL, as it stands on the wire,
// with the query: "/v1/users/a@b.c?limit=2". The server is mounted under
// httpxtest.Base ("/base/path"), so that a wrong absolute path fails. Requests
// that differ, that are too many, or that never came are reported with
// t.Errorf; an unexpected one is answered 599.
//
// Method defaults to GET. Header is a subset that must be there with these
// values. Body is compared as JSON when it is JSON, else as it is; Check looks
// at anything else. Times repeats an exchange (a retried read: Times: 4).
// AnyOrder(exchanges...) makes the order free, for parallel requests.
//
// Replies: JSON, Text, HTML, LoginPage, Status, RetryAfter (seconds), Redirect,
// With (headers), WithBody, and the faults ResetBefore, ResetAfter, CutBody, Slow, Hang.
//
// Config gives an httpx.Config whose waits cost no time and are noted in
// Waits. Seen tells what arrived.
package httpxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/balena-io/oncall/pkg/httpx"
)

// Base is the path under which every Server is mounted.
const Base = "/base/path"

// Exchange is one expected request and its reply.
type Exchange struct {
	Method string            // default GET
	Path   string            // after Base, escaped as on the wire, with "?query"
	Header map[string]string // must be there with these values
	Body   string            // "" is not compared; NoBody wants none
	Check  func(t testing.TB, r Recorded)
	Reply  Reply
	Times  int // default 1
}

// NoBody as Exchange.Body wants a request without a body.
const NoBody = "\x00none"

// Recorded is a request that arrived.
type Recorded struct {
	Method string
	Path   string // without Base, with "?query", as on the wire
	Header http.Header
	Body   []byte
}

// Server is a scripted vendor.
type Server struct {
	URL string // base URL for the client, without a slash at the end

	t        testing.TB
	mu       sync.Mutex
	pending  []Exchange
	anyOrder bool
	seen     []Recorded
	waits    []time.Duration
}

// New starts a server that expects exchanges in this order. It stops, and
// reports exchanges that were not used, when the test ends.
func New(t testing.TB, exchanges ...Exchange) *Server {
	t.Helper()
	return start(t, false, exchanges)
}

// AnyOrder is New for requests whose order does not matter.
func AnyOrder(t testing.TB, exchanges ...Exchange) *Server {
	t.Helper()
	return start(t, true, exchanges)
}

func start(t testing.TB, anyOrder bool, exchanges []Exchange) *Server {
	t.Helper()
	s := &Server{t: t, anyOrder: anyOrder}
	for _, e := range exchanges {
		if e.Method == "" {
			e.Method = http.MethodGet
		}
		for range max(e.Times, 1) {
			s.pending = append(s.pending, e)
		}
	}
	srv := httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = srv.URL + Base
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, e := range s.pending {
			t.Errorf("httpxtest: never asked: %s %s", e.Method, e.Path)
		}
	})
	return s
}

// Config is a configuration for this server: waits between attempts take no
// time and are noted. Change any field.
func (s *Server) Config(vendor string) httpx.Config {
	return httpx.Config{Vendor: vendor, BaseURL: s.URL, Sleep: func(ctx context.Context, d time.Duration) error {
		s.mu.Lock()
		s.waits = append(s.waits, d)
		s.mu.Unlock()
		return ctx.Err()
	}}
}

// Waits are the pauses that a client of Config made, in order.
func (s *Server) Waits() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Duration(nil), s.waits...)
}

// Seen are the requests that arrived, in order, unexpected ones included.
func (s *Server) Seen() []Recorded {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Recorded(nil), s.seen...)
}

// Refused is a base URL at which no one listens. The port is the near end of a
// connection that stays until the test ends, so that nobody else begins to listen
// there meanwhile.
func Refused(t testing.TB) string {
	t.Helper()
	srv := httptest.NewServer(nil)
	t.Cleanup(srv.Close)
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatalf("httpxtest: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return "http://" + conn.LocalAddr().String() + Base
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	full := r.RequestURI
	path, mounted := full, false
	if len(full) >= len(Base) && full[:len(Base)] == Base {
		path, mounted = full[len(Base):], true
	}
	got := Recorded{Method: r.Method, Path: path, Header: r.Header.Clone()}
	e, found := s.next(got.Method, path, mounted)
	if !found || !e.Reply.unread {
		got.Body, _ = io.ReadAll(r.Body)
	}
	s.mu.Lock()
	s.seen = append(s.seen, got)
	s.mu.Unlock()
	if !found {
		http.Error(w, "httpxtest: unexpected request", 599)
		return
	}
	s.compare(e, got)
	e.Reply.serve(w, r)
}

// next takes the exchange for a request off the list.
func (s *Server) next(method, path string, mounted bool) (Exchange, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !mounted {
		s.t.Errorf("httpxtest: %s %s is not under the base path %s", method, path, Base)
		return Exchange{}, false
	}
	for i, e := range s.pending {
		if e.Method == method && e.Path == path {
			s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
			return e, true
		}
		if !s.anyOrder {
			s.t.Errorf("httpxtest: got %s %s, expected %s %s", method, path, e.Method, e.Path)
			return Exchange{}, false
		}
	}
	s.t.Errorf("httpxtest: got %s %s, expected no such request", method, path)
	return Exchange{}, false
}

func (s *Server) compare(e Exchange, got Recorded) {
	what := e.Method + " " + e.Path
	for k, want := range e.Header {
		if have := got.Header.Get(k); have != want {
			s.t.Errorf("httpxtest: %s: header %s is %q, expected %q", what, k, have, want)
		}
	}
	switch {
	case e.Body == "" || e.Reply.unread:
	case e.Body == NoBody:
		if len(got.Body) > 0 {
			s.t.Errorf("httpxtest: %s: body %s, expected none", what, got.Body)
		}
	case !sameBody(e.Body, got.Body):
		s.t.Errorf("httpxtest: %s: body\n%s\nexpected\n%s", what, got.Body, e.Body)
	}
	if e.Check != nil {
		e.Check(s.t, got)
	}
}

func sameBody(want string, got []byte) bool {
	if want == string(got) {
		return true
	}
	a, err := decode([]byte(want))
	if err != nil {
		return false
	}
	b, err := decode(got)
	return err == nil && reflect.DeepEqual(a, b)
}

func decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more than one value")
	}
	return v, nil
}
