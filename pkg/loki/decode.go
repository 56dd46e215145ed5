package loki

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// decodeResult reads the answer of query and query_range.
func decodeResult(body []byte) (*Result, error) {
	s := &scanner{b: body}
	r := &Result{}
	status := ""
	s.object(func(name string) {
		switch name {
		case "status":
			status = s.text()
		case "data":
			r.readData(s)
		case "warnings":
			r.Warnings = s.texts()
		default:
			s.skip()
		}
	})
	if err := s.end(); err != nil {
		return nil, err
	}
	if status != "success" {
		return nil, fmt.Errorf("its status is %q, not \"success\"", status)
	}
	return r, nil
}

// readData reads {"resultType","result","stats"}. The type may stand after the
// result, which is then read in a second pass.
func (r *Result) readData(s *scanner) {
	at := -1
	s.object(func(name string) {
		switch name {
		case "resultType":
			r.Type = s.text()
		case "result":
			if r.Type == "" {
				s.next()
				at = s.i
				s.skip()
				return
			}
			r.readResult(s)
		case "stats":
			r.readStats(s)
		default:
			s.skip()
		}
	})
	if at >= 0 && s.err == nil {
		end := s.i
		s.i = at
		r.readResult(s)
		s.i = end
	}
}

func (r *Result) readResult(s *scanner) {
	switch r.Type {
	case "streams":
		r.Entries = []Entry{}
		s.array(func(int) { r.Entries = readStream(s, r.Entries) })
	case "matrix":
		r.Matrix = []Series{}
		s.array(func(int) { r.Matrix = append(r.Matrix, readSeries(s)) })
	case "vector":
		r.Vector = []Sample{}
		s.array(func(int) { r.Vector = append(r.Vector, readSample(s)) })
	case "scalar":
		p := readPoint(s)
		r.Vector = []Sample{{Time: p.Time, Value: p.Value}}
	default:
		if s.err == nil {
			s.err = fmt.Errorf("unknown result type %q", r.Type)
		}
	}
}

// readStream reads {"stream":{...},"values":[[ns,line,{...}],...]} and appends
// its entries.
func readStream(s *scanner, out []Entry) []Entry {
	from := len(out)
	stream := newStream(Labels{})
	s.object(func(name string) {
		switch name {
		case "stream":
			if l := s.labels(); l != nil {
				stream = newStream(l)
			}
		case "values":
			s.array(func(int) { out = append(out, readEntry(s)) })
		default:
			s.skip()
		}
	})
	for i := range out[from:] {
		out[from+i].Stream = stream
	}
	return out
}

// readEntry reads ["ns","line",{"structuredMetadata":{},"parsed":{}}]; the third
// element may be absent, and flat on a push.
func readEntry(s *scanner) Entry {
	var e Entry
	s.array(func(i int) {
		switch i {
		case 0:
			e.NS = readNS(s)
		case 1:
			e.Line = s.text()
		case 2:
			s.object(func(name string) {
				switch name {
				case "structuredMetadata":
					e.Metadata = s.labels()
				case "parsed":
					e.Parsed = s.labels()
				default:
					s.skip()
				}
			})
		default:
			s.skip()
		}
	})
	return e
}

func readNS(s *scanner) int64 {
	raw, _ := s.bytes()
	if s.err != nil {
		return 0
	}
	ns, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		s.err = fmt.Errorf("at byte %d: the timestamp %q is not nanoseconds", s.i, raw)
	}
	return ns
}

func readSeries(s *scanner) Series {
	out := Series{Labels: Labels{}}
	s.object(func(name string) {
		switch name {
		case "metric":
			if l := s.labels(); l != nil {
				out.Labels = l
			}
		case "values":
			s.array(func(int) { out.Points = append(out.Points, readPoint(s)) })
		default:
			s.skip()
		}
	})
	return out
}

func readSample(s *scanner) Sample {
	out := Sample{Labels: Labels{}}
	s.object(func(name string) {
		switch name {
		case "metric":
			if l := s.labels(); l != nil {
				out.Labels = l
			}
		case "value":
			p := readPoint(s)
			out.Time, out.Value = p.Time, p.Value
		default:
			s.skip()
		}
	})
	return out
}

// readPoint reads [seconds,"value"].
func readPoint(s *scanner) Point {
	var p Point
	s.array(func(i int) {
		switch i {
		case 0:
			// A scalar query has a nonsense time that no clock can hold.
			if sec := s.number(); math.Abs(sec) < 1e11 {
				p.Time = time.UnixMilli(int64(math.Round(sec * 1000))).UTC()
			}
		case 1:
			p.Value = s.number()
		default:
			s.skip()
		}
	})
	return p
}

func (r *Result) readStats(s *scanner) {
	s.object(func(name string) {
		if name != "summary" {
			s.skip()
			return
		}
		s.object(func(name string) {
			switch name {
			case "totalBytesProcessed":
				r.Stats.Bytes = int64(s.number())
			case "totalLinesProcessed":
				r.Stats.Lines = int64(s.number())
			case "execTime":
				r.Stats.Took = time.Duration(s.number() * float64(time.Second))
			default:
				s.skip()
			}
		})
	})
}
