package loki

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
