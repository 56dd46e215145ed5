package httpx

import (
	"net/http"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Upgrader is the way to a WebSocket over this client's connection settings,
// headers, pacing, trace and error words: a transport for the HTTP client of a
// WebSocket library, which builds the handshake itself. Make the library's URL
// of Base and a path. r gives Op, Header and Timeout (of the handshake).
//
// A handshake is sent once and follows no redirect. Any answer but 101 is an
// *apierr.Error; the one of a server or proxy that knows no WebSocket is of kind
// apierr.ErrUnsupported.
func (c *Client) Upgrader(r Request) http.RoundTripper { return upgrader{c, r} }

type upgrader struct {
	c *Client
	r Request
}

func (u upgrader) RoundTrip(req *http.Request) (*http.Response, error) {
	r := u.r
	r.Method = http.MethodGet
	cl, err := u.c.newCall(r, false)
	if err != nil {
		return nil, err
	}
	cl.upgrade, cl.target = true, req.URL.String()
	for k, v := range req.Header {
		cl.header[k] = v
	}
	ctx := req.Context()
	sent, fail := u.c.pace(ctx, cl)
	if fail != nil {
		return nil, fail
	}
	o := u.c.attempt(ctx, cl, req.URL, 1, sent)
	if o.err != nil {
		return nil, o.err
	}
	if redirects(o.res) {
		_, fail := u.c.redirectTarget(cl, req.URL, o.res, maxRedirects)
		return nil, fail
	}
	return o.res, nil
}

// noUpgrade is the error of a 2xx where 101 was due.
func (c *Client) noUpgrade(cl *call, status int) *apierr.Error {
	e := c.fail(cl, apierr.ErrUnsupported, "the server or a proxy before it does not speak WebSocket here")
	e.Status = status
	return e
}
