package healthchecks

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// DefaultBodyLimit is what a server of one's own keeps of a ping's body when it
// does not say otherwise (note 4).
const DefaultBodyLimit = 10_000

// Target is the check that a ping is for: by UUID, or by slug with the ping key.
type Target struct {
	UUID string
	Slug string
}

// Signal is what a ping says.
type Signal struct {
	// Kind is PingSuccess, PingStart, PingFail or PingLog; ignored with Exit.
	Kind string
	// Exit is an exit status, 0 to 255; nil is none. 0 is a success.
	Exit *int
	// Body is kept with the ping up to the server's limit.
	Body []byte
	// RunID, a UUID, joins a start with its end. "" is none.
	RunID string
}

// Pinged is what the server said.
type Pinged struct {
	// Dropped: it answered well and yet kept nothing, for too many pings (note 4).
	Dropped bool
	// BodyLimit is how many bytes of a body it keeps; DefaultBodyLimit when it did not say.
	BodyLimit int
}

// Ping sends one signal, once. It is a POST, as checks may count nothing else
// (note 4).
func (c *Client) Ping(ctx context.Context, to Target, s Signal) (Pinged, error) {
	op := "ping " + short(to.UUID)
	path := "/" + seg(to.UUID)
	if to.UUID == "" {
		op = "ping " + to.Slug
		if c.pingKey == "" {
			return Pinged{}, apierr.New(apierr.ErrAuth, Vendor, op, "no ping key is set, which a ping by slug needs").
				WithHint("oncall auth login healthchecks --key ping-key")
		}
		path = "/" + httpx.Segment(c.pingKey) + "/" + httpx.Segment(to.Slug)
	}
	switch {
	case s.Exit != nil && (*s.Exit < 0 || *s.Exit > 255):
		return Pinged{}, apierr.New(apierr.ErrUsage, Vendor, op, "exit code %d is not from 0 to 255", *s.Exit)
	case s.Exit != nil:
		path += "/" + strconv.Itoa(*s.Exit)
	case s.Kind != PingSuccess && s.Kind != "":
		path += "/" + s.Kind
	}
	q := url.Values{}
	if s.RunID != "" {
		q.Set("rid", s.RunID)
	}
	r := httpx.Request{Op: op, Method: http.MethodPost, Path: path, Query: q, Accept: "*/*", AnyType: true, MaxBody: 64 << 10, Timeout: PingTimeout}
	if len(s.Body) > 0 {
		r.Raw, r.ContentType = s.Body, "text/plain; charset=utf-8"
	}
	res, err := c.ping.Do(ctx, r, nil)
	if err != nil {
		return Pinged{}, err
	}
	out := Pinged{BodyLimit: DefaultBodyLimit}
	if n, err := strconv.Atoi(res.Header.Get("Ping-Body-Limit")); err == nil && n >= 0 {
		out.BodyLimit = n
	}
	text := strings.ToLower(strings.TrimSpace(string(res.Body[:min(len(res.Body), 256)])))
	switch {
	case strings.Contains(text, "rate-limited"):
		out.Dropped = true
	case text != "ok" && text != "created":
		// A page of a proxy with status 200 is no ping.
		return out, &apierr.Error{Vendor: Vendor, Op: op, Status: res.Status, Kind: []error{apierr.ErrUnknownOutcome, apierr.ErrUnavailable},
			Message: "the answer is not that of a ping server", Hint: "is ONCALL_HEALTHCHECKS_PING_URL right? Of a server of your own it ends in /ping"}
	}
	return out, nil
}
