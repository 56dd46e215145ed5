package logql

import (
	"time"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

// stage is one step of a pipeline. It may add to what was parsed and reports
// whether the line stays.
type stage interface {
	run(l *work) bool
}

// work is one line on its way through a pipeline.
type work struct {
	stream *Stream
	line   Line
	parsed map[string]string
	failed string // __error__
}

func (w *work) label(name string) (string, bool) {
	if name == "__error__" {
		return w.failed, w.failed != ""
	}
	if v, ok := w.parsed[name]; ok {
		return v, true
	}
	if v, ok := w.line.Meta[name]; ok {
		return v, true
	}
	v, ok := w.stream.Labels[name]
	return v, ok
}

func (w *work) set(name, value string) {
	if w.parsed == nil {
		w.parsed = map[string]string{}
	}
	if _, taken := w.stream.Labels[name]; taken {
		name += "_extracted"
	}
	if _, twice := w.parsed[name]; !twice {
		w.parsed[name] = value
	}
}

type logExpr struct {
	matchers []query.Matcher
	stages   []stage
}

func (e *logExpr) wants(s *Stream) bool { return query.Match(e.matchers, s.Labels) }

// metric is an expression with numbers.
type metric interface{ isMetric() }

type rangeExpr struct {
	op     string
	log    *logExpr
	window time.Duration
	offset time.Duration
}

type vectorExpr struct {
	op      string
	k       int
	x       metric
	without bool
	labels  []string
	grouped bool
}

// scalarExpr is an operation with a number on one side.
type scalarExpr struct {
	op          string
	x           metric
	v           float64
	swapped     bool // the number stands on the left
	returnsBool bool
}

func (*rangeExpr) isMetric()  {}
func (*vectorExpr) isMetric() {}
func (*scalarExpr) isMetric() {}
