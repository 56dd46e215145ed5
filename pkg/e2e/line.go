package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	blockSize = 256 << 10 // what is read at once
	// keepHead and keepTail are what is kept of a line that does not fit a block.
	keepHead = 64 << 10
	keepTail = 4 << 10
)

// Line is one line of a console.
type Line struct {
	Number int    // 1-based
	Offset int64  // of its first byte in the text
	Raw    []byte // without its line end; valid until the next line
	Plain  bool   // holds neither ESC nor CR, so that it needs no cleaning
	Cut    int64  // bytes that are not in Raw, from a line beyond 256 KiB
}

// Lines reads lines of any length in bounded memory.
type Lines struct {
	r          io.Reader
	buf        []byte
	start, end int   // unread part of buf
	offset     int64 // of buf[start]
	number     int
	plain      bool // of all that is in buf
	err        error
}

// NewLines reads from r.
func NewLines(r io.Reader) *Lines { return &Lines{r: r, buf: make([]byte, blockSize)} }

// Next returns the next line. The last one needs no line end. io.EOF ends.
func (l *Lines) Next() (Line, error) {
	scanned := l.start
	for {
		if i := bytes.IndexByte(l.buf[scanned:l.end], '\n'); i >= 0 {
			return l.take(scanned+i, 1), nil
		}
		scanned = l.end
		if l.err != nil {
			if l.start == l.end {
				return Line{}, l.err
			}
			return l.take(l.end, 0), nil
		}
		if l.start > 0 {
			scanned -= l.start
			l.end = copy(l.buf, l.buf[l.start:l.end])
			l.start = 0
		}
		if l.end == len(l.buf) {
			return l.long()
		}
		l.fill()
	}
}

func (l *Lines) fill() {
	n, err := l.r.Read(l.buf[l.end:])
	for tries := 0; n == 0 && err == nil; tries++ {
		if tries == 100 {
			err = io.ErrNoProgress
			break
		}
		n, err = l.r.Read(l.buf[l.end:])
	}
	fresh := l.buf[l.end : l.end+n]
	plain := bytes.IndexByte(fresh, 0x1b) < 0 && bytes.IndexByte(fresh, '\r') < 0
	l.plain = plain && (l.plain || l.end == 0)
	l.end += n
	l.err = err
}

func (l *Lines) take(end, eol int) Line {
	l.number++
	line := Line{Number: l.number, Offset: l.offset, Raw: l.buf[l.start:end], Plain: l.plain}
	l.offset += int64(end - l.start + eol)
	l.start = end + eol
	return line
}

// long reads a line that fills the whole block: its head and its tail are kept.
func (l *Lines) long() (Line, error) {
	l.number++
	line := Line{Number: l.number, Offset: l.offset}
	raw := append(make([]byte, 0, keepHead+keepTail+64), l.buf[:keepHead]...)
	tail := append(make([]byte, 0, 2*keepTail), l.buf[l.end-keepTail:l.end]...)
	total := int64(l.end)
	found := false
	for !found && l.err == nil {
		l.end, l.start = 0, 0
		l.plain = false
		l.fill()
		part := l.buf[:l.end]
		if i := bytes.IndexByte(part, '\n'); i >= 0 {
			part, l.start, found = part[:i], i+1, true
		} else {
			l.start = l.end
		}
		total += int64(len(part))
		if len(part) >= keepTail {
			tail = append(tail[:0], part[len(part)-keepTail:]...)
		} else {
			tail = append(tail, part...)
			tail = append(tail[:0], tail[max(0, len(tail)-keepTail):]...)
		}
	}
	line.Cut = total - keepHead - int64(len(tail))
	raw = fmt.Appendf(raw, " [%d bytes left out] ", line.Cut)
	line.Raw = append(raw, tail...)
	l.offset += total
	if found {
		l.offset++
	}
	if l.err != nil && !errors.Is(l.err, io.EOF) && !found {
		return line, nil // the error comes with the next call
	}
	return line, nil
}
