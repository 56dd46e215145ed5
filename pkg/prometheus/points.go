package prometheus

import (
	"bytes"
	"fmt"
	"strconv"
)

// points decodes [[seconds,"value"],...] in one pass with one allocation: a range
// of 50 series holds half a million of them. encoding/json has checked the
// syntax before it calls UnmarshalJSON, so only the shape is in question here.
type points []Point

func (p *points) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*p = nil
		return nil
	}
	out := make(points, 0, bytes.Count(b, []byte{'['}))
	rest := bytes.TrimPrefix(trimSpace(b), []byte{'['})
	for {
		rest = bytes.TrimLeft(trimSpace(rest), ",")
		rest = trimSpace(rest)
		if len(rest) > 0 && rest[0] == ']' {
			*p = out
			return nil
		}
		end := bytes.IndexByte(rest, ']')
		if len(rest) == 0 || rest[0] != '[' || end < 0 {
			return fmt.Errorf("values are not [[time,\"value\"],...]")
		}
		at, value, ok := bytes.Cut(rest[1:end], []byte{','})
		if !ok {
			return fmt.Errorf("point %s is not [time,\"value\"]", rest[:end+1])
		}
		var s Seconds
		if err := s.UnmarshalJSON(trimSpace(at)); err != nil {
			return err
		}
		v, err := strconv.ParseFloat(string(bytes.Trim(trimSpace(value), `"`)), 64)
		if err != nil {
			return fmt.Errorf("value %s is not a number: %w", value, err)
		}
		out = append(out, Point{MS: int64(s), Value: v})
		rest = rest[end+1:]
	}
}

func trimSpace(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }
