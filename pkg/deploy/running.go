package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/prometheus"
)

// Metrics is what a MetricRunner needs: *prometheus.Client.
type Metrics interface {
	Query(ctx context.Context, q prometheus.Query) (*prometheus.Result, error)
}

// MetricRunner reads versions from a query whose series carry the version in a
// label and the number of instances as value.
type MetricRunner struct {
	Metrics Metrics
	Expr    string
	Label   string
}

// Versions implements Runner.
func (m MetricRunner) Versions(ctx context.Context) ([]Count, error) {
	res, err := m.Metrics.Query(ctx, prometheus.Query{Expr: m.Expr})
	if err != nil {
		return nil, err
	}
	out := []Count{}
	for _, s := range res.Vector {
		v := s.Metric[m.Label]
		if v == "" {
			return nil, apierr.New(apierr.ErrUsage, "prometheus", "running version", "the query's series have no label %s", m.Label)
		}
		n := float64(s.Value)
		if math.IsNaN(n) || n < 1 {
			continue
		}
		out = append(out, Count{v, int(n)})
	}
	return out, nil
}

// HTTPRunner reads the version from an endpoint of the component's own: plain
// text, or JSON with the version under Field (dots lead into objects).
type HTTPRunner struct {
	Get   func(ctx context.Context) ([]byte, error)
	Field string
}

// Versions implements Runner. One answer stands for all instances behind it.
func (h HTTPRunner) Versions(ctx context.Context) ([]Count, error) {
	body, err := h.Get(ctx)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(body))
	if h.Field != "" {
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			return nil, fmt.Errorf("the version endpoint's answer is not JSON: %w", err)
		}
		for _, key := range strings.Split(h.Field, ".") {
			m, _ := v.(map[string]any)
			v = m[key]
		}
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("the version endpoint's answer has no text under %s", h.Field)
		}
		text = s
	}
	if !versionLike().MatchString(text) {
		return nil, fmt.Errorf("the version endpoint's answer is no version")
	}
	return []Count{{text, 1}}, nil
}
