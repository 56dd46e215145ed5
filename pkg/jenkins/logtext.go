package jenkins

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// unfold turns the CRLF of a progressive answer back into LF, piece by piece. A
// CR at the end of a piece waits for what follows.
type unfold struct{ held bool }

// next returns p with every CRLF as LF, in a buffer that is valid until the
// next call.
func (u *unfold) next(p, buf []byte) []byte {
	out := buf[:0]
	if u.held && len(p) > 0 {
		if p[0] != '\n' {
			out = append(out, '\r')
		}
		u.held = false
	}
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\r')
		if i < 0 {
			return append(out, p...)
		}
		out = append(out, p[:i]...)
		switch {
		case i+1 == len(p):
			u.held = true
		case p[i+1] != '\n':
			out = append(out, '\r')
		}
		p = p[i+1:]
	}
	return out
}

// Console notes (contract section 8): markup that plugins hide in a log,
// ESC[8mha:BASE64ESC[0m, never across a line end.
var (
	notePreamble  = []byte("\x1b[8mha:")
	notePostamble = []byte("\x1b[0m")
)

// maxNote is the length up to which a note may be one; real ones are a few KiB.
const maxNote = 256 << 10

// noteFilter removes console notes from what passes through to w. A preamble
// without an end on its line is no note and stays.
type noteFilter struct {
	w    io.Writer
	held []byte // the beginning of what may be a note
}

func (f *noteFilter) Write(p []byte) (int, error) {
	n := len(p)
	if len(f.held) > 0 {
		f.held = append(f.held, p...)
		p = f.held
	}
	rest, err := f.pass(p)
	f.held = append(f.held[:0], rest...)
	return n, err
}

// pass writes p without its notes, up to what may be the beginning of one.
func (f *noteFilter) pass(p []byte) (rest []byte, err error) {
	for len(p) > 0 {
		i := noteStart(p)
		if i < 0 {
			_, err = f.w.Write(p)
			return nil, err
		}
		if i > 0 {
			if _, err = f.w.Write(p[:i]); err != nil {
				return nil, err
			}
			p = p[i:]
		}
		if len(p) < len(notePreamble) {
			return p, nil
		}
		end := bytes.Index(p, notePostamble)
		eol := bytes.IndexByte(p, '\n')
		switch {
		case end >= 0 && (eol < 0 || end < eol):
			p = p[end+len(notePostamble):]
		case eol < 0 && len(p) < maxNote:
			return p, nil
		default: // no end: text after all
			if _, err = f.w.Write(p[:len(notePreamble)]); err != nil {
				return nil, err
			}
			p = p[len(notePreamble):]
		}
	}
	return nil, nil
}

// noteStart finds a preamble, or the beginning of one at the end of p.
func noteStart(p []byte) int {
	from := 0
	for {
		i := bytes.IndexByte(p[from:], notePreamble[0])
		if i < 0 {
			return -1
		}
		i += from
		if tail := p[i:]; bytes.HasPrefix(tail, notePreamble) || len(tail) < len(notePreamble) && bytes.HasPrefix(notePreamble, tail) {
			return i
		}
		from = i + 1
	}
}

// stripNotes returns b without its notes, and where each byte of that stood.
func stripNotes(b []byte) (plain []byte, at []int) {
	plain, at = make([]byte, 0, len(b)), make([]int, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == notePreamble[0] && bytes.HasPrefix(b[i:], notePreamble) {
			end := bytes.Index(b[i:], notePostamble)
			eol := bytes.IndexByte(b[i:], '\n')
			if end >= 0 && (eol < 0 || end < eol) {
				i += end + len(notePostamble) - 1
				continue
			}
		}
		plain, at = append(plain, b[i]), append(at, i)
	}
	return plain, at
}

// flush writes what was held back.
func (f *noteFilter) flush() error {
	if len(f.held) == 0 {
		return nil
	}
	_, err := f.w.Write(f.held)
	f.held = f.held[:0]
	return err
}

// tailBytes remembers the last bytes of what was added.
type tailBytes struct {
	buf  []byte
	size int
}

func (t *tailBytes) add(p []byte) {
	if len(p) >= t.size {
		t.buf = append(t.buf[:0], p[len(p)-t.size:]...)
		return
	}
	if len(t.buf)+len(p) > 2*t.size { // moved only now and then
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-t.size:]...)
	}
	t.buf = append(t.buf, p...)
}

func (t *tailBytes) reset() { t.buf = t.buf[:0] }

// last returns up to n of the last bytes, beginning at a line where one begins
// among them, else at a character.
func (t *tailBytes) last(n int) []byte {
	b := t.buf[max(0, len(t.buf)-n):]
	if len(b) < len(t.buf) {
		if i := bytes.IndexByte(b, '\n'); i >= 0 && i+1 < len(b) {
			return b[i+1:]
		}
		for len(b) > 0 && !utf8.RuneStart(b[0]) {
			b = b[1:]
		}
	}
	return b
}
