package logs

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/loki"
)

// line is a log line as JSON has it: every label, always.
type line struct {
	Time     time.Time         `json:"time"`
	Labels   map[string]string `json:"labels"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Fields   map[string]string `json:"fields,omitempty"` // what the query's parser found
	Line     string            `json:"line"`
	Match    bool              `json:"match,omitempty"` // of `logs context`: the line itself
}

func newLine(e loki.Entry) line {
	return line{Time: e.Time(), Labels: e.Stream.Labels, Metadata: e.Metadata, Fields: e.Parsed, Line: e.Line}
}

// shown prints lines in the way that was asked for.
type shown struct {
	f    *cli.Factory
	raw  bool
	wide bool
	tags map[*loki.Stream]string // what is shown of each stream's labels
	*printer.Stream[line]
}

func newShown(f *cli.Factory, out *printer.Printer, raw bool) *shown {
	s := &shown{f: f, raw: raw, wide: out.Wide(), tags: map[*loki.Stream]string{}}
	s.Stream = printer.NewStream(out, "LogLine", s.text).WithRaw(raw)
	return s
}

// text is a line for a person: time, where it comes from, and the line as it is,
// leading blanks and all.
func (s *shown) text(l line) string {
	if s.raw {
		return l.Line
	}
	mark := ""
	if l.Match {
		mark = s.f.IO.Paint(ios.Bold, ">") + " "
	}
	at := l.Time.In(s.f.Location())
	stamp := at.Format("15:04:05.000")
	if s.wide || s.f.Now().Sub(l.Time) > 24*time.Hour {
		stamp = at.Format("2006-01-02 15:04:05.000")
	}
	return mark + s.f.IO.Paint(ios.Dim, stamp) + " " + s.tag(l) + l.Line
}

// tag is where a line comes from: the labels that people know, or all of them.
func (s *shown) tag(l line) string {
	if s.wide {
		return s.f.IO.Paint(ios.Dim, loki.Labels(l.Labels).String()) + " "
	}
	parts := []string{}
	level := ""
	for _, k := range []string{"service", "service_name", "app", "unit", "host"} {
		if v := l.Labels[k]; v != "" && !slices.Contains(parts, v) {
			parts = append(parts, v)
		}
	}
	if len(parts) == 0 {
		for _, k := range slices.Sorted(maps.Keys(l.Labels)) {
			parts = append(parts, l.Labels[k])
		}
	}
	if v := l.Labels["level"]; v != "" && v != "info" {
		style := ios.Yellow
		if strings.HasPrefix(strings.ToLower(v), "err") || strings.HasPrefix(strings.ToLower(v), "crit") || v == "fatal" {
			style = ios.Red
		}
		level = s.f.IO.Paint(style, v) + " "
	}
	return s.f.IO.Paint(ios.Cyan, strings.Join(parts[:min(len(parts), 2)], "/")) + " " + level
}

func (s *shown) page(entries []loki.Entry) error {
	for _, e := range entries {
		if err := s.Print(newLine(e)); err != nil {
			return err
		}
	}
	return nil
}
