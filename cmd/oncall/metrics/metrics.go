// Package metrics is `oncall metrics`: what Prometheus knows, as numbers, graphs
// and checks.
package metrics

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/prometheus"
)

// NewCmd makes `oncall metrics`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "metrics", "Prometheus: values, graphs, named queries, checks, alerts, targets",
		newCmdGet,
		newCmdCheck,
		newCmdQuery,
		newCmdRange,
		newCmdAlerts,
		newCmdTargets,
		newCmdRules,
	)
}

// tellWarnings passes on what the server says about a result: warnings always,
// annotations for those who asked for more.
func tellWarnings(f *cli.Factory, warnings, infos []string) {
	for _, w := range warnings {
		f.IO.Warn("prometheus: %s", w)
	}
	if f.Verbose > 0 {
		for _, i := range infos {
			f.IO.Note("prometheus: %s", i)
		}
	}
}

// labelsText is a label set without what the caller shows elsewhere.
func labelsText(l map[string]string, without ...string) string {
	kept := prometheus.Labels{}
	for k, v := range l {
		if !contains(without, k) {
			kept[k] = v
		}
	}
	if len(kept) == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(kept.String(), "{"), "}")
}

func contains(all []string, s string) bool {
	for _, x := range all {
		if x == s {
			return true
		}
	}
	return false
}

// completeNames offers the named queries with what they are.
func completeNames(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(context.Context) ([]cobra.Completion, error) {
		all, err := f.Queries()
		out := []cobra.Completion{}
		for _, q := range all {
			out = append(out, cobra.CompletionWithDesc(q.Name, q.Description))
		}
		return out, err
	})
}

// completeMetrics offers the names of metrics.
func completeMetrics(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		c, err := f.Prometheus(ctx)
		if err != nil {
			return nil, err
		}
		return c.LabelValues(ctx, prometheus.NameLabel, prometheus.Selection{})
	})
}

// sample is one series at one instant.
type sample struct {
	Metric map[string]string `json:"metric"`
	Time   time.Time         `json:"time"`
	Value  string            `json:"value"` // a text, as NaN and +Inf are values
	Spark  string            `json:"-"`
}

func (s sample) name() string { return prometheus.Labels(s.Metric).String() }

// histogramText is a native histogram in few words.
func histogramText(h *prometheus.Histogram) string {
	return fmt.Sprintf("histogram count=%s sum=%s", h.Count, h.Sum)
}
