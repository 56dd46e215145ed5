package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What Jenkins makes of a log file on the way to a client (contract section 8).

// jenkinsMaxLines is how many line ends an answer about a running build holds.
const jenkinsMaxLines = 10_000

// jenkinsMinor returns the minor version, a large number when it is unknown.
func (q JenkinsQuirks) jenkinsMinor() int {
	v := q.Version
	if v == "" {
		v = DefaultJenkins
	}
	parts := strings.Split(v, ".")
	if len(parts) < 2 {
		return 1 << 20
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return 1 << 20
	}
	return n
}

func (j *jenkinsServer) progressive(rw http.ResponseWriter, r *http.Request, l look, job *jenkinsJob, b *jenkinsBuild) {
	minor := l.j.Quirks.jenkinsMinor()
	start, err := strconv.ParseInt(r.URL.Query().Get("start"), 10, 64)
	if r.URL.Query().Get("start") == "" {
		start, err = 0, nil
	}
	parts := minor >= 534 && r.Header.Get("Accept") == "multipart/form-data"
	if err != nil || start < 0 && !parts {
		jenkinsOops(rw)
		return
	}
	if b.Story == storyHuge {
		j.hugeProgressive(rw, start, b)
		return
	}
	raw, done := j.raw(l, job, b)
	if parts {
		logParts(rw, raw, done, start)
		return
	}
	if start > int64(len(raw)) {
		start = 0
	}
	body := raw[start:]
	if !done {
		body = upToLineEnd(body, l.j.Quirks.LineCap)
	}
	size := len(raw)
	if minor < 509 {
		size = int(start) + len(body)
		body = withoutNotes(body)
	}
	rw.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	rw.Header().Set("X-Text-Size", strconv.Itoa(size))
	if !done {
		rw.Header().Set("X-More-Data", "true")
	}
	_, _ = rw.Write(withCRLF(body))
}

// upToLineEnd cuts an unfinished log at its last line end, or at the cap.
func upToLineEnd(b []byte, most int) []byte {
	if most == 0 {
		most = jenkinsMaxLines
	}
	last := 0
	for i, ch := range b {
		if ch == '\n' || ch == '\r' {
			last = i + 1
			if most--; most == 0 {
				break
			}
		}
	}
	return b[:last]
}

// withCRLF turns every lone LF into CRLF.
func withCRLF(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/40)
	for i, ch := range b {
		if ch == '\n' && (i == 0 || b[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, ch)
	}
	return out
}

// withoutNotes drops ESC[8mha:...ESC[0m.
func withoutNotes(b []byte) []byte {
	begin, end := []byte("\x1b[8mha:"), []byte("\x1b[0m")
	var out []byte
	for {
		i := bytes.Index(b, begin)
		if i < 0 {
			break
		}
		n := bytes.Index(b[i:], end)
		if n < 0 {
			break
		}
		out = append(out, b[:i]...)
		b = b[i+n+len(end):]
	}
	return append(out, b...)
}

// logParts is the multipart form of 2.534 and later.
func logParts(rw http.ResponseWriter, raw []byte, done bool, start int64) {
	if start < 0 {
		start = max(0, int64(len(raw))+start)
		if i := bytes.IndexByte(raw[start:], '\n'); start > 0 && i >= 0 {
			start += int64(i) + 1
		}
	}
	start = min(start, int64(len(raw)))
	meta, _ := json.Marshal(obj{"completed": done, "start": start, "end": len(raw), "startFromNewLine": true})
	const boundary = "demo-boundary"
	rw.Header().Set("Content-Type", "multipart/form-data;boundary="+boundary)
	_, _ = fmt.Fprintf(rw, "--%s\r\nContent-Disposition: form-data;name=text\r\nContent-Type: text/plain;charset=utf-8\r\n\r\n", boundary)
	_, _ = rw.Write(withoutNotes(raw[start:]))
	_, _ = fmt.Fprintf(rw, "\r\n--%s\r\nContent-Disposition: form-data;name=meta\r\nContent-Type: application/json;charset=utf-8\r\n\r\n%s\r\n--%s--\r\n", boundary, meta, boundary)
}

func (j *jenkinsServer) consoleText(rw http.ResponseWriter, l look, job *jenkinsJob, b *jenkinsBuild) {
	rw.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	if b.Story == storyHuge {
		hugeConsole(rw, b, 0)
		return
	}
	raw, _ := j.raw(l, job, b)
	_, _ = rw.Write(withoutNotes(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))))
}

// timestamps is the Timestamper plugin's: a time and two blanks in front of each
// line.
func (j *jenkinsServer) timestamps(rw http.ResponseWriter, r *http.Request, l look, job *jenkinsJob, b *jenkinsBuild) {
	raw, _ := j.raw(l, job, b)
	lines := bytes.SplitAfter(withoutNotes(raw), []byte("\n"))
	if n := len(lines); n > 0 && len(lines[n-1]) == 0 {
		lines = lines[:n-1]
	}
	first, _ := strconv.Atoi(r.URL.Query().Get("startLine"))
	if first < 0 {
		first = len(lines) + first + 1
	}
	took := b.End.Sub(b.Start)
	rw.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	for i := max(0, first-1); i < len(lines); i++ {
		at := b.Start.Add(took * time.Duration(i) / time.Duration(len(lines)))
		_, _ = fmt.Fprintf(rw, "%s  ", at.Format("15:04:05"))
		_, _ = rw.Write(lines[i])
	}
}

// hugeBlock is one MiB of a console, of whole lines.
var hugeBlock = sync.OnceValue(func() []byte {
	w := &consoleWriter{}
	for w.Len() < 1<<20 {
		w.noise(w.lines + 400)
		w.say("%-70s| PASS |", fmt.Sprintf("Step number %d", w.lines))
		w.rule("-")
	}
	b := w.Bytes()[:1<<20]
	b[len(b)-1] = '\n'
	return b
})

// hugeHead and hugeFail are the lines that make it a Robot Framework run with a
// failure; the failure stands after seven tenths.
func hugeParts() (head, fail, tail []byte) {
	h := &consoleWriter{}
	h.say("Started by timer")
	h.rule("=")
	h.suite("E2E")
	f := &consoleWriter{}
	f.rule("-")
	f.say("%-70s| FAIL |", E2EFailedStep)
	f.say("modprobe: FATAL: Module overlay not found")
	f.rule("-")
	t := &consoleWriter{}
	t.verdict("E2E", 4000, 1)
	t.say("Output:  output.xml")
	t.say("Finished: FAILURE")
	return h.Bytes(), f.Bytes(), t.Bytes()
}

// hugeConsole streams a console of about as many MiB as the build's number.
func hugeConsole(w io.Writer, b *jenkinsBuild, skip int64) {
	head, fail, tail := hugeParts()
	block := hugeBlock()
	write := func(p []byte) bool {
		if skip >= int64(len(p)) {
			skip -= int64(len(p))
			return true
		}
		_, err := w.Write(p[skip:])
		skip = 0
		return err == nil
	}
	if !write(head) {
		return
	}
	for i := range b.Number {
		if i == b.Number*7/10 && !write(fail) || !write(block) {
			return
		}
	}
	write(tail)
}

func (j *jenkinsServer) hugeProgressive(rw http.ResponseWriter, start int64, b *jenkinsBuild) {
	head, fail, tail := hugeParts()
	size := int64(len(head)+len(fail)+len(tail)) + int64(b.Number)<<20
	if start > size {
		start = 0
	}
	rw.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	rw.Header().Set("X-Text-Size", strconv.FormatInt(size, 10))
	hugeConsole(crlfWriter{rw}, b, start)
}

type crlfWriter struct{ w io.Writer }

func (c crlfWriter) Write(p []byte) (int, error) {
	_, err := c.w.Write(withCRLF(p))
	return len(p), err
}
