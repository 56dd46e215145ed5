package httpx_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
)

const benchAnswer = `{"incidents":[{"incidentNumber":"4127","currentPhase":"UNACKED","pagedUsers":["you"]}]}`

func benchServer(b *testing.B, size int) string {
	chunk := make([]byte, 256<<10)
	for i := range chunk {
		chunk[i] = "a line of a log\n"[i%16]
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if size == 0 {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, benchAnswer)
			return
		}
		for n := size; n > 0; n -= len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	b.Cleanup(srv.Close)
	return srv.URL
}

type benchOut struct {
	Incidents []struct{ IncidentNumber, CurrentPhase string }
}

func BenchmarkDo(b *testing.B) {
	url := benchServer(b, 0)
	b.Run("httpx", func(b *testing.B) {
		c, err := httpx.New(httpx.Config{Vendor: "v", BaseURL: url})
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			var out benchOut
			if _, err := c.Do(b.Context(), httpx.Request{Path: "/x"}, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("net-http", func(b *testing.B) {
		var c http.Client
		b.ReportAllocs()
		for b.Loop() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url+"/x", http.NoBody)
			require.NoError(b, err)
			res, err := c.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			data, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			var out benchOut
			if err != nil || json.Unmarshal(data, &out) != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStream reads 256 MiB a time; both allocate next to nothing per byte.
func BenchmarkStream(b *testing.B) {
	const size = 256 << 20
	url := benchServer(b, size)
	buf := make([]byte, 64<<10)
	b.Run("httpx", func(b *testing.B) {
		c, err := httpx.New(httpx.Config{Vendor: "v", BaseURL: url})
		require.NoError(b, err)
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			s, err := c.Stream(b.Context(), httpx.Request{Path: "/x"})
			if err != nil {
				b.Fatal(err)
			}
			if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, s.Body, buf); err != nil || n != size {
				b.Fatal(n, err)
			}
			_ = s.Body.Close()
		}
	})
	b.Run("net-http", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		var c http.Client
		for b.Loop() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url+"/x", http.NoBody)
			require.NoError(b, err)
			res, err := c.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{res.Body}, buf); err != nil || n != size {
				b.Fatal(n, err)
			}
			_ = res.Body.Close()
		}
	})
}
