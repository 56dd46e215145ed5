package loki

import "time"

// Decode reads an answer of query or query_range.
func Decode(b []byte) (*Result, error) { return decodeResult(b) }

// DecodeFrame reads a message of a tail.
func DecodeFrame(b []byte) error {
	_, err := decodeFrame(b)
	return err
}

// ScanText reads one JSON string.
func ScanText(b []byte) (string, error) {
	s := &scanner{b: b}
	text := s.text()
	return text, s.end()
}

// Handed is what Follow remembers of the lines that it handed over.
type Handed struct{ h *handed }

func NewHanded(from time.Time) Handed { return Handed{newHanded(from, Delays{}.withDefaults())} }

// Add hands over a line that arrives at its own time.
func (h Handed) Add(at time.Time, text string) bool {
	isNew := h.h.add(Entry{NS: at.UnixNano(), Line: text, Stream: newStream(Labels{"a": "b"})})
	h.h.tidy(at)
	return isNew
}
func (h Handed) Len() int                      { return len(h.h.seen) }
func (h Handed) Deep(sure time.Time) time.Time { return time.Unix(0, h.h.deep(sure)) }
