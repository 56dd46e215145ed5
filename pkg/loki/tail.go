package loki

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/datasource"
	"github.com/balena-io/oncall/pkg/httpx"
)

// tailFrame is the largest message of a tail, in bytes: 100 lines at most, each
// up to the server's line limit (256 KB by default, megabytes where raised).
const tailFrame = 256 << 20

// tail is one WebSocket of live lines.
type tail struct {
	conn  *websocket.Conn
	alive chan struct{} // a ping or a frame came
}

// frame is one message: lines, and how many the server left out because we read
// too slowly.
type frame struct {
	entries []Entry
	dropped []Drop
}

// Drop is a line that the server left out of a tail.
type Drop struct {
	At     time.Time
	Labels Labels
}

// dialTail opens a tail of the lines from start on. Errors of the query come
// before the upgrade, as ordinary errors.
//
// Source: contract note section 6, GET /loki/api/v1/tail.
func (c *Client) dialTail(ctx context.Context, query string, start time.Time, limit int) (*tail, error) {
	v := url.Values{"query": {query}, "start": {ns(start)}, "limit": {strconv.Itoa(limit)}}
	t := &tail{alive: make(chan struct{}, 1)}
	conn, _, err := websocket.Dial(ctx, //nolint:bodyclose // the body is the connection
		c.api.Base()+"/loki/api/v1/tail?"+v.Encode(), &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: c.api.Upgrader(httpx.Request{Op: "follow", Header: c.api.Header})},
			OnPingReceived: func(context.Context, []byte) bool {
				t.live()
				return true
			},
		})
	if err != nil {
		var e *apierr.Error
		if errors.As(err, &e) {
			return nil, datasource.MarkPlace(e, query, placeOf())
		}
		// The answer was 101, but not one of a WebSocket.
		return nil, &apierr.Error{Vendor: vendor, Op: "follow", Kind: []error{apierr.ErrUnsupported}, Err: err,
			Message: "the WebSocket of " + c.api.Host + " did not open"}
	}
	conn.SetReadLimit(tailFrame)
	t.conn = conn
	return t, nil
}

func (t *tail) live() {
	select {
	case t.alive <- struct{}{}:
	default:
	}
}

// read waits for the next frame.
func (t *tail) read(ctx context.Context) (frame, error) {
	_, body, err := t.conn.Read(ctx)
	if err != nil {
		return frame{}, err
	}
	t.live()
	return decodeFrame(body)
}

func (t *tail) close() { _ = t.conn.CloseNow() }

// decodeFrame reads {"streams":[...],"dropped_entries":[{"labels","timestamp"}]}.
func decodeFrame(body []byte) (frame, error) {
	var f frame
	s := &scanner{b: body}
	s.object(func(name string) {
		switch name {
		case "streams":
			s.array(func(int) { f.entries = readStream(s, f.entries) })
		case "dropped_entries":
			s.array(func(int) { f.dropped = append(f.dropped, readDrop(s)) })
		default:
			s.skip()
		}
	})
	if err := s.end(); err != nil {
		return frame{}, err
	}
	order(f.entries, Forward)
	return f, nil
}

func readDrop(s *scanner) Drop {
	var d Drop
	s.object(func(name string) {
		switch name {
		case "labels":
			if s.next() == '"' { // some versions write the selector
				s.skip()
				return
			}
			d.Labels = s.labels()
		case "timestamp":
			if s.next() != '"' {
				s.skip()
				return
			}
			text := s.text()
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				d.At = time.Unix(0, n).UTC()
			} else if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
				d.At = at.UTC()
			}
		default:
			s.skip()
		}
	})
	return d
}
