package simulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Kinds of faults.
const (
	FaultResetBefore = "reset-before" // connection reset, nothing was done
	FaultResetAfter  = "reset-after"  // the service acted, then reset the connection without an answer
	FaultStatus      = "status"       // answers Status, with Retry-After when RetryAfter is set; nothing was done
	FaultStatusAfter = "status-after" // the service acted, and the answer is Status all the same
	FaultHTML        = "html"         // 200 with a sign-in page
	FaultCut         = "cut"          // the service acted; the answer breaks off half-way
	FaultSlow        = "slow"         // the service acted; the answer comes a byte at a time, Delay apart
	FaultEndless     = "endless"      // 200 and a JSON body that never ends; nothing was done
	FaultRedirect    = "redirect"     // 302 to Location; nothing was done
)

// FaultKinds lists every kind.
func FaultKinds() []string {
	return []string{FaultResetBefore, FaultResetAfter, FaultStatus, FaultStatusAfter, FaultHTML, FaultCut, FaultSlow, FaultEndless, FaultRedirect}
}

// Fault is a trouble that can be switched on. It takes the requests that it
// matches, the oldest fault first.
type Fault struct {
	Service  string `json:"service"`            // "" is every service
	Method   string `json:"method,omitempty"`   // "" is every method
	PathGlob string `json:"pathGlob,omitempty"` // path without the service's segment; * is any text, slashes too; "" is every path
	Kind     string `json:"kind"`

	Status     int           `json:"status,omitempty"`     // for status: default 503
	RetryAfter time.Duration `json:"retryAfter,omitempty"` // for status: header in whole seconds; 0 is none
	Delay      time.Duration `json:"delay,omitempty"`      // for slow: between bytes, real time; default 200 ms
	Location   string        `json:"location,omitempty"`   // for redirect: default an unknown host
	Times      int           `json:"times,omitempty"`      // how many requests it takes; 0 is all until ClearFaults
}

// AddFault switches a fault on. An unknown kind or service is an error.
func (w *World) AddFault(f Fault) error {
	if !slices.Contains(FaultKinds(), f.Kind) {
		return fmt.Errorf("demo world: no fault of kind %q; there are %s", f.Kind, strings.Join(FaultKinds(), ", "))
	}
	if f.Service != "" && !slices.Contains(ServiceNames(), f.Service) {
		return fmt.Errorf("demo world: no service %q; there are %s", f.Service, strings.Join(ServiceNames(), ", "))
	}
	if f.Times < 0 || f.Delay < 0 || f.RetryAfter < 0 {
		return fmt.Errorf("demo world: a fault's times, delay and retry-after are not negative")
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("demo world: a fault's status is 400 to 599, not %d", f.Status)
	}
	return w.update(func(s *State) error { s.Faults = append(s.Faults, f); return nil })
}

// ClearFaults switches all faults off.
func (w *World) ClearFaults() error {
	return w.update(func(s *State) error { s.Faults = nil; return nil })
}

// Faults returns the faults that are on, oldest first. Times counts what is left.
func (w *World) Faults() (out []Fault, err error) {
	err = w.view(func(s *State) error { out = append([]Fault{}, s.Faults...); return nil })
	return out, err
}

// ServiceNames returns the names of the services in the world.
func ServiceNames() []string {
	out := []string{}
	for _, svc := range services() {
		out = append(out, svc.name)
	}
	return out
}

func (f Fault) matches(service string, r *http.Request) bool {
	return (f.Service == "" || f.Service == service) &&
		(f.Method == "" || strings.EqualFold(f.Method, r.Method)) &&
		(f.PathGlob == "" || glob(f.PathGlob, r.URL.EscapedPath()))
}

// glob reports whether text is pattern, in which * stands for any text.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return strings.HasSuffix(rest, last)
}

// takeFault returns the fault that takes r, nil when none does, and counts it.
func (s *State) takeFault(service string, r *http.Request) *Fault {
	for i := range s.Faults {
		if !s.Faults[i].matches(service, r) {
			continue
		}
		f := s.Faults[i]
		if f.Times > 0 {
			if s.Faults[i].Times--; s.Faults[i].Times == 0 {
				s.Faults = slices.Delete(s.Faults, i, i+1)
			}
		}
		return &f
	}
	return nil
}

// strike lets f happen to a request that h would have served.
func (w *World) strike(f Fault, h http.Handler, rw http.ResponseWriter, r *http.Request) {
	switch f.Kind {
	case FaultResetBefore:
		resetConn(rw)
	case FaultResetAfter:
		(&buffered{}).run(h, r)
		resetConn(rw)
	case FaultStatusAfter:
		(&buffered{}).run(h, r)
		f.answerStatus(rw)
	case FaultStatus:
		f.answerStatus(rw)
	case FaultHTML:
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(rw, "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form action=\"/login\">Sign in</form></body></html>\n")
	case FaultRedirect:
		to := f.Location
		if to == "" {
			to = "http://elsewhere.invalid/"
		}
		http.Redirect(rw, r, to, http.StatusFound)
	case FaultCut:
		cut(h, rw, r)
	case FaultSlow:
		w.slow(f, h, rw, r)
	case FaultEndless:
		w.endless(rw, r)
	}
}

func (f Fault) answerStatus(rw http.ResponseWriter) {
	status := f.Status
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	if f.RetryAfter > 0 {
		retryAfter(rw, f.RetryAfter)
	}
	writeText(rw, status, http.StatusText(status)+"\n")
}

// buffered keeps an answer instead of sending it. A handler that flushes is a
// stream, which has no end to wait for: it is stopped at its first flush.
type buffered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *buffered) Header() http.Header {
	if b.header == nil {
		b.header = http.Header{}
	}
	return b.header
}

func (b *buffered) WriteHeader(status int) {
	if b.status == 0 {
		b.status = status
	}
}

func (b *buffered) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(p)
}

// flushed is the panic that stops a stream; run catches it.
type flushed struct{}

// Flush stops the handler; run returns.
func (b *buffered) Flush() { panic(flushed{}) }

// run serves r into the buffer and reports whether the answer is whole.
func (b *buffered) run(h http.Handler, r *http.Request) (whole bool) {
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(flushed); !ok {
				panic(v)
			}
			whole = false
		}
	}()
	h.ServeHTTP(b, r)
	return true
}

func (b *buffered) copyHead(rw http.ResponseWriter) {
	for k, v := range b.header {
		rw.Header()[k] = v
	}
	if b.status == 0 {
		b.status = http.StatusOK
	}
}

func cut(h http.Handler, rw http.ResponseWriter, r *http.Request) {
	b := &buffered{}
	whole := b.run(h, r)
	b.copyHead(rw)
	part := b.body.Bytes()
	if whole {
		// At least one byte is promised that never comes.
		rw.Header().Set("Content-Length", fmt.Sprint(max(1, len(part))))
		part = part[:len(part)/2]
	}
	rw.WriteHeader(b.status)
	_, _ = rw.Write(part)
	_ = http.NewResponseController(rw).Flush()
	panic(http.ErrAbortHandler)
}

func (w *World) slow(f Fault, h http.Handler, rw http.ResponseWriter, r *http.Request) {
	delay := f.Delay
	if delay == 0 {
		delay = 200 * time.Millisecond
	}
	b := &buffered{}
	b.run(h, r)
	b.copyHead(rw)
	rw.WriteHeader(b.status)
	rc := http.NewResponseController(rw)
	for _, c := range b.body.Bytes() {
		if w.pause(r.Context(), delay) != nil {
			return
		}
		if _, err := rw.Write([]byte{c}); err != nil {
			return
		}
		_ = rc.Flush()
	}
}

func (w *World) endless(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(rw, "[0")
	chunk := bytes.Repeat([]byte(",0"), 16<<10)
	for r.Context().Err() == nil {
		if _, err := rw.Write(chunk); err != nil {
			return
		}
	}
}
