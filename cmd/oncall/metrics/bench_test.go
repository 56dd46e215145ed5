package metrics_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
)

// BenchmarkRange reads 50 series of 11,000 points, as a table, as JSON and
// through --jq, and fails when it holds more than 128 MiB.
func BenchmarkRange(b *testing.B) {
	var body bytes.Buffer
	body.WriteString(`{"status":"success","data":{"resultType":"matrix","result":[`)
	begin := time.Now().Add(-11000 * time.Second).Unix()
	for s := range 50 {
		if s > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"metric":{"__name__":"m","instance":"10.0.1.%d:9100"},"values":[`, s)
		for i := range 11000 {
			if i > 0 {
				body.WriteByte(',')
			}
			fmt.Fprintf(&body, `[%d,"%.6f"]`, begin+int64(i), float64(i*s)/777)
		}
		body.WriteString(`]}`)
	}
	body.WriteString(`]}}`)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body.Bytes())
	}))
	defer s.Close()
	child := clitest.NewChild(b)
	for name, flags := range map[string][]string{"table": {"-o", "table"}, "json": {"-o", "json"}, "jsonl": {"-o", "jsonl"}, "jq": {"--jq", ".items[].points[-1].value"}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				peak := child.Run(b, []string{"ONCALL_PROMETHEUS_URL=" + s.URL}, append([]string{"metrics", "range", "m", "--since", "10999s", "--step", "1s"}, flags...)...)
				b.ReportMetric(peak, "MiB")
				if peak > 128 {
					b.Errorf("it held %.0f MiB", peak)
				}
			}
		})
	}
}
