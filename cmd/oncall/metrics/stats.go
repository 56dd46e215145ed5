package metrics

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/prometheus"
)

// stats sums up a series. NaN and infinities are counted apart: they would eat
// the mean.
type stats struct {
	min, max, mean, last float64
	n, all               int // finite values, all values
}

func statsOf(points []prometheus.Point) stats {
	s := stats{min: math.Inf(1), max: math.Inf(-1), all: len(points)}
	sum := 0.0
	for _, p := range points {
		s.last = p.Value
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
			continue
		}
		s.n++
		sum += p.Value
		s.min, s.max = min(s.min, p.Value), max(s.max, p.Value)
	}
	if s.n > 0 {
		s.mean = sum / float64(s.n)
	}
	return s
}

func (s stats) counts() string {
	if odd := s.all - s.n; odd > 0 {
		return fmt.Sprintf("%d (%d NaN or infinite)", s.all, odd)
	}
	return fmt.Sprint(s.all)
}

// isUnavailable reports whether a server could not be asked, which passes.
func isUnavailable(err error) bool {
	return errors.Is(err, apierr.ErrUnavailable) || errors.Is(err, apierr.ErrRateLimited)
}

// lengthText writes a rule's `for` as rule files do: 5m, 1h30m; "" is at once.
func lengthText(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}
