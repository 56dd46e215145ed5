package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// contract judges replies by a vendor's OpenAPI document.
type contract struct{ doc *openapi3.T }

// swagger2 reads a Swagger 2.0 document in YAML.
func swagger2(t *testing.T, path string) contract {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var tree any
	require.NoError(t, yaml.Unmarshal(text, &tree))
	asJSON, err := json.Marshal(inlineParameters(tree, tree))
	require.NoError(t, err)
	var two openapi2.T
	require.NoError(t, json.Unmarshal(asJSON, &two))
	three, err := openapi2conv.ToV3(&two)
	require.NoError(t, err)
	return contract{three}
}

// inlineParameters puts the definition in place of each reference to a
// parameter: the converter to version 3 loses those to bodies.
func inlineParameters(v, root any) any {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok && strings.HasPrefix(ref, "#/parameters/") {
			all, _ := root.(map[string]any)["parameters"].(map[string]any)
			return all[strings.TrimPrefix(ref, "#/parameters/")]
		}
		out := map[string]any{}
		for k, x := range v {
			out[k] = inlineParameters(x, root)
		}
		return out
	case []any:
		out := []any{}
		for _, x := range v {
			out = append(out, inlineParameters(x, root))
		}
		return out
	}
	return v
}

// find returns the operation of a request and its name, "GET /a/{b}". A path
// without variables beats one with.
func (c contract) find(method, path string) (op *openapi3.Operation, name string) {
	for template, item := range c.doc.Paths.Map() {
		if o := item.GetOperation(method); o != nil && fits(template, path) {
			if op == nil || strings.Count(template, "{") < strings.Count(name, "{") {
				op, name = o, method+" "+template
			}
		}
	}
	return op, name
}

func fits(template, path string) bool {
	a, b := strings.Split(template, "/"), strings.Split(path, "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !strings.HasPrefix(a[i], "{") && a[i] != b[i] {
			return false
		}
	}
	return true
}

// judgeReply returns what is wrong with a reply, as "place: what". An object's
// field that the document does not know counts too: almost every field is
// optional there, so a misspelt one would pass unseen.
func (c contract) judgeReply(op *openapi3.Operation, status int, body string) []string {
	ref := op.Responses.Value(fmt.Sprint(status))
	if ref == nil {
		return []string{fmt.Sprintf("status: %d is not listed", status)}
	}
	if status != http.StatusOK {
		return nil
	}
	var schema *openapi3.SchemaRef
	for _, media := range ref.Value.Content {
		schema = media.Schema
	}
	switch {
	case schema == nil && body != "":
		return []string{"body: none is listed"}
	case schema == nil:
		return nil
	case body == "":
		return []string{"body: empty"}
	}
	return judge(schema, body)
}

func (c contract) judgeRequest(op *openapi3.Operation, body string) []string {
	if op.RequestBody == nil {
		if body != "" {
			return []string{"body: none is listed"}
		}
		return nil
	}
	for _, media := range op.RequestBody.Value.Content {
		return judge(media.Schema, body)
	}
	return nil
}

func judge(schema *openapi3.SchemaRef, body string) []string {
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		return []string{"body: " + err.Error()}
	}
	wrong := unknownFields(schema.Value, v, "$")
	if err := schema.Value.VisitJSON(v, openapi3.MultiErrors()); err != nil {
		wrong = append(wrong, flatten(err)...)
	}
	slices.Sort(wrong)
	return slices.Compact(wrong)
}

func flatten(err error) []string {
	switch e := err.(type) { //nolint:errorlint // a tree of errors is walked, not matched
	case openapi3.MultiError:
		out := []string{}
		for _, x := range e {
			out = append(out, flatten(x)...)
		}
		return out
	case *openapi3.SchemaError:
		place := "$"
		for _, p := range e.JSONPointer() {
			if strings.Trim(p, "0123456789") == "" {
				place += "[]"
			} else {
				place += "." + p
			}
		}
		reason, _, _ := strings.Cut(e.Reason, " [") // the allowed values are a long list
		return []string{place + ": " + reason}
	}
	return []string{err.Error()}
}

func unknownFields(s *openapi3.Schema, v any, place string) []string {
	out := []string{}
	switch v := v.(type) {
	case map[string]any:
		if len(s.Properties) == 0 {
			return nil // any object
		}
		for k, x := range v {
			p, ok := s.Properties[k]
			if !ok {
				out = append(out, place+"."+k+": not in the document")
				continue
			}
			out = append(out, unknownFields(p.Value, x, place+"."+k)...)
		}
	case []any:
		if s.Items == nil {
			return nil
		}
		for _, x := range v {
			out = append(out, unknownFields(s.Items.Value, x, place+"[]")...)
		}
	}
	return out
}
