package simulator

import (
	"encoding/json"
	"net/http"
	"time"
)

const (
	maxRequests    = 200  // the record keeps the newest
	maxRequestBody = 4096 // bytes of a body that the record keeps
)

// Request is one request as the world received it.
type Request struct {
	Service string    `json:"service"`
	Method  string    `json:"method"`
	Path    string    `json:"path"` // as sent (escaped), without the service's segment
	Query   string    `json:"query,omitempty"`
	Body    string    `json:"body,omitempty"` // its first 4 KiB
	Time    time.Time `json:"time"`
	Fault   string    `json:"fault,omitempty"`   // kind of the fault that took it
	Refused bool      `json:"refused,omitempty"` // over a rate limit
}

// Requests returns what was sent, oldest first: the newest 200.
func (w *World) Requests() (out []Request, err error) {
	out = []Request{}
	err = w.view(func(s *State) error {
		for _, raw := range s.requests {
			var r Request
			if err := json.Unmarshal(raw, &r); err != nil {
				return &StateError{Path: w.store.path(), Err: err}
			}
			out = append(out, r)
		}
		return nil
	})
	return out, err
}

// Changes returns the requests that ask for a change: all but GET, HEAD and
// OPTIONS.
func (w *World) Changes() ([]Request, error) {
	all, err := w.Requests()
	out := []Request{}
	for _, r := range all {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
		default:
			out = append(out, r)
		}
	}
	return out, err
}

func (s *State) record(service string, r *http.Request, body []byte, v verdict) {
	q := Request{
		Service: service, Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
		Body: string(body[:min(len(body), maxRequestBody)]), Time: s.Now, Refused: v.refused != nil,
	}
	if v.fault != nil {
		q.Fault = v.fault.Kind
	}
	raw, err := json.Marshal(q)
	if err != nil {
		return // cannot happen: text and times
	}
	s.requests = append(s.requests, raw)
	if n := len(s.requests) - maxRequests; n > 0 {
		s.requests = s.requests[n:]
	}
}
