// Package lokitest is a real Loki as the judge of tests. It has to be one that may
// be written to, for example `loki -config.file=loki-local-config.yaml`:
//
//	ONCALL_TEST_LOKI_URL=http://127.0.0.1:3100 go test ./pkg/loki ./cmd/oncall/logs -run AgainstLoki -v
package lokitest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Server is a Loki that may be written to.
type Server struct{ URL, Tenant string }

// Real is the server that the environment names; without one the test is skipped.
func Real(t *testing.T) Server {
	t.Helper()
	s := Server{os.Getenv("ONCALL_TEST_LOKI_URL"), os.Getenv("ONCALL_TEST_LOKI_TENANT")}
	if s.URL == "" {
		t.Skip("ONCALL_TEST_LOKI_URL is not set: the address of a Loki to push to and read from")
	}
	return s
}

// Line is one line to store.
type Line struct {
	NS       int64
	Text     string
	Metadata map[string]string // nil is none
}

// Push stores lines of one stream; the test ends where Loki does not take them.
func (s Server) Push(t *testing.T, labels map[string]string, lines ...Line) {
	t.Helper()
	values := make([][]any, len(lines))
	for i, l := range lines {
		values[i] = []any{strconv.FormatInt(l.NS, 10), l.Text}
		if l.Metadata != nil {
			values[i] = append(values[i], l.Metadata)
		}
	}
	body, err := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": labels, "values": values}}})
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/loki/api/v1/push", bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if s.Tenant != "" {
		req.Header.Set("X-Scope-OrgID", s.Tenant)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	require.Equal(t, http.StatusNoContent, res.StatusCode, "%s", text)
}
