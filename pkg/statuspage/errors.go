package statuspage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/httpx"
)

// classify reads the vendor's own words out of a refusal. The description says
// {"message": string} for all of them; real ones hold "error" as a text, a list
// or a tree by field, whose names the common rules do not all keep.
func classify(a *httpx.Answer) {
	switch a.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		if m := errorMessage(a.Body); m != "" {
			a.Err.Message = "not accepted: " + m
		}
	case http.StatusForbidden:
		a.Err.Hint = "the key's user needs the role incident_manager for incidents, maintenance_manager for maintenance, page_configuration for components"
	}
}

// errorMessage returns the cause that an error body names, or "".
func errorMessage(body []byte) string {
	var v any
	if json.Unmarshal(bytes.TrimSpace(body), &v) != nil {
		return ""
	}
	m, ok := v.(map[string]any)
	if !ok {
		return strings.Join(flatten("", v, 0), "; ")
	}
	for _, key := range []string{"error", "errors", "message"} {
		if parts := flatten("", m[key], 0); len(parts) > 0 {
			return strings.Join(parts, "; ")
		}
	}
	return ""
}

// maxDepth bounds the walk through a tree.
const maxDepth = 8

// flatten walks a tree of texts: {"name": ["can't be blank"]} is "name can't be blank".
func flatten(path string, v any, depth int) []string {
	if depth > maxDepth {
		return nil
	}
	var out []string
	switch t := v.(type) {
	case nil:
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(t)) {
			p := k
			if path != "" {
				p = path + "." + k
			}
			out = append(out, flatten(p, t[k], depth+1)...)
		}
	case []any:
		for _, e := range t {
			out = append(out, flatten(path, e, depth+1)...)
		}
	default:
		if s := strings.TrimSpace(fmt.Sprint(t)); s != "" {
			out = append(out, strings.TrimSpace(path+" "+s))
		}
	}
	return out
}
