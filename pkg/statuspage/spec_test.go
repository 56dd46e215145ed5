package statuspage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/balena-io/oncall/pkg/judges"
)

// spec is the vendor's OpenAPI document, mended.
type spec struct {
	doc    *openapi3.T
	router routers.Router
}

var (
	once   sync.Once
	loaded *spec
	broken error
)

func loadSpec(t testing.TB) *spec {
	t.Helper()
	path := judges.Contract(t, "statuspage.json")
	once.Do(func() { loaded, broken = readSpec(path) })
	if broken != nil {
		t.Fatalf("the vendor's description cannot be loaded: %v", broken)
	}
	return loaded
}

func readSpec(path string) (*spec, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(mendTypes(raw))
	if err != nil {
		return nil, err
	}
	mend(doc.Components.Schemas)
	// Its examples and defaults break its own schemas; only the schemas count here.
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation())
	return &spec{doc, router}, err
}

// mendTypes replaces words that are no types of OpenAPI, for which the validator
// refuses the whole document. It belongs to mend.
func mendTypes(raw []byte) []byte {
	for wrong, right := range map[string]string{"Object": "object", "PartialStartDate": "string", "PartialEndDate": "string"} {
		raw = bytes.ReplaceAll(raw, []byte(`"type": "`+wrong+`"`), []byte(`"type":"`+right+`"`))
		raw = bytes.ReplaceAll(raw, []byte(`"type":"`+wrong+`"`), []byte(`"type":"`+right+`"`))
	}
	return raw
}

// mend corrects the known defects of the vendor's description, all of them here
// (contract note, section 6, and the sections named below). Everything else is
// taken at its word, and stricter: a field that it does not know is an error in
// a request and in a reply.
func mend(s openapi3.Schemas) {
	text, object := openapi3.NewStringSchema(), openapi3.NewObjectSchema()

	// A group's components are a list of ids and its position a number.
	group := s["GroupComponent"].Value.Properties
	group["components"] = openapi3.NewArraySchema().WithItems(text).NewRef()
	group["position"] = openapi3.NewIntegerSchema().NewRef()
	// A group that is read as a component carries the ids of its children.
	s["Component"].Value.Properties["components"] = openapi3.NewArraySchema().WithItems(text).NewRef()

	incident := s["Incident"].Value.Properties
	// A time or null, not a boolean.
	incident["postmortem_published_at"] = openapi3.NewDateTimeSchema().NewRef()
	// Top-level values of metadata are objects, as its own text says.
	entries := openapi3.NewObjectSchema().WithAdditionalProperties(object)
	incident["metadata"] = entries.NewRef()
	// Read once a postmortem is published (section 2).
	for _, name := range []string{"Incident", "IncidentUpdate"} {
		status := s[name].Value.Properties["status"].Value
		status.Enum = append(status.Enum, "postmortem")
	}

	// The map of statuses is shown with one random id as its only property.
	status := openapi3.NewStringSchema().WithEnum("operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage")
	for _, name := range []string{"postPagesPageIdIncidents", "patchPagesPageIdIncidents", "putPagesPageIdIncidents"} {
		write := s[name].Value.Properties["incident"].Value.Properties
		write["components"] = openapi3.NewObjectSchema().WithAdditionalProperties(status).NewRef()
		write["metadata"] = entries.NewRef()
		write["name"].Value.WithMaxLength(255)   // said in words only
		write["body"].Value.WithMaxLength(25000) // said in words only
	}

	// Errors hold "error" or "message", each a text, a list or a tree (section 1).
	any := openapi3.NewSchema()
	s["ErrorEntity"].Value = openapi3.NewObjectSchema().WithProperty("error", any).WithProperty("message", any)

	// Any field of a reply may be null (section 1). A write never holds null.
	for name, ref := range s {
		reads := !strings.HasPrefix(name, "post") && !strings.HasPrefix(name, "patch") && !strings.HasPrefix(name, "put") && !strings.HasPrefix(name, "delete")
		strict(ref.Value, reads, map[*openapi3.Schema]bool{})
	}
}

// strict forbids unknown fields where fields are listed, and allows null.
func strict(s *openapi3.Schema, null bool, seen map[*openapi3.Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	if len(s.Properties) > 0 && s.AdditionalProperties.Schema == nil {
		no := false
		s.AdditionalProperties.Has = &no
	}
	for _, p := range s.Properties {
		p.Value.Nullable = p.Value.Nullable || null
		if null && len(p.Value.Enum) > 0 {
			p.Value.Enum = append(p.Value.Enum, nil)
		}
		strict(p.Value, null, seen)
	}
	if s.Items != nil {
		strict(s.Items.Value, null, seen)
	}
}

// judge is a transport that holds every request and reply against the
// description and reports what differs.
type judge struct {
	t    testing.TB
	spec *spec
	next http.RoundTripper

	mu   sync.Mutex
	seen map[string]int // "GET /pages" -> how often
}

func newJudge(t testing.TB, next http.RoundTripper) *judge {
	t.Helper()
	return &judge{t: t, spec: loadSpec(t), next: next, seen: map[string]int{}}
}

func (j *judge) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	in := j.request(r, sent)
	res, err := j.next.RoundTrip(r)
	if err != nil || in == nil {
		return res, err
	}
	body, rerr := io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	if rerr == nil {
		j.reply(in, res, body)
	}
	return res, nil
}

// request judges a request and returns what its reply is judged with; nil for a
// request that is not of the Manage API.
func (j *judge) request(r *http.Request, sent []byte) *openapi3filter.RequestValidationInput {
	_, path, ok := strings.Cut(r.URL.Path, "/pages")
	if !ok {
		return nil
	}
	u, _ := url.Parse("https://api.statuspage.io/v1/pages" + path + "?" + r.URL.RawQuery)
	c := r.Clone(r.Context())
	c.URL, c.Host = u, u.Host
	c.Body = io.NopCloser(bytes.NewReader(sent))
	if len(sent) == 0 {
		c.Body, c.ContentLength = http.NoBody, 0
	}
	route, params, err := j.spec.router.FindRoute(c)
	if err != nil {
		j.t.Errorf("contract: %s %s is no operation: %v", r.Method, path, err)
		return nil
	}
	j.mu.Lock()
	j.seen[r.Method+" "+route.Path]++
	j.mu.Unlock()
	for name := range u.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			j.t.Errorf("contract: %s %s takes no parameter %q", r.Method, route.Path, name)
		}
	}
	in := &openapi3filter.RequestValidationInput{Request: c, Route: route, PathParams: params,
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true, AuthenticationFunc: func(_ context.Context, a *openapi3filter.AuthenticationInput) error {
			if !strings.HasPrefix(c.Header.Get("Authorization"), "OAuth ") {
				return a.NewError(http.ErrNoCookie)
			}
			return nil
		}}}
	if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
		j.t.Errorf("contract: %s %s: request %s\n%v", r.Method, route.Path, sent, err)
	}
	return in
}

func (j *judge) reply(in *openapi3filter.RequestValidationInput, res *http.Response, body []byte) {
	what := in.Request.Method + " " + in.Route.Path
	if res.StatusCode >= 400 {
		// Not every status is listed (420, 429, those of single incidents), and the
		// form is the same for all.
		var v map[string]any
		if json.Unmarshal(body, &v) != nil || v["error"] == nil && v["message"] == nil {
			j.t.Errorf("contract: %s answers %d with %.200q, which names no error", what, res.StatusCode, body)
		}
		return
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: in.Options}
	out.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		j.t.Errorf("contract: %s answers %d %.2000s\n%v", what, res.StatusCode, body, err)
	}
}
