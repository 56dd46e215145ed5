package jenkins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/balena-io/oncall/pkg/httpx"
)

// Following a log (contract section 8). The offset of the next request is
// counted from the bytes that came, with CRLF as LF: from 2.509 on the size
// header is the length of the file and says nothing about where the answer
// ended. An older controller's header is right, and its bodies cannot be
// counted, as they lack their notes.
//
// A count can be wrong: raw CRLF of a Windows agent and notes that an older
// controller took out count too few, a log that is not UTF-8 too many. So each
// request begins a little earlier, with text that was shown already, and what
// comes is matched against that before anything of it is passed on. A mismatch
// shows a drift of the count: the request is repeated from further back, and
// compared without notes. When nothing matches, the log began anew.
const (
	needleSize     = 256      // how much shown text a request asks for again
	wideNeedleSize = 4 << 10  // how much a repeated one looks for
	searchSize     = 64 << 10 // how far a drift is looked for
	// A body of this many line ends may have been cut at Jenkins' 10,000.
	fullBody = 9000
)

// stepsBack is how far before the needle the attempts at a match begin. Small
// ones come first: Jenkins' cap on lines could end an answer before the match.
var stepsBack = []int64{0, 2 << 10, 16 << 10, searchSize}

// errRestarted: the log does not go on where it was left.
var errRestarted = errors.New("the log began anew")

// errSink wraps a failure to write what was followed.
type errSink struct{ error }

func (e errSink) Unwrap() error { return e.error }

// cursor is a place in a log, and what was shown up to it.
type cursor struct {
	c      *Client
	job    JobName
	number int
	sink   io.Writer
	notes  noteFilter // in front of sink

	next  int64     // offset of the first byte that was not passed on
	exact bool      // next is the server's own word: no matching needed
	shown tailBytes // what was passed on last, as counted
	back  int       // which of stepsBack is tried
}

// polled is what one request brought.
type polled struct {
	fresh int   // bytes passed on
	ends  int   // line ends among them
	size  int64 // X-Text-Size, -1 when it is missing or not a size
	more  bool  // X-More-Data: the log may grow
}

func (c *Client) newCursor(job JobName, number int, sink io.Writer) *cursor {
	k := &cursor{c: c, job: job, number: number, shown: tailBytes{size: searchSize}, exact: true}
	k.to(sink)
	return k
}

// to changes where the text goes.
func (k *cursor) to(sink io.Writer) {
	k.sink = sink
	k.notes.w = sinkWriter{sink}
}

type sinkWriter struct{ w io.Writer }

func (s sinkWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		err = errSink{err}
	}
	return n, err
}

// seek goes to an offset, with nothing known of what stands before it.
func (k *cursor) seek(offset int64) {
	k.next, k.exact, k.back = offset, true, 0
	k.shown.reset()
	k.notes.held = k.notes.held[:0]
}

func (k *cursor) needle() []byte {
	if k.exact {
		return nil
	}
	if k.back > 0 {
		return k.shown.last(wideNeedleSize)
	}
	return k.shown.last(needleSize)
}

// poll asks for what is new and passes it on. errRestarted, when the text does
// not go on, has passed nothing on.
func (k *cursor) poll(ctx context.Context) (polled, error) {
	needle := bytes.Clone(k.needle())
	start := max(0, k.next-int64(len(needle))-stepsBack[k.back])
	p := polled{size: -1}
	s, err := k.c.http.Stream(ctx, httpx.Request{
		Op:   fmt.Sprintf("follow %s #%d", k.job, k.number),
		Path: k.job.buildPath(k.number) + "/logText/progressiveText", Query: url.Values{"start": {strconv.FormatInt(start, 10)}},
		Accept: "text/plain",
	})
	if err != nil {
		return p, err
	}
	defer func() { _ = s.Body.Close() }()
	k.c.learn(s.Header)
	p.more = s.Header.Get("X-More-Data") == "true"
	if n, err := strconv.ParseInt(s.Header.Get("X-Text-Size"), 10, 64); err == nil && n >= 0 {
		p.size = n
	}
	if k.exact && p.size >= 0 && p.size < start {
		return p, errRestarted // and what came is the log from its beginning
	}
	r := reception{k: k, p: &p, needle: needle, start: start, place: start}
	err = r.read(s.Body, !p.more)
	if errors.Is(err, errRestarted) {
		if k.back == len(stepsBack)-1 || start == 0 {
			k.back = 0
			return p, err
		}
		k.back++ // perhaps only the count is off
		return k.poll(ctx)
	}
	if !r.matched {
		if err == nil && p.size == 0 {
			return p, nil // the log file is not there yet, or for a moment
		}
		return p, err
	}
	k.back = 0
	k.next = r.place
	k.exact = false
	if err == nil && k.c.Version().sizeIsPosition() && p.size >= 0 {
		k.next, k.exact = p.size-r.held, true
	}
	return p, err
}

// reception reads one body.
type reception struct {
	k       *cursor
	p       *polled
	needle  []byte
	start   int64
	place   int64 // offset after what was passed on, by count
	head    []byte
	matched bool  // the needle was found: what follows is new
	held    int64 // 1: the body ended in a CR that is left for the next one
}

func (r *reception) read(body io.Reader, last bool) error {
	var u unfold
	in, out := make([]byte, 32<<10), make([]byte, 0, 33<<10)
	r.matched = len(r.needle) == 0
	for {
		n, err := body.Read(in)
		out = u.next(in[:n], out)
		if werr := r.take(out, false); werr != nil {
			return werr
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			return err // cut: what came before counts
		}
		if u.held && last {
			if werr := r.take([]byte{'\r'}, false); werr != nil {
				return werr
			}
		} else if u.held {
			r.held = 1
		}
		return r.take(nil, true)
	}
}

// take matches what comes against the needle and passes on the rest.
func (r *reception) take(p []byte, end bool) error {
	if r.matched {
		return r.pass(p)
	}
	r.head = append(r.head, p...)
	if len(r.head) < len(r.needle) && !end {
		return nil
	}
	if r.k.back == 0 && bytes.HasPrefix(r.head, r.needle) {
		return r.found(len(r.needle))
	}
	if len(r.head) < 2*searchSize+len(r.needle) && !end {
		return nil
	}
	if len(r.head) == 0 && r.p.size == 0 {
		return nil
	}
	// Asked for more than there is, Jenkins sends the log from its beginning,
	// in which the same text may stand.
	fromStart := r.p.size >= 0 && r.p.size < r.start
	if i := endOfMatch(r.head, r.needle); i >= 0 && !fromStart {
		return r.found(i)
	}
	return errRestarted
}

// found goes on behind the first n bytes.
func (r *reception) found(n int) error {
	r.matched = true
	r.place += int64(n)
	return r.pass(r.head[n:])
}

// endOfMatch finds the first place in text that reads like needle, notes aside,
// and returns where it ends, or -1. A needle may end inside a note.
func endOfMatch(text, needle []byte) int {
	open := openNote(needle)
	plain, at := stripNotes(text)
	want, _ := stripNotes(needle[:open])
	i := bytes.Index(plain, want)
	if i < 0 || len(want) == 0 {
		return -1
	}
	end := at[i+len(want)-1] + 1
	if !bytes.HasPrefix(text[end:], needle[open:]) {
		return -1
	}
	return end + len(needle) - open
}

// openNote returns where a note begins that b does not hold whole, len(b) for
// none.
func openNote(b []byte) int {
	if i := bytes.LastIndex(b, notePreamble); i >= 0 && !bytes.Contains(b[i:], notePostamble) {
		return i
	}
	if i := bytes.LastIndexByte(b, notePreamble[0]); i >= 0 && bytes.HasPrefix(notePreamble, b[i:]) {
		return i
	}
	return len(b)
}

func (r *reception) pass(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	r.place += int64(len(p))
	r.p.fresh += len(p)
	r.p.ends += bytes.Count(p, []byte{'\n'}) + bytes.Count(p, []byte{'\r'})
	r.k.shown.add(p)
	_, err := r.k.notes.Write(p)
	return err
}
