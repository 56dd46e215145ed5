package healthchecks

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Kinds of pings (note 2).
const (
	PingSuccess = "success"
	PingStart   = "start"
	PingFail    = "fail" // an exit status other than 0 is one too; which, is not told
	PingLog     = "log"
	PingIgnored = "ign" // came by a method that the check does not count
)

// Ping is one signal that a check received.
type Ping struct {
	Type     string  `json:"type"`
	Date     Time    `json:"date"`
	N        int     `json:"n"` // serial number, from 1; 0 in very old rows
	Scheme   string  `json:"scheme"`
	Method   string  `json:"method"`
	UA       string  `json:"ua"`
	Address  string  `json:"remote_addr"` // null is ""
	RID      string  `json:"rid"`         // joins a start with its end; null is ""
	BodyURL  string  `json:"body_url"`    // null: it has no body
	Duration Seconds `json:"duration"`    // since its start, when that is known
}

// HasBody reports whether PingBody will find something.
func (p Ping) HasBody() bool { return p.BodyURL != "" && p.N > 0 }

// Pings lists the signals of a check, newest first, as many as the plan keeps
// (100 to 1000). It takes the UUID and needs a read-write key (note 2).
func (c *Client) Pings(ctx context.Context, uuid string) ([]Ping, error) {
	var out struct {
		Pings []Ping `json:"pings"`
	}
	_, err := c.read(ctx, httpx.Request{Op: "pings of check " + short(uuid), Path: "/checks/" + seg(uuid) + "/pings/"}, true, &out)
	return list(out.Pings), err
}

// maxPingBody is more than any server stores of a ping.
const maxPingBody = 4 << 20

// PingBody reads what ping n carried: bytes as they were sent. One that is gone
// is an apierr.ErrNotFound. It needs a read-write key. The address is built here:
// the one in the reply may not be the way by which we reach the server (note 6.8).
func (c *Client) PingBody(ctx context.Context, uuid string, n int) ([]byte, error) {
	r := httpx.Request{Op: "body of ping " + strconv.Itoa(n), Path: "/checks/" + seg(uuid) + "/pings/" + strconv.Itoa(n) + "/body",
		Accept: "*/*", AnyType: true, MaxBody: maxPingBody}
	res, err := c.read(ctx, r, true, nil)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// Flip is a change of a check's status. Up is true for a change to up alone:
// pausing and resuming read as false too, and why is not told (note 2).
type Flip struct {
	At Time `json:"timestamp"`
	Up int  `json:"up"`
}

// Flips lists the changes of status, newest first, since a moment; the zero time
// is as far back as the server keeps, the current month and two before. Answers
// with and without a wrapper are understood (note 2). It takes a UUID or unique key.
func (c *Client) Flips(ctx context.Context, id string, since time.Time) ([]Flip, error) {
	q := url.Values{}
	if !since.IsZero() {
		q.Set("start", strconv.FormatInt(since.Unix(), 10)) // whole seconds: a fraction is refused with an empty 400
	}
	var raw json.RawMessage
	if _, err := c.read(ctx, httpx.Request{Op: "flips of check " + short(id), Path: "/checks/" + seg(id) + "/flips/", Query: q}, false, &raw); err != nil {
		return nil, err
	}
	return decodeFlips(raw)
}

func decodeFlips(raw []byte) ([]Flip, error) {
	var out struct {
		Flips []Flip `json:"flips"`
	}
	var err error
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		err = json.Unmarshal(raw, &out.Flips)
	} else {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		return []Flip{}, &apierr.Error{Vendor: Vendor, Op: "read flips", Message: "the answer has another form than expected", Kind: []error{apierr.ErrUnavailable}, Err: err}
	}
	return list(out.Flips), nil
}

// Channel is an integration: who is told.
type Channel struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"` // email, slack, victorops, ...
}

// Channels lists the project's integrations. It needs a read-write key.
func (c *Client) Channels(ctx context.Context) ([]Channel, error) {
	var out struct {
		Channels []Channel `json:"channels"`
	}
	_, err := c.read(ctx, httpx.Request{Op: "list integrations", Path: "/channels/"}, true, &out)
	return list(out.Channels), err
}
