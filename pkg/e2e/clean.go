package e2e

import "bytes"

// Clean returns a line as a person would see it on a terminal, without markup:
// console notes (ESC[8mha:...ESC[0m), CSI and OSC sequences and other controls
// go, and of a progress line what was written last stays. The result lies in
// buf or in raw itself.
func Clean(raw, buf []byte) []byte {
	if bytes.IndexByte(raw, 0x1b) < 0 && bytes.IndexByte(raw, '\r') < 0 {
		return raw
	}
	raw = bytes.TrimRight(raw, "\r")
	out := buf[:0]
	for i := 0; i < len(raw); {
		switch b := raw[i]; b {
		case 0x1b:
			n, home := escape(raw[i:])
			if home { // the cursor went to the first column: what follows overwrites
				out = out[:0]
			}
			i += n
		case '\r':
			out = out[:0]
			i++
		default:
			out = append(out, b)
			i++
		}
	}
	return out
}

var notePreamble, noteEnd = []byte("\x1b[8mha:"), []byte("\x1b[0m")

// escape measures the escape sequence at the beginning of b.
func escape(b []byte) (n int, home bool) {
	if len(b) < 2 {
		return len(b), false
	}
	if bytes.HasPrefix(b, notePreamble) {
		if end := bytes.Index(b, noteEnd); end >= 0 {
			return end + len(noteEnd), false
		}
	}
	switch b[1] {
	case '[': // CSI: parameters, intermediates, one final byte
		for i := 2; i < len(b); i++ {
			if ch := b[i]; ch >= 0x40 && ch <= 0x7e {
				first := ch == 'G' && (i == 2 || i == 3 && b[2] == '1')
				return i + 1, first
			} else if ch < 0x20 || ch > 0x7e {
				return i, false // broken off
			}
		}
		return len(b), false
	case ']', 'P', '_', '^', 'X': // strings, ended by BEL or ESC \
		for i := 2; i < len(b); i++ {
			if b[i] == 0x07 {
				return i + 1, false
			}
			if b[i] == 0x1b && i+1 < len(b) && b[i+1] == '\\' {
				return i + 2, false
			}
		}
		return 2, false // no end: only the introducer goes
	}
	return 2, false
}

// withoutNotes cuts console notes off the beginning of b.
func withoutNotes(b []byte) []byte {
	for bytes.HasPrefix(b, notePreamble) {
		end := bytes.Index(b, noteEnd)
		if end < 0 {
			return b
		}
		b = b[end+len(noteEnd):]
	}
	return b
}

// withoutTime drops what is put in front of lines and is not of the tests:
// "[2026-11-22T05:00:00.123Z] " and "05:00:00 ".
func withoutTime(b []byte) []byte {
	if len(b) >= 27 && b[0] == '[' && b[5] == '-' && b[11] == 'T' && b[20] == '.' && b[24] == 'Z' && b[25] == ']' && b[26] == ' ' {
		return b[27:]
	}
	if len(b) >= 9 && b[2] == ':' && b[5] == ':' && b[8] == ' ' && digit(b[0]) && digit(b[1]) && digit(b[3]) && digit(b[4]) && digit(b[6]) && digit(b[7]) {
		if b = b[9:]; len(b) > 1 && b[0] == ' ' && b[1] == '[' {
			return b[1:] // the Timestamper plugin puts two blanks in front of a stage's or a branch's mark too
		}
		return b
	}
	return b
}

func digit(ch byte) bool { return '0' <= ch && ch <= '9' }
