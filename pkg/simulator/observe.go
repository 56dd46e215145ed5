package simulator

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the demo's Loki, Prometheus and Grafana have in common. None of them stores
// lines or samples: all follow from Facts and the clock.

// observe returns a copy of the facts, which may be read outside of a
// transaction, and the world's now.
func (w *World) observe() (*Facts, time.Time, error) {
	var f Facts
	var now time.Time
	err := w.view(func(s *State) error {
		f, now = s.Facts, s.Now
		f.Deploys, f.E2EPasses = slices.Clone(f.Deploys), slices.Clone(f.E2EPasses)
		return nil
	})
	return &f, now, err
}

// bearer reports whether r carries the token, or has it as the password of Basic
// authorisation: tools such as promtool can only put a user into the URL.
func bearer(r *http.Request, token string) bool {
	_, password, basic := r.BasicAuth()
	return r.Header.Get("Authorization") == "Bearer "+token || basic && password == token
}

// textAPI serves what mux knows. Below prefix it wants the token; a missing one
// and an unknown path are plain text, as Loki and Prometheus answer them.
func textAPI(mux *http.ServeMux, prefix, token string) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix) && !bearer(r, token) {
			writeText(rw, http.StatusUnauthorized, "Unauthorized\n")
			return
		}
		if _, pattern := mux.Handler(r); pattern == "" {
			writeText(rw, http.StatusNotFound, "404 page not found\n")
			return
		}
		mux.ServeHTTP(rw, r)
	})
}

// getOrForm lets one handler answer a GET and a form POST.
func getOrForm(mux *http.ServeMux, path string, h http.HandlerFunc) {
	mux.HandleFunc("GET "+path, h)
	mux.HandleFunc("POST "+path, h)
}

// labelNames are the names that label sets have, sorted.
func labelNames(sets []map[string]string) []string {
	names := map[string]bool{}
	for _, l := range sets {
		for k := range l {
			names[k] = true
		}
	}
	return slices.Concat([]string{}, slices.Sorted(maps.Keys(names)))
}

// labelValues are the values of one label, sorted; an empty one is none.
func labelValues(sets []map[string]string, name string) []string {
	values := map[string]bool{}
	for _, l := range sets {
		if v := l[name]; v != "" {
			values[v] = true
		}
	}
	return slices.Concat([]string{}, slices.Sorted(maps.Keys(values)))
}

// wirePoint is a time, in milliseconds, and a value as both APIs write them.
func wirePoint(ms int64, v float64) []any { return []any{jsonSeconds(ms), formatFloat(v)} }

// formatFloat writes a value, also NaN, +Inf and -Inf.
func formatFloat(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// jsonSeconds is a time on the wire: a number with milliseconds.
type jsonSeconds int64

// MarshalJSON writes 1795323776.773.
func (s jsonSeconds) MarshalJSON() ([]byte, error) {
	return []byte(strconv.FormatFloat(float64(s)/1000, 'f', -1, 64)), nil
}
