package logs

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/logs"
	"github.com/balena-io/oncall/pkg/loki"
	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/shell"
)

// selector is which lines a command is about: flags that stand for labels, or a
// LogQL query.
type selector struct {
	service, level, host []string
	label                []string
	grep, not            []string

	def   cli.LogDefinition
	match []logs.Match
	query string // LogQL, set by build
}

// bind declares the flags of a command that is about lines.
func (s *selector) bind(cmd *cobra.Command, f *cli.Factory) {
	s.bindLabels(cmd, f)
	fs := cmd.Flags()
	fs.StringArrayVar(&s.grep, "grep", nil, "only lines that hold this text, repeatable")
	fs.StringArrayVar(&s.not, "not", nil, "no lines that hold this text, repeatable")
	_ = cmd.RegisterFlagCompletionFunc("grep", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("not", cobra.NoFileCompletions)
}

// bindLabels declares the flags of a command that is about whole streams.
func (s *selector) bindLabels(cmd *cobra.Command, f *cli.Factory) {
	fs := cmd.Flags()
	for flag, v := range map[string]*[]string{"service": &s.service, "level": &s.level, "host": &s.host} {
		fs.StringSliceVar(v, flag, nil, "only this "+flag+"; ~ begins a regular expression")
		_ = cmd.RegisterFlagCompletionFunc(flag, completeValues(f, flag))
	}
	fs.StringArrayVar(&s.label, "label", nil, "only lines with this label: NAME=VALUE, repeatable")
	_ = cmd.RegisterFlagCompletionFunc("label", completeLabelPairs(f))
}

// buildStreams makes the selector of a command that is about whole streams; it is
// empty, which is all of them, where no label is given.
func (s *selector) buildStreams(f *cli.Factory, args []string) error {
	var err error
	if s.def, err = f.Logs(); err != nil {
		return err
	}
	if len(s.service)+len(s.level)+len(s.host)+len(s.label)+len(args) == 0 {
		if len(s.def.Default) == 0 {
			return nil
		}
		s.label = s.def.Default
	}
	if err := s.build(f, args); err != nil {
		return err
	}
	if _, pipeline, ok := loki.SplitQuery(s.query); !ok || strings.TrimSpace(pipeline) != "" {
		return cli.Usage("this is about whole streams: only labels can be given, no filters").WithHint(`'{service="api"}', or --service api`)
	}
	return nil
}

// build makes the LogQL of flags and argument: a whole query instead of the
// flags, or a pipeline (| json) behind their selector.
func (s *selector) build(f *cli.Factory, args []string) error {
	var err error
	if s.def, err = f.Logs(); err != nil {
		return err
	}
	raw := strings.TrimSpace(strings.Join(args, " "))
	for flag, values := range map[string][]string{"service": s.service, "level": s.level, "host": s.host} {
		if len(values) > 0 {
			s.match = append(s.match, logs.Match{Label: s.def.Label(flag), Values: values})
		}
	}
	for _, pair := range s.label {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || strings.ContainsAny(name, "!~") {
			return cli.Usage("--label: %q is not NAME=VALUE", pair).WithHint("for a regular expression write NAME=~REGEXP")
		}
		s.add(name, value)
	}
	pipeline := raw == "" || strings.HasPrefix(raw, "|") || strings.HasPrefix(raw, "!")
	switch {
	case !pipeline && (len(s.match) > 0):
		return cli.Usage("a query and --service, --level, --host, --label: only one of them").
			WithHint("write the labels into the query, or only a pipeline behind the flags: '| json | status >= 500'")
	case !pipeline && !strings.ContainsAny(raw, "{(") && !strings.ContainsAny(raw[:1], "0123456789+-."): // neither selector, call nor number
		return cli.Usage("%q is no LogQL", raw).WithHint("--service %s, or a label of another name: oncall logs labels lists them", shell.Word(raw))
	case !pipeline:
		s.query = logs.Contains(raw, s.grep, s.not)
		return nil
	case len(s.match) == 0:
		return cli.Usage("which lines? no label is given").WithHint("--service NAME, --label NAME=VALUE, or a query: '{service=\"api\"}'; oncall logs labels lists them")
	}
	for _, pair := range s.def.Default {
		name, value, _ := strings.Cut(pair, "=")
		if !slices.ContainsFunc(s.match, func(m logs.Match) bool { return m.Label == name }) {
			s.add(name, value)
		}
	}
	if s.query, err = logs.Selector(s.match); err != nil {
		return err
	}
	s.query = logs.Contains(s.query, s.grep, s.not)
	if raw != "" {
		s.query += " " + raw
	}
	return nil
}

func (s *selector) add(name, value string) {
	for i := range s.match {
		if s.match[i].Label == name {
			s.match[i].Values = append(s.match[i].Values, value)
			return
		}
	}
	s.match = append(s.match, logs.Match{Label: name, Values: []string{value}})
}

// parser is that of the service that was asked for.
func (s *selector) parser() logs.Parser {
	if len(s.service) == 1 {
		return s.def.ParserFor(s.service[0])
	}
	if m := serviceInQuery().FindStringSubmatch(s.query); m != nil && m[1] == s.def.Label("service") {
		return s.def.ParserFor(m[2])
	}
	return s.def.ParserFor("")
}

var (
	serviceInQuery = lazyregexp.New(`([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"([^"]*)"`)
	matcherInQuery = lazyregexp.New(`([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!=|!~|=)\s*["` + "`" + `]([^"` + "`" + `]*)`)
)

// courtesy is how long nobody is kept waiting for an explanation.
const courtesy = 5 * time.Second

// explainNothing looks for the reason why a selector finds nothing: a label or a
// value that the server does not have is an error with the nearest one. Otherwise
// there are just no such lines, and it is nil.
func (s *selector) explainNothing(ctx context.Context, f *cli.Factory, c *loki.Client, span loki.Span) error {
	part, _, ok := loki.SplitQuery(s.query)
	if !ok {
		return nil
	}
	ctx, cancel := f.Limited(ctx, courtesy)
	defer cancel()
	names, err := c.LabelNames(ctx, "", span)
	if err != nil || len(names) == 0 {
		return nil //nolint:nilerr // the lines were asked for, this was a courtesy
	}
	for _, m := range matcherInQuery().FindAllStringSubmatch(part, -1) {
		if !slices.Contains(names, m[1]) {
			err := apierr.New(apierr.ErrNotFound, "loki", "", "no line has a label %q", m[1])
			if near := nearest.Of(m[1], names); len(near) > 0 {
				return err.WithHint("did you mean %s?", strings.Join(near, " or "))
			}
			return err.WithHint("there are: %s", strings.Join(names, ", "))
		}
		if m[2] != "=" {
			continue
		}
		values, err := c.LabelValues(ctx, m[1], "", span)
		if err != nil || len(values) == 0 || slices.Contains(values, m[3]) {
			continue
		}
		if near := nearest.Of(m[3], values); len(near) > 0 {
			return apierr.New(apierr.ErrNotFound, "loki", "", "no line has %s=%q", m[1], m[3]).WithHint("did you mean %s?", strings.Join(near, " or "))
		}
	}
	return nil
}

// completeValues offers the values of the label that a flag stands for.
func completeValues(f *cli.Factory, flag string) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		d, err := f.Logs()
		if err != nil {
			return nil, err
		}
		c, err := f.Loki(ctx)
		if err != nil {
			return nil, err
		}
		return c.LabelValues(ctx, d.Label(flag), "", loki.Span{})
	})
}

// completeLabels offers the names of labels.
func completeLabels(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		c, err := f.Loki(ctx)
		if err != nil {
			return nil, err
		}
		return c.LabelNames(ctx, "", loki.Span{})
	})
}

// completeLabelPairs offers NAME=, then NAME=VALUE.
func completeLabelPairs(f *cli.Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		name, _, hasName := strings.Cut(typed, "=")
		offered, _ := cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
			c, err := f.Loki(ctx)
			if err != nil {
				return nil, err
			}
			if hasName {
				return c.LabelValues(ctx, name, "", loki.Span{})
			}
			return c.LabelNames(ctx, "", loki.Span{})
		})(cmd, nil, typed)
		out := []cobra.Completion{}
		for _, v := range offered {
			if hasName {
				out = append(out, name+"="+v)
			} else {
				out = append(out, v+"=")
			}
		}
		if hasName {
			return out, cobra.ShellCompDirectiveNoFileComp
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}
