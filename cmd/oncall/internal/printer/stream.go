package printer

import (
	"bytes"
	"fmt"
	"io"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
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

// WithRaw lets lines pass byte by byte (--raw).
func (s *Stream[T]) WithRaw(raw bool) *Stream[T] {
	s.raw = raw
	return s
}

// Print prints one item at once.
func (s *Stream[T]) Print(item T) error {
	out := s.p.io.Stdout()
	if s.p.query != nil || s.p.template != nil {
		return s.p.project(out, item)
	}
	var b bytes.Buffer
	switch s.p.format {
	case FormatJSON, FormatJSONL:
		return writeLines(out, []T{item})
	case FormatYAML:
		text, err := marshal(item)
		if err != nil {
			return err
		}
		b.WriteString("---\n")
		if err := writeYAML(&b, text); err != nil {
			return err
		}
	case FormatName:
		if s.name == nil {
			return fmt.Errorf("-o name: %s has no names", kebab(s.kind))
		}
		b.WriteString(nameOf(s.kind, s.name(item)) + "\n")
	case FormatMD:
		b.WriteString("- " + escapeMarkdown(ios.FilterText(s.line(item), ios.FilterOptions{})) + "\n")
	default:
		b.WriteString(ios.FilterText(s.line(item), ios.FilterOptions{Color: s.p.io.Color, Raw: s.raw}))
		b.WriteByte('\n')
	}
	_, err := io.Copy(out, &b)
	return err
}
