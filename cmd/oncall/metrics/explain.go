package metrics

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/prometheus"
)

var (
	quotedText = lazyregexp.New(`"(?:[^"\\]|\\.)*"|'[^']*'`)
	nameInExpr = lazyregexp.New(`([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{|\[|\(|=~|!=|!~|=|$|\s|[-+*/%^)<>,\]}])`)
	braces     = lazyregexp.New(`\{[^}]*\}`)
)

// explainNothing tells of a metric or a label in the expression that the server
// does not have, with the nearest: an empty result is often a slip of the finger.
func explainNothing(ctx context.Context, f *cli.Factory, c *prometheus.Client, expr string) {
	ctx, cancel := f.Limited(ctx, 5*time.Second) // nobody is kept waiting for it
	defer cancel()
	expr = quotedText().ReplaceAllString(expr, `""`)
	names, err := c.LabelValues(ctx, prometheus.NameLabel, prometheus.Selection{})
	if err != nil || len(names) == 0 {
		return // the values were asked for, this was a courtesy
	}
	for _, m := range nameInExpr().FindAllStringSubmatch(braces().ReplaceAllString(expr, "{}"), -1) {
		if m[2] == "(" || slices.Contains(names, m[1]) || len(m[1]) < 4 {
			continue
		}
		if near := nearest.Of(m[1], names); len(near) > 0 {
			f.IO.Hint("there is no metric %s; did you mean %s?", m[1], strings.Join(near, " or "))
			return
		}
	}
	labels, err := c.LabelNames(ctx, prometheus.Selection{})
	if err != nil {
		return
	}
	for _, part := range braces().FindAllString(expr, -1) {
		for _, m := range nameInExpr().FindAllStringSubmatch(part, -1) {
			if slices.Contains(labels, m[1]) {
				continue
			}
			if near := nearest.Of(m[1], labels); len(near) > 0 {
				f.IO.Hint("no series has a label %s; did you mean %s?", m[1], strings.Join(near, " or "))
				return
			}
		}
	}
}
