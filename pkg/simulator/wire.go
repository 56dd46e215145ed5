package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// writeJSON answers with v as JSON. HTML characters are left as they are, as
// most vendors do.
func writeJSON(rw http.ResponseWriter, status int, v any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	e := json.NewEncoder(rw)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}

// writeText answers in plain text.
func writeText(rw http.ResponseWriter, status int, text string) {
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, text)
}

// readJSON decodes the request's body into v, leniently: unknown fields pass.
func readJSON(r *http.Request, v any) error { return json.NewDecoder(r.Body).Decode(v) }

// retryAfter sets the header Retry-After in whole seconds, rounded up.
func retryAfter(rw http.ResponseWriter, wait time.Duration) {
	rw.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}
