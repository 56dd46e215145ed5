package httpxtest

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// Reply is how the server answers. Make one with the functions below.
type Reply struct {
	status int
	header http.Header
	body   string
	unread bool          // the fault strikes before the request's body is read
	fault  fault         // what happens to the connection
	delay  time.Duration // before the answer begins
}

type fault int

const (
	none fault = iota
	reset
	cut
	hang
)

// JSON answers with a JSON body.
func JSON(status int, body string) Reply { return typed(status, "application/json", body) }

// Text answers with plain text.
func Text(status int, body string) Reply { return typed(status, "text/plain; charset=utf-8", body) }

// HTML answers with a web page that has nothing of a login page.
func HTML(status int) Reply {
	return typed(status, "text/html; charset=utf-8", "<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body><h1>nginx</h1></body></html>")
}

// LoginPage answers with a sign-in page, as a single sign-on proxy does.
func LoginPage(status int) Reply {
	return typed(status, "text/html; charset=utf-8", `<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action="/login"><input type="password" name="p"></form></body></html>`)
}

// Status answers with a status and no body.
func Status(status int) Reply { return Reply{status: status} }

// RetryAfter answers with a status, no body, and Retry-After in seconds.
func RetryAfter(status, seconds int) Reply {
	return Status(status).With("Retry-After", strconv.Itoa(seconds))
}

// Redirect answers with a status and a Location.
func Redirect(status int, location string) Reply { return Status(status).With("Location", location) }

// ResetBefore resets the connection once the request's header is there, before
// its body is read: the vendor did nothing, which a client cannot know.
func ResetBefore() Reply { return Reply{fault: reset, unread: true} }

// ResetAfter reads the whole request, as a vendor that acts on it, and resets
// the connection instead of answering.
func ResetAfter() Reply { return Reply{fault: reset} }

// CutBody promises more than body and closes the connection after it.
func CutBody(status int, body string) Reply {
	r := JSON(status, body)
	r.fault = cut
	return r
}

// Hang reads the request and never answers. The client's own limit ends it.
func Hang() Reply { return Reply{fault: hang} }

// Slow is r after a delay. Keep it to milliseconds.
func Slow(d time.Duration, r Reply) Reply {
	r.delay = d
	return r
}

// With is r with one more header.
func (r Reply) With(name, value string) Reply {
	r.header = r.header.Clone()
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header.Add(name, value)
	return r
}

// WithBody is r with another body.
func (r Reply) WithBody(body string) Reply {
	r.body = body
	return r
}

func typed(status int, contentType, body string) Reply {
	return Reply{status: status, body: body}.With("Content-Type", contentType)
}

func (r Reply) serve(w http.ResponseWriter, req *http.Request) {
	if r.delay > 0 {
		t := time.NewTimer(r.delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-req.Context().Done():
			return
		}
	}
	switch r.fault {
	case hang:
		<-req.Context().Done()
		return
	case reset:
		hijackAndReset(w)
		return
	}
	for k, vs := range r.header {
		for _, v := range vs {
			w.Header().Add(k, v)
		}
	}
	if r.fault == cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.body)+1000))
	}
	w.WriteHeader(r.status)
	_, _ = w.Write([]byte(r.body))
	if r.fault == cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// hijackAndReset closes the connection with a TCP reset.
func hijackAndReset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
