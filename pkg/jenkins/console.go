package jenkins

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Console streams a build's whole console: LF line ends, console notes removed
// by the server. It has no offset, and a running build's ends where the log
// does at that moment. The caller closes it. Errors of Read are those of
// httpx.Client.Stream.
func (c *Client) Console(ctx context.Context, job JobName, number int) (io.ReadCloser, error) {
	op := fmt.Sprintf("console of %s #%d", job, number)
	s, err := c.http.Stream(ctx, httpx.Request{Op: op, Path: job.buildPath(number) + "/consoleText", Accept: "text/plain"})
	if err != nil {
		if is(err, http.StatusNotFound) {
			err = c.explainBuild(ctx, job, number, err)
		}
		return nil, err
	}
	c.learn(s.Header)
	return s.Body, nil
}

// TimestampsOptions choose lines and form of Timestamps.
type TimestampsOptions struct {
	Format string // Java's SimpleDateFormat; "" is HH:mm:ss
	First  int    // first line, 1-based; negative counts from the end; 0 is the first
}

// Timestamps streams the console with the time in front of each line, from the
// Timestamper plugin. Without the plugin: apierr.ErrUnsupported.
func (c *Client) Timestamps(ctx context.Context, job JobName, number int, o TimestampsOptions) (io.ReadCloser, error) {
	if o.Format == "" {
		o.Format = "HH:mm:ss"
	}
	q := url.Values{"time": {o.Format}, "appendLog": {""}}
	if o.First != 0 {
		q.Set("startLine", strconv.Itoa(o.First))
	}
	op := fmt.Sprintf("timestamps of %s #%d", job, number)
	s, err := c.http.Stream(ctx, httpx.Request{Op: op, Path: job.buildPath(number) + "/timestamps/", Query: q, Accept: "text/plain"})
	if is(err, http.StatusNotFound) {
		return nil, fail(apierr.ErrUnsupported, op, "this Jenkins gives no times of console lines (the Timestamper plugin is not there)")
	}
	if err != nil {
		return nil, err
	}
	return s.Body, nil
}
