package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/datasource"
)

// SpanFlags are --since, --from and --to of every command that looks at a time.
type SpanFlags struct {
	since, from, to string
	otherwise       time.Duration
}

// Bind declares the flags; without them the span is the last otherwise.
func (s *SpanFlags) Bind(cmd *cobra.Command, otherwise time.Duration) {
	s.otherwise = otherwise
	fs := cmd.Flags()
	fs.StringVar(&s.since, "since", "", "look back so long or to that time: 30m, 2h, 3d, 15:04 (default "+ios.Age(otherwise)+")")
	fs.StringVar(&s.from, "from", "", "begin there: a time, or so long ago")
	fs.StringVar(&s.to, "to", "", "end there: a time, or so long ago (default now)")
	for _, name := range []string{"since", "from", "to"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// Given reports whether a time was asked for.
func (s *SpanFlags) Given() bool { return s.since != "" || s.from != "" || s.to != "" }

// Read returns the span.
func (s *SpanFlags) Read(f *Factory) (from, to time.Time, err error) {
	if s.since != "" && s.from != "" {
		return from, to, Usage("--since and --from: only one of them")
	}
	if to, err = f.Instant("to", s.to); err != nil {
		return from, to, err
	}
	if _, err := f.Config(); err != nil { // the demo's clock comes from it
		return from, to, err
	}
	if to.IsZero() {
		to = f.Now()
	}
	switch {
	case s.from != "":
		from, err = f.Instant("from", s.from)
	case s.since != "":
		from, err = f.Since(s.since)
	default:
		from = to.Add(-s.otherwise)
	}
	if err == nil && !from.Before(to) {
		err = Usage("the time begins (%s) when or after it ends (%s)", f.Clock(from), f.Clock(to)).WithHint("--from is the earlier one, --to the later")
	}
	return from, to, err
}

// QueryFailed shows the place that an error of a query names, with a caret below
// it, and returns the error. It prints nothing where errors are JSON.
func QueryFailed(f *Factory, err error) error {
	var q *datasource.QueryError
	if !errors.As(err, &q) || f.OutputFormat() == "json" || f.OutputFormat() == "jsonl" {
		return err
	}
	if place := q.Caret(); place != "" {
		_, _ = io.WriteString(f.IO.Err, ios.FilterText(place, ios.FilterOptions{})+"\n")
	}
	// The place is shown; the message need not be found twice in the tree.
	var e *apierr.Error
	if errors.As(err, &e) && len(e.Message) > 400 {
		e.Message = fmt.Sprintf("%.400s…", e.Message)
	}
	return err
}
