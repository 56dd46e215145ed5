package httpx

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// errTimedOut is the cause of a context that our own limit ended, errReplay of
// one that ended as net/http was about to send a read again by itself.
var (
	errTimedOut = errors.New("timed out")
	errReplay   = errors.New("connection lost")
)

// progress is how far a request came on the wire. The hooks run on net/http's
// goroutines.
type progress struct {
	hooked    atomic.Bool // the transport tells of its steps at all
	connected atomic.Bool // there is a connection to the host or its proxy
	wrote     atomic.Bool // a byte of the request may have left
	answered  atomic.Bool // the first byte of the answer is here
}

// trace returns the hooks. A request comes to GetConn a second time when
// net/http sends it again by itself, as the kept connection was dead. A change
// it replays only when no byte was written, so the marks begin anew. A read it
// replays in any case; that is stopped, as it would go past pacing and trace.
func (p *progress) trace(writes bool, paced func(sent bool), stop func()) *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) {
			p.hooked.Store(true)
			if !writes && p.wrote.Load() {
				stop()
				return
			}
			p.connected.Store(false)
			p.wrote.Store(false)
		},
		GotConn: func(httptrace.GotConnInfo) { p.connected.Store(true) },
		WroteHeaderField: func(string, []string) {
			if !p.wrote.Swap(true) {
				paced(true)
			}
		},
		WroteHeaders:         func() { p.wrote.Store(true) },
		GotFirstResponseByte: func() { p.answered.Store(true) },
	}
}

// mayHaveArrived is false only when it is sure that no byte left. Where ctx
// ended in the middle a goroutine of net/http may just be beginning to write.
func (p *progress) mayHaveArrived(ctx context.Context) bool {
	return p.wrote.Load() || !p.hooked.Load() || ctx.Err() != nil && p.connected.Load()
}

// attempt sends cl once to u. For Do the answer is read whole, so that a cut
// one can be asked for again; for Stream the body is left to the caller.
func (c *Client) attempt(ctx context.Context, cl *call, u *url.URL, n int, paced func(sent bool)) outcome {
	limit := c.timeout(cl)
	ctx, watch := newWatch(ctx, limit)
	p := &progress{}
	t := tracing{c: c, cl: cl, u: u, n: n, start: time.Now()}

	req := c.wireRequest(httptrace.WithClientTrace(ctx, p.trace(cl.writes, paced, watch.stopReplay)), cl, u)
	t.request(req)
	c.idle.freshFor(cl)
	res, err := c.wire.RoundTrip(req)
	paced(p.mayHaveArrived(ctx))
	if err != nil {
		o := c.transportFailure(ctx, cl, u, p, limit, err)
		watch.end()
		t.failed(o.err)
		return o
	}
	if res.Request == nil {
		res.Request = req
	}
	if cl.upgrade && res.StatusCode == http.StatusSwitchingProtocols {
		// From here on the connection is the caller's; ending ctx does not close it.
		watch.end()
		t.answered(res, nil)
		return outcome{res: res}
	}
	if err := decompress(res); err != nil {
		_ = res.Body.Close()
		o := c.transportFailure(ctx, cl, u, p, limit, err)
		watch.end()
		t.failed(o.err)
		return o
	}
	if cl.stream && res.StatusCode < 300 {
		t.answered(res, nil)
		if e := c.checkStreamType(cl, u, res); e != nil {
			_ = res.Body.Close()
			watch.end()
			return outcome{err: e}
		}
		watch.pause()
		res.Body = &streamBody{c: c, cl: cl, body: res.Body, watch: watch, limit: limit}
		return outcome{res: res}
	}
	data, err := c.readBody(cl, res)
	_ = res.Body.Close()
	if err != nil {
		o := c.bodyFailure(ctx, cl, res, p, limit, len(data), err)
		watch.end()
		t.failed(o.err)
		return o
	}
	watch.end()
	res.Body = io.NopCloser(bytes.NewReader(data))
	t.answered(res, data)
	return c.judge(cl, u, res, data)
}

// wireRequest makes the request of one attempt. With GetBody net/http may send a
// change again when nothing was written.
func (c *Client) wireRequest(ctx context.Context, cl *call, u *url.URL) *http.Request {
	req := (&http.Request{
		Method: cl.r.Method, URL: u, Host: u.Host, Header: cl.header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if h := req.Header.Get("Host"); h != "" {
		req.Host = h
		req.Header.Del("Host")
	}
	if cl.body != nil {
		req.ContentLength = int64(len(cl.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(cl.body)), nil }
		req.Body, _ = req.GetBody()
	}
	return req
}

// judge turns a whole answer into an outcome: redirect, status, content type.
func (c *Client) judge(cl *call, u *url.URL, res *http.Response, data []byte) outcome {
	status := res.StatusCode
	switch {
	case status >= 300 && status < 400:
		return outcome{res: res, data: data}
	case status >= 400 || status < 200:
		e := c.statusError(cl, u, res, data)
		o := outcome{err: e, again: c.statusAgain(cl, e)}
		if cl.r.AnyStatus {
			o.res, o.data = res, data
		}
		return o
	}
	if e := c.checkType(cl, u, res, data); e != nil {
		return outcome{err: e}
	}
	if cl.upgrade {
		return outcome{err: c.noUpgrade(cl, status)}
	}
	return outcome{res: res, data: data}
}

// statusAgain reports whether a bad status allows another attempt: a refusal for
// want of room always, a failure of the vendor only for a read.
func (c *Client) statusAgain(cl *call, e *apierr.Error) bool {
	if cl.writes && errors.Is(e, apierr.ErrUnknownOutcome) {
		return false
	}
	if errors.Is(e, apierr.ErrRateLimited) {
		return true
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return !cl.writes
	}
	return false
}
