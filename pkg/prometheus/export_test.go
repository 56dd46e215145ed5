package prometheus

import "encoding/json"

// DecodePoints runs the decoder of a series' values.
func DecodePoints(b []byte) error {
	var p points
	return json.Unmarshal(b, &p)
}
