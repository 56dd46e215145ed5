package heartbeat

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// ReadEnd reads the end of r, at most limit bytes, and how many bytes before it
// were left out. A file is not read from its begin for that.
func ReadEnd(r io.Reader, limit int) (end []byte, lost int64, err error) {
	limit = min(max(limit, 0), MaxTail)
	if s, ok := r.(io.Seeker); ok {
		at, err := s.Seek(0, io.SeekCurrent)
		if err == nil { // a pipe is a file too, and cannot
			size, err := s.Seek(0, io.SeekEnd)
			if err != nil {
				return nil, 0, err
			}
			lost = max(0, size-at-int64(limit))
			if _, err := s.Seek(at+lost, io.SeekStart); err != nil {
				return nil, 0, err
			}
		}
	}
	t := &tail{max: limit}
	_, err = io.Copy(keeper{t}, r)
	end, more := t.bytes()
	return end, lost + more, err
}

type keeper struct{ t *tail }

func (k keeper) Write(p []byte) (int, error) {
	k.t.keep(p)
	return len(p), nil
}

// Clip makes the end of an output fit limit, with a line that tells how much stood
// before it.
func Clip(end []byte, lost int64, limit int) []byte {
	if len(end) == 0 || limit <= 0 {
		return []byte{}
	}
	body := []byte{}
	const room = 60 // of the line, at its longest
	if lost > 0 || len(end) > limit {
		if cut := room + len(end) - limit; cut > 0 {
			cut = min(cut, len(end))
			end, lost = end[cut:], lost+int64(cut)
		}
		for len(end) > 0 && !utf8.RuneStart(end[0]) { // no half letter at the begin
			end, lost = end[1:], lost+1
		}
		body = fmt.Appendf(body, "(%d bytes before this are left out)\n", lost)
	}
	body = append(body, end...)
	return body[:min(len(body), limit)]
}
