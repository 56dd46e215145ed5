package ios

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// FilterOptions say how a Filter treats what it is given.
type FilterOptions struct {
	// Color lets SGR sequences (colours) pass; they are dropped without it.
	Color bool
	// Raw lets every byte pass as it is.
	Raw bool
}

// Filter makes a stream of somebody else's bytes safe for a terminal. See
// NewFilter.
type Filter struct {
	w      io.Writer
	opts   FilterOptions
	held   []byte // begin of a sequence that the next Write may complete, at most maxHeld
	join   []byte
	out    []byte
	styled bool // a colour was let through and not reset
}

const (
	// maxSGR is the length of the longest colour sequence that counts as one; a
	// longer one is text with a visible ESC.
	maxSGR = 64
	// maxHeld bounds what waits for the next Write: less than a full sequence.
	maxHeld = maxSGR
	// outSize is when collected output is handed on.
	outSize = 32 << 10
	// directRun is the length from which a clean run is written without a copy.
	directRun = 4 << 10
)

// NewFilter returns a writer that hands on to w what may reach a terminal:
// text, newlines, tabs and, when opts.Color is set, SGR sequences other than
// "conceal". Every other control, escape, bidi or invisible character and
// every byte that is not UTF-8 is written out as by VisibleBlock; CR before a
// newline is dropped. Sequences may be split over Writes. Memory is bounded
// whatever the length of lines. A Filter is for one goroutine; Close it at the
// end to get what is held back.
func NewFilter(w io.Writer, opts FilterOptions) *Filter { return &Filter{w: w, opts: opts} }

// FilterText is what a Filter makes of a whole text.
func FilterText(text string, opts FilterOptions) string {
	if opts.Raw || firstHidden(text, true) < 0 {
		return text
	}
	var b strings.Builder
	f := NewFilter(&b, opts)
	// A strings.Builder does not fail.
	_, _ = f.Write([]byte(text))
	_ = f.Close()
	return b.String()
}

// Write hands on what is safe of p. The error is that of the writer below; how
// much of p it has seen is then unknown.
func (f *Filter) Write(p []byte) (int, error) {
	if f.opts.Raw {
		return f.w.Write(p)
	}
	size := len(p)
	if len(f.held) > 0 {
		// Enough of p to settle what is held; maxHeld more bytes always do.
		f.join = append(append(f.join[:0], f.held...), p[:min(len(p), 2*maxHeld)]...)
		n, err := f.pass(f.join, false)
		if err != nil {
			return 0, err
		}
		if n < len(f.held) {
			f.held = append(f.held[:0], f.join[n:]...)
			return size, f.flush()
		}
		p = p[n-len(f.held):]
		f.held = f.held[:0]
	}
	n, err := f.pass(p, false)
	if err != nil {
		return 0, err
	}
	f.held = append(f.held[:0], p[n:]...)
	if err := f.flush(); err != nil {
		return 0, err
	}
	return size, nil
}

// Close writes what was held back and ends a colour that is still on. It does
// not close the writer below.
func (f *Filter) Close() error {
	if len(f.held) > 0 {
		held := f.held
		f.held = nil
		if _, err := f.pass(held, true); err != nil {
			return err
		}
	}
	if f.styled {
		f.styled = false
		f.out = append(f.out, "\x1b[0m"...)
	}
	return f.flush()
}

// pass handles data up to a sequence that may go on after its end, and returns
// how far that is. With last set nothing goes on and all of it is handled.
func (f *Filter) pass(data []byte, last bool) (int, error) {
	for i := 0; i < len(data); {
		n := cleanRun(data[i:])
		if err := f.emit(data[i : i+n]); err != nil {
			return i, err
		}
		if i += n; i == len(data) {
			break
		}
		size := 1
		switch c := data[i]; {
		case c == 0x1b:
			end, open := sgrEnd(data[i:])
			if open && !last {
				return i, nil
			}
			if end == 0 {
				f.out = append(f.out, `\x1b`...)
				break
			}
			size = end
			f.sgr(data[i : i+end])
		case c == '\r':
			if i+1 == len(data) && !last {
				return i, nil
			}
			if i+1 == len(data) || data[i+1] != '\n' {
				f.out = append(f.out, `\r`...)
			}
		case c < utf8.RuneSelf:
			f.out = append(f.out, escaped(rune(c))...)
		default:
			if !last && !utf8.FullRune(data[i:]) {
				return i, nil
			}
			size = f.rune(data[i:])
		}
		i += size
	}
	return len(data), nil
}

// rune handles the character that data begins with and returns its length.
func (f *Filter) rune(data []byte) int {
	r, n := utf8.DecodeRune(data)
	switch {
	case r == utf8.RuneError && n == 1:
		f.out = fmt.Appendf(f.out, `\x%02x`, data[0])
	case Hidden(r):
		f.out = append(f.out, escaped(r)...)
	default:
		f.out = append(f.out, data[:n]...)
	}
	return n
}

// sgr handles a whole colour sequence.
func (f *Filter) sgr(seq []byte) {
	params := seq[2 : len(seq)-1]
	switch {
	case !f.opts.Color:
	case conceals(params):
		f.out = append(append(f.out, `\x1b`...), seq[1:]...)
	default:
		f.out = append(f.out, seq...)
		f.styled = !(len(params) == 0 || bytes.Equal(params, []byte("0")) || bytes.HasSuffix(params, []byte(";0")))
	}
}

func (f *Filter) emit(run []byte) error {
	if len(run) < directRun {
		f.out = append(f.out, run...)
		if len(f.out) < outSize {
			return nil
		}
		return f.flush()
	}
	if err := f.flush(); err != nil {
		return err
	}
	_, err := f.w.Write(run)
	return err
}

func (f *Filter) flush() error {
	if len(f.out) == 0 {
		return nil
	}
	_, err := f.w.Write(f.out)
	f.out = f.out[:0]
	return err
}

// sgrEnd returns the length of the SGR sequence data begins with, 0 when it is
// none; open tells that data ends before that can be said.
func sgrEnd(data []byte) (end int, open bool) {
	if len(data) == 1 {
		return 0, true
	}
	if data[1] != '[' {
		return 0, false
	}
	for i := 2; i < maxSGR; i++ {
		switch {
		case i == len(data):
			return 0, true
		case data[i] == 'm':
			return i + 1, false
		case data[i] >= '0' && data[i] <= ';': // digits, ':' and ';'
		default:
			return 0, false
		}
	}
	return 0, false
}

// conceals tells whether SGR parameters switch on "conceal" (8), which hides
// text instead of colouring it. The arguments of 38, 48 and 58 are colours.
func conceals(params []byte) bool {
	fields := bytes.Split(params, []byte(";"))
	for i := 0; i < len(fields); i++ {
		switch string(bytes.TrimLeft(fields[i], "0")) {
		case "8":
			return true
		case "38", "48", "58":
			if i+1 < len(fields) {
				switch string(fields[i+1]) {
				case "5":
					i += 2
				case "2":
					i += 4
				}
			}
		}
	}
	return false
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// cleanRun is the length of the printable ASCII, newlines and tabs that data
// begins with. It looks at eight bytes at a time: a word that may hold anything
// else is looked at byte by byte.
func cleanRun(data []byte) int {
	i := 0
	for ; i+64 <= len(data); i += 64 {
		d := (*[64]byte)(data[i:])
		w := binary.LittleEndian
		if (suspect(w.Uint64(d[0:]))|suspect(w.Uint64(d[8:]))|suspect(w.Uint64(d[16:]))|suspect(w.Uint64(d[24:]))|
			suspect(w.Uint64(d[32:]))|suspect(w.Uint64(d[40:]))|suspect(w.Uint64(d[48:]))|suspect(w.Uint64(d[56:])))&highs != 0 {
			break
		}
	}
	for ; i < len(data); i++ {
		if i+8 <= len(data) && suspect(binary.LittleEndian.Uint64(data[i:]))&highs == 0 {
			i += 7
			continue
		}
		if !plain[data[i]] {
			return i
		}
	}
	return i
}

// suspect has the high bit of each byte of x set that is no printable ASCII and
// no newline. No byte carries into its neighbour.
func suspect(x uint64) uint64 {
	low := x & (0x7f * ones)
	return x | (low + ones) | ^(low+0x60*ones)&(low^'\n'*ones+0x7f*ones)
}

// plain are the bytes that always pass.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = true
	}
	t['\n'], t['\t'] = true, true
	return t
}()
