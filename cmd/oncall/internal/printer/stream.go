package printer

import (
	"bytes"
	"strings"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
)

// Stream prints things one after the other as they arrive: a watch, a log.
// table and wide print a line for each, json and jsonl one JSON object a line
// without an envelope, yaml one document each, md a list; --jq and --template
// read each item on its own. Print is for one goroutine.
type Stream[T any] struct {
	p    *Printer
	kind string
	line func(T) string
	name func(T) string
	raw  bool
	hold bool
	held bytes.Buffer
}

// NewStream begins a stream of things of a kind. line is what a person reads;
// it may hold colours and several lines, everything else in it that could harm
// a terminal is made visible.
func NewStream[T any](p *Printer, kind string, line func(T) string) *Stream[T] {
	return &Stream[T]{p: p, kind: kind, line: line}
}

// WithName tells what follows the kind under -o name.
func (s *Stream[T]) WithName(name func(T) string) *Stream[T] {
	s.name = name
	return s
}

// WithRaw lets the lines of table and wide pass byte by byte (--raw).
func (s *Stream[T]) WithRaw(raw bool) *Stream[T] {
	s.raw = raw
	return s
}

// WithBuffer collects output and writes it in large pieces: for results that
// are many and all there, not for a tail. Flush writes the last piece.
func (s *Stream[T]) WithBuffer() *Stream[T] {
	s.hold = true
	return s
}

// bufferSize is how much a buffered stream holds back.
const bufferSize = 64 << 10

// Print prints one item, at once when the stream is not buffered.
func (s *Stream[T]) Print(item T) error {
	if err := s.add(item); err != nil {
		// What came before the mistake is still a result.
		if ferr := s.Flush(); ferr != nil {
			return ferr
		}
		return err
	}
	if s.hold && s.held.Len() < bufferSize {
		return nil
	}
	return s.Flush()
}

// Flush writes what a buffered stream holds back.
func (s *Stream[T]) Flush() error {
	if s.held.Len() == 0 {
		return nil
	}
	_, err := s.p.io.Stdout().Write(s.held.Bytes())
	s.held.Reset()
	return err
}

func (s *Stream[T]) add(item T) error {
	if s.p.query != nil || s.p.template != nil {
		return s.p.project(&s.held, item)
	}
	switch s.p.format {
	case FormatJSON, FormatJSONL:
		return writeLines(&s.held, []T{item})
	case FormatYAML:
		text, err := marshal(item)
		if err != nil {
			return err
		}
		s.held.WriteString("---\n")
		return writeYAML(&s.held, text)
	case FormatName:
		if s.name == nil {
			return noNames(s.kind)
		}
		s.held.WriteString(nameOf(s.kind, s.name(item)) + "\n")
	case FormatMD:
		text := ios.FilterText(s.line(item), ios.FilterOptions{})
		s.held.WriteString("- " + escapeMarkdownLine(strings.TrimRight(text, "\n")) + "\n")
	default:
		s.held.WriteString(ios.FilterText(s.line(item), ios.FilterOptions{Color: s.p.io.Color, Raw: s.raw}))
		s.held.WriteByte('\n')
	}
	return nil
}

func noNames(kind string) error {
	return apierr.New(apierr.ErrUsage, "", "-o name", "%s has no names", words(kind)).WithHint("-o json")
}
