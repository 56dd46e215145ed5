package simulator

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

var hcUUIDForm = lazyregexp.New(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// newHcPing serves the ping API: /<uuid>[/signal] and /<ping-key>/<slug>[/signal],
// plain words for answers (note 4).
func newHcPing(w *World) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
			rw.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		fits, rest, ok := hcPinged(parts)
		if !ok {
			hcNotFound().write(rw)
			return
		}
		kind, text := hcSignal(rest)
		rid := strings.ToLower(r.URL.Query().Get("rid"))
		switch {
		case text != "":
			writeText(rw, http.StatusBadRequest, text)
			return
		case rid != "" && !hcUUIDForm().MatchString(rid):
			writeText(rw, http.StatusBadRequest, "invalid uuid format")
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, hcBodyLimit))
		if err != nil {
			writeText(rw, http.StatusBadRequest, "unreadable body")
			return
		}
		answer, status := "OK", http.StatusOK
		err = w.update(func(s *State) error {
			found := []*hcCheck{}
			for _, k := range part[healthchecksState](s).Checks {
				if fits(k) {
					found = append(found, k)
				}
			}
			switch len(found) {
			case 0:
				answer, status = "not found", http.StatusNotFound
			case 1:
				found[0].receive(hcPing{Type: kind, At: s.Now, Method: r.Method, UA: r.UserAgent(), RID: rid, Body: hcValid(body)})
			default:
				answer, status = "ambiguous slug", http.StatusConflict
			}
			return nil
		})
		if err != nil {
			failed(rw, err)
			return
		}
		rw.Header().Set("Ping-Body-Limit", strconv.Itoa(hcBodyLimit))
		writeText(rw, status, answer)
	})
}

// hcPinged tells which check a path is for, and what follows it.
func hcPinged(parts []string) (fits func(*hcCheck) bool, rest []string, ok bool) {
	switch {
	case hcUUIDForm().MatchString(parts[0]):
		return func(k *hcCheck) bool { return k.UUID == parts[0] }, parts[1:], true
	case len(parts) >= 2 && parts[0] == HealthchecksPingKey:
		return func(k *hcCheck) bool { return k.Slug != "" && k.Slug == parts[1] }, parts[2:], true
	case len(parts) >= 2 && len(parts[0]) == 22:
		return func(*hcCheck) bool { return false }, parts[2:], true
	}
	return nil, nil, false
}

// hcSignal reads what a ping says; text is why it is refused.
func hcSignal(rest []string) (kind, text string) {
	if len(rest) == 0 {
		return "success", ""
	}
	switch word := rest[0]; word {
	case "start", "fail", "log":
		return word, ""
	default:
		n, err := strconv.Atoi(word)
		switch {
		case err != nil || n < 0 || n > 255 || fmt.Sprint(n) != word:
			return "", "invalid url format"
		case n == 0:
			return "success", ""
		}
		return "fail", ""
	}
}

// hcValid keeps the state file's JSON valid; the true server keeps bytes.
func hcValid(b []byte) string { return strings.ToValidUTF8(string(b), string(utf8.RuneError)) }
