package httpx

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// messageKeys are where vendors put the reason, best first (contract notes:
// Statuspage error then message, balena error.text, Grafana message, Prometheus
// error, OData error.message.value, RFC 9457 detail and title).
var messageKeys = []string{"error", "message", "errors", "error_description", "error_message", "errorMessage", "detail", "details", "title", "msg", "text", "reason", "description", "value"}

// errorText finds the reason in an error's body. HTML is never shown.
func errorText(h http.Header, body []byte) string {
	text := strings.TrimSpace(string(body))
	// Some servers call their one word text/html; with a tag in it, it is a page.
	if text == "" || isHTML(h.Get("Content-Type"), body) && strings.Contains(text, "<") {
		return ""
	}
	var v any
	if json.Unmarshal([]byte(text), &v) == nil {
		return oneLine(textOf(v, 0), maxMessage)
	}
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "<") {
		return "" // a cut object, XML: noise
	}
	if !strings.HasPrefix(h.Get("Content-Type"), "text/") && !looksLikeText(text) {
		return ""
	}
	return oneLine(text, maxMessage)
}

func looksLikeText(s string) bool {
	for _, r := range s {
		if r != '\n' && r != '\r' && r != '\t' && !shown(r) {
			return false
		}
	}
	return true
}

// maxDepth bounds the walk through nested objects.
const maxDepth = 6

// textOf finds the text in a decoded JSON value: a string, a list of texts, an
// object with a well-known key, or a tree of fields ({"name":["can't be blank"]}).
func textOf(v any, depth int) string {
	if depth > maxDepth {
		return ""
	}
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case float64:
		if depth > 0 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	case []any:
		var parts []string
		for _, e := range v {
			if s := textOf(e, depth+1); s != "" && !slices.Contains(parts, s) {
				parts = append(parts, s)
			}
		}
		return strings.Join(parts, "; ")
	case map[string]any:
		for _, k := range messageKeys {
			if e, ok := v[k]; ok {
				if s := textOf(e, depth+1); s != "" {
					return s
				}
			}
		}
		if depth == 0 {
			return ""
		}
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if s := textOf(v[k], depth+1); s != "" {
				parts = append(parts, k+" "+s)
			}
		}
		return strings.Join(parts, "; ")
	}
	return ""
}
