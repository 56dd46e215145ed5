package simulator

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkRequest is the world's own cost of one request: two transactions.
func BenchmarkRequest(b *testing.B) {
	for name, o := range map[string]Options{"memory": {NoLimits: true}, "file": {NoLimits: true, Dir: b.TempDir()}} {
		b.Run(name, func(b *testing.B) {
			w, err := Open(o)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				req := httptest.NewRequest("GET", "/victorops/api-public/v1/incidents/4127", nil)
				req.Header.Set("X-VO-Api-Id", VictorOpsAPIID)
				req.Header.Set("X-VO-Api-Key", VictorOpsAPIKey)
				rec := httptest.NewRecorder()
				w.Handler().ServeHTTP(rec, req)
				if rec.Code != 200 {
					b.Fatal(rec.Body)
				}
			}
			b.ReportMetric(float64(len(w.parsedFrom)), "state-bytes")
		})
	}
}
