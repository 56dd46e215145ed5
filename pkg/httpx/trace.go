package httpx

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// tracedBody is how much of a body -vv shows.
const tracedBody = 4 << 10

// traceMu keeps the lines of parallel requests whole.
var traceMu sync.Mutex

// tracing prints one attempt.
type tracing struct {
	c     *Client
	cl    *call
	u     *url.URL
	n     int
	start time.Time
}

func (t tracing) level() int {
	if t.c.cfg.Trace.W == nil {
		return 0
	}
	return t.c.cfg.Trace.Level
}

func (t tracing) request(req *http.Request) {
	if t.level() < 2 {
		return
	}
	lines := []string{"> " + req.Method + " " + t.c.maskedURL(t.u)}
	for _, h := range t.c.maskedHeader(req.Header) {
		lines = append(lines, "> "+h)
	}
	t.write(append(lines, t.body("> ", t.cl.body)...))
}

func (t tracing) answered(res *http.Response, body []byte) {
	if t.level() < 1 {
		return
	}
	took := time.Since(t.start).Round(time.Millisecond)
	what := size(int64(len(body)))
	if body == nil && t.cl.stream {
		what = "stream"
	}
	lines := []string{t.line(fmt.Sprintf("%d %s %s", res.StatusCode, took, what))}
	if t.level() > 1 {
		lines = append(lines, "< "+res.Proto+" "+printable(res.Status))
		for _, h := range t.c.maskedHeader(res.Header) {
			lines = append(lines, "< "+h)
		}
		lines = append(lines, t.body("< ", body)...)
	}
	t.write(lines)
}

func (t tracing) failed(e *apierr.Error) {
	if t.level() < 1 {
		return
	}
	t.write([]string{t.line(time.Since(t.start).Round(time.Millisecond).String() + " " + e.Message)})
}

func (t tracing) line(what string) string {
	s := t.cl.r.Method + " " + t.c.maskedURL(t.u) + " " + what
	if t.n > 1 {
		s += fmt.Sprintf(" (attempt %d)", t.n)
	}
	return s
}

func (t tracing) body(prefix string, body []byte) []string {
	if len(body) == 0 {
		return nil
	}
	if !looksLikeText(string(body[:min(len(body), 512)])) {
		return []string{prefix + "(" + size(int64(len(body))) + " that are no text)"}
	}
	// Masked first: a secret at the cut would no longer be known as one.
	text := t.c.maskedBody(body[:min(len(body), 4*tracedBody)])
	if len(text) > tracedBody {
		text = strings.ToValidUTF8(text[:tracedBody], "") + fmt.Sprintf("\n... %s in all", size(int64(len(body))))
	}
	var out []string
	for l := range strings.Lines(printable(text)) {
		out = append(out, prefix+strings.TrimRight(l, "\n"))
	}
	return out
}

func (t tracing) write(lines []string) {
	traceMu.Lock()
	defer traceMu.Unlock()
	fmt.Fprintln(t.c.cfg.Trace.W, strings.Join(lines, "\n"))
}
