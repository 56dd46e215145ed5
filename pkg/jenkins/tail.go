package jenkins

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Tail writes the last lines of a console as it stands now, reading no more of
// the log than they need where the controller's version allows that.
func (c *Client) Tail(ctx context.Context, job JobName, number, lines int, w io.Writer) error {
	b, err := c.Build(ctx, job, number)
	if err != nil {
		return err
	}
	k := c.newCursor(job, number, w)
	if err := c.tail(ctx, k, b, lines); err != nil {
		return unsink(err)
	}
	return unsink(k.notes.flush())
}

const (
	tailWindow = 64 << 10 // bytes of the first guess
	tailMost   = 16 << 20 // beyond that the whole log is read instead
	// maxTailLine is what is kept of a line of a tail; the rest is counted.
	maxTailLine = 1 << 20
)

// tail brings k behind the log's present end and writes the last lines to its
// sink.
func (c *Client) tail(ctx context.Context, k *cursor, b Build, lines int) error {
	if lines <= 0 {
		return fail(apierr.ErrUsage, fmt.Sprintf("tail of %s #%d", b.Job, b.Number), "at least one line, not %d", lines)
	}
	sink := k.sink
	defer k.to(sink)
	if b.Finished() && c.Version().hasMultipartLog() {
		done, err := c.tailParts(ctx, k, lines)
		if done || err != nil {
			return err
		}
	}
	if c.Version().sizeIsFileLength() || !c.Version().Known() {
		done, err := c.tailWindow(ctx, k, b, lines)
		if done || err != nil {
			return err
		}
	}
	ring := newLastLines(lines)
	k.to(ring)
	if b.Finished() {
		body, err := c.Console(ctx, b.Job, b.Number)
		if err != nil {
			return err
		}
		defer func() { _ = body.Close() }()
		if _, err := io.Copy(ring, body); err != nil {
			return err
		}
	} else {
		k.seek(0)
		if err := k.catchUp(ctx); err != nil {
			return err
		}
	}
	return ring.writeTo(sinkWriter{sink})
}

// tailWindow reads the size of the log, and then a window at its end, wider
// until it holds enough lines.
func (c *Client) tailWindow(ctx context.Context, k *cursor, b Build, lines int) (bool, error) {
	size, err := k.size(ctx)
	if err != nil {
		return false, err
	}
	for window := int64(tailWindow); size > 0 && window <= tailMost; window *= 4 {
		start := max(0, size-window)
		ring := newLastLines(lines)
		ring.partial = start > 0
		sink := k.sink
		k.to(ring)
		k.seek(start)
		err := k.catchUp(ctx)
		k.to(sink)
		if errors.Is(err, errRestarted) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if start == 0 || ring.full() {
			return true, ring.writeTo(sinkWriter{sink})
		}
	}
	return size == 0, nil
}

// size asks for the log and drops the connection once its length is known.
func (k *cursor) size(ctx context.Context) (int64, error) {
	s, err := k.c.http.Stream(ctx, httpx.Request{
		Op:     fmt.Sprintf("size of the log of %s #%d", k.job, k.number),
		Path:   k.job.buildPath(k.number) + "/logText/progressiveText",
		Query:  url.Values{"start": {"0"}},
		Accept: "text/plain",
	})
	if err != nil {
		return 0, err
	}
	_ = s.Body.Close()
	k.c.learn(s.Header)
	n, err := strconv.ParseInt(s.Header.Get("X-Text-Size"), 10, 64)
	if err != nil {
		return -1, nil
	}
	return n, nil
}

// catchUp polls until what is left is at most an unfinished line.
func (k *cursor) catchUp(ctx context.Context) error {
	for {
		p, err := k.poll(ctx)
		if err != nil {
			return err
		}
		if p.fresh == 0 || !p.more || p.ends < fullBody && p.size-k.next <= searchSize {
			return nil
		}
	}
}

// tailParts asks for the end of a finished log in the form of multipart
// answers (2.534 and later), which begin at a line.
func (c *Client) tailParts(ctx context.Context, k *cursor, lines int) (bool, error) {
	for window := int64(tailWindow); window <= tailMost; window *= 4 {
		text, meta, err := c.logPart(ctx, k.job, k.number, -window)
		if err != nil {
			if away(err) || is(err, http.StatusNotFound) {
				return false, err
			}
			return false, nil // a controller that does it otherwise: the older ways remain
		}
		ring := newLastLines(lines)
		_, _ = ring.Write(text)
		if meta.Start > 0 && !ring.full() {
			continue
		}
		return true, ring.writeTo(sinkWriter{k.sink})
	}
	return false, nil
}

type partMeta struct {
	Completed bool  `json:"completed"`
	Start     int64 `json:"start"`
	End       int64 `json:"end"`
}

var errNoParts = errors.New("no multipart log")

func (c *Client) logPart(ctx context.Context, job JobName, number int, start int64) ([]byte, partMeta, error) {
	var meta partMeta
	s, err := c.http.Stream(ctx, httpx.Request{
		Op: fmt.Sprintf("tail of %s #%d", job, number), Path: job.buildPath(number) + "/logText/progressiveText",
		Query: url.Values{"start": {strconv.FormatInt(start, 10)}}, Accept: "multipart/form-data", MaxBody: 2*tailMost + 1<<20,
	})
	if err != nil {
		return nil, meta, err
	}
	defer func() { _ = s.Body.Close() }()
	kind, params, err := mime.ParseMediaType(s.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return nil, meta, errNoParts
	}
	parts := multipart.NewReader(s.Body, params["boundary"])
	text, err := nextPart(parts)
	if err != nil {
		return nil, meta, err
	}
	raw, err := nextPart(parts)
	if err != nil {
		return nil, meta, err
	}
	if err := json.Unmarshal(raw, &meta); err != nil {
		return nil, meta, errNoParts
	}
	return text, meta, nil
}

func nextPart(r *multipart.Reader) ([]byte, error) {
	p, err := r.NextPart()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(p)
}

// lastLines keeps the last lines of what is written to it.
type lastLines struct {
	most    int      // how many lines
	lines   [][]byte // a ring once it holds that many
	count   int      // lines begun in all
	open    bool     // the newest line has no end yet
	partial bool     // what is written begins inside a line, which is dropped
	left    int64    // bytes of the newest line that were not kept
}

func newLastLines(n int) *lastLines { return &lastLines{most: n} }

// full reports whether there are as many lines as were asked for.
func (l *lastLines) full() bool { return l.count >= l.most }

func (l *lastLines) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		line, rest := p, []byte(nil)
		i := bytes.IndexByte(p, '\n')
		if i >= 0 {
			line, rest = p[:i+1], p[i+1:]
		}
		if l.partial {
			l.partial = i < 0
		} else {
			l.add(line, i >= 0)
		}
		p = rest
	}
	return n, nil
}

func (l *lastLines) add(text []byte, ends bool) {
	if !l.open {
		l.count++
		l.left = 0
		if len(l.lines) < l.most {
			l.lines = append(l.lines, nil)
		}
		*l.newest() = (*l.newest())[:0]
	}
	line := l.newest()
	keep := min(len(text), max(0, maxTailLine-len(*line)))
	*line = append(*line, text[:keep]...)
	l.left += int64(len(text) - keep)
	l.open = !ends
	if ends && l.left > 0 {
		*line = fmt.Appendf(*line, " [%d bytes of this line left out]\n", l.left-1)
	}
}

func (l *lastLines) newest() *[]byte { return &l.lines[(l.count-1)%l.most] }

func (l *lastLines) writeTo(w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	for i := max(0, l.count-l.most); i < l.count; i++ {
		if _, err := b.Write(l.lines[i%l.most]); err != nil {
			return err
		}
	}
	return b.Flush()
}
