package victorops_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	yaml "go.yaml.in/yaml/v3"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/judges"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/victorops"
)

// later are the operations that the vendor's document of 2020 does not have,
// with what they are known from (note 8: "Paths in victorops.yaml").
var later = map[string]string{
	"GET /api-public/v2/user":                                          "index of a later vendor file, clients",
	"GET /api-public/v2/profile/{username}/policies":                   "clients",
	"GET /api-public/v2/team/{team}/rotations":                         "index of a later vendor file, clients",
	"GET /api-public/v1/chat":                                          "one client",
	"POST /integrations/generic/20131114/alert/{restKey}/{routingKey}": "product documentation: another host with no API document",
}

// spec loads the vendor's document as OpenAPI 3. It is data of the vendor and not
// part of the project.
func spec(t *testing.T) *openapi3.T {
	t.Helper()
	b, err := os.ReadFile(judges.Contract(t, "victorops.yaml"))
	require.NoError(t, err)
	var raw map[string]any
	require.NoError(t, yaml.Unmarshal(b, &raw))
	parameters, ok := raw["parameters"].(map[string]any)
	require.True(t, ok)
	delete(raw, "parameters")
	b, err = json.Marshal(inline(raw, parameters))
	require.NoError(t, err)
	var v2 openapi2.T
	require.NoError(t, json.Unmarshal(b, &v2))
	doc, err := openapi2conv.ToV3(&v2)
	require.NoError(t, err)
	return doc
}

// inline puts shared parameters where they are used: the converter does not
// follow references to bodies. The stored copy has "required: true" commented out
// on parameters: those of the path, both credentials and every body are required.
func inline(v any, parameters map[string]any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = inline(v[i], parameters)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			if name, ok := strings.CutPrefix(ref, "#/parameters/"); ok {
				return inline(maps.Clone(parameters[name].(map[string]any)), parameters)
			}
		}
		if in, ok := v["in"].(string); ok {
			v["required"] = in == "path" || in == "header" || in == "body"
		}
		for k := range v {
			v[k] = inline(v[k], parameters)
		}
		// One list (user/batch) names a parameter where a schema belongs.
		if items, ok := v["items"].(map[string]any); ok && items["schema"] != nil {
			v["items"] = items["schema"]
		}
	}
	return v
}

// operations are the directives of the package, by method name.
func operations(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	out := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || !fn.Name.IsExported() || !onClient(fn) {
				continue
			}
			out[fn.Name.Name] = ""
			if fn.Doc == nil {
				continue
			}
			for _, c := range fn.Doc.List {
				if op, ok := strings.CutPrefix(c.Text, "//contract:operation "); ok {
					out[fn.Name.Name] = op
				}
			}
		}
	}
	return out
}

func onClient(fn *ast.FuncDecl) bool {
	star, ok := fn.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	id, ok := star.X.(*ast.Ident)
	return ok && id.Name == "Client"
}

// paging names methods that make no request of their own.
var paging = []string{"AllIncidentHistory", "Skew"}

func TestDirectives(t *testing.T) {
	t.Parallel()
	doc := spec(t)
	for op, why := range later {
		require.NotEmpty(t, why, op)
	}
	seen := map[string]bool{}
	for name, op := range operations(t) {
		if slices.Contains(paging, name) {
			assert.Empty(t, op, name)
			continue
		}
		method, path, ok := strings.Cut(op, " ")
		if !assert.True(t, ok, "%s has no //contract:operation METHOD /path", name) {
			continue
		}
		seen[op] = true
		item := doc.Paths.Value(path)
		inSpec := item != nil && item.GetOperation(method) != nil
		_, isLater := later[op]
		assert.NotEqual(t, inSpec, isLater, "%s: %s must be either in the vendor's document or in the list of later ones", name, op)
	}
	for op := range later {
		assert.True(t, seen[op], "%s is listed and not used", op)
	}
}

// judge is a vendor made of its document: it validates each request and answers
// with a sample of the 200's schema.
type judge struct {
	t    *testing.T
	doc  *openapi3.T
	mu   sync.Mutex
	seen map[string]bool
}

var placeholder = regexp.MustCompile(`\\\{[^/]+\\\}`)

func (j *judge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/base")
	assert.True(j.t, ok, "%s is not under the base path", r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	best, params := "", map[string]string(nil)
	for template, item := range j.doc.Paths.Map() {
		if item.GetOperation(r.Method) == nil {
			continue
		}
		re := regexp.MustCompile("^" + placeholder.ReplaceAllString(regexp.QuoteMeta(template), "([^/]+)") + "$")
		// Of several the one with the fewest placeholders is meant.
		if m := re.FindStringSubmatch(path); m != nil && (best == "" || strings.Count(template, "{") < strings.Count(best, "{")) {
			best, params = template, map[string]string{}
			for i, name := range regexp.MustCompile(`\{([^}]+)\}`).FindAllStringSubmatch(template, -1) {
				params[name[1]] = m[i+1]
			}
		}
	}
	if best == "" {
		j.note(r.Method + " later " + path)
		_, _ = io.WriteString(w, `{}`)
		return
	}
	j.note(r.Method + " " + best)
	item := j.doc.Paths.Value(best)
	op := item.GetOperation(r.Method)
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params,
		Route: &routers.Route{Spec: j.doc, Path: best, PathItem: item, Method: r.Method, Operation: op}}
	// The document has no bodies where the note asks for one ({} on DELETE).
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		j.t.Errorf("%s %s: %v", r.Method, best, err)
	}
	res := op.Responses.Value("200").Value
	media := res.Content.Get("application/json")
	if media == nil || media.Schema == nil {
		return // 200 without a body
	}
	b, err := json.Marshal(sample(media.Schema.Value, 0))
	assert.NoError(j.t, err)
	_, _ = w.Write(b)
}

func (j *judge) note(op string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen[op] = true
}

// sample is a value of a schema: its example, its first word, or one made up.
func sample(s *openapi3.Schema, depth int) any {
	switch {
	case s.Example != nil:
		return s.Example
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type.Is("array"):
		if depth > 12 {
			return []any{}
		}
		return []any{sample(s.Items.Value, depth+1)}
	case s.Type.Is("string"):
		return "2026-03-04T02:11:09Z" // a text and a time
	case s.Type.Is("integer"), s.Type.Is("number"):
		return 7
	case s.Type.Is("boolean"):
		return true
	}
	out := map[string]any{}
	for name, p := range s.Properties {
		out[name] = sample(p.Value, depth+1)
	}
	return out
}

// Every call is made once: its request must satisfy the vendor's document, and
// the document's reply must decode.
func TestRequestsAndRepliesAgainstTheSpec(t *testing.T) {
	t.Parallel()
	j := &judge{t: t, doc: spec(t), seen: map[string]bool{}}
	srv := httptest.NewServer(j)
	t.Cleanup(srv.Close)
	c, err := victorops.New(victorops.Config{HTTP: httpx.Config{BaseURL: srv.URL + "/base"}, APIID: secret.New(apiID), APIKey: secret.New(apiKey),
		AlertURL: srv.URL + "/base", RESTKey: secret.New(restKey)})
	require.NoError(t, err)

	ctx, now := t.Context(), time.Date(2026, 3, 4, 2, 0, 0, 0, time.UTC)
	ack := victorops.AckRequest{UserName: "you", Numbers: []string{"4127"}, Message: "m"}
	note := victorops.Note{Name: "n", DisplayName: "d", Value: json.RawMessage(`{"text":"t"}`)}
	rules := []victorops.NewRule{{Type: victorops.NotifySMS, ContactID: 1}}
	targets := []victorops.Target{{Type: victorops.TargetUser, Slug: "you"}}
	calls := map[string]func() (any, error){
		"Incidents":     func() (any, error) { return c.Incidents(ctx) },
		"Incident":      func() (any, error) { return c.Incident(ctx, "4127") },
		"Ack":           func() (any, error) { return c.Ack(ctx, ack) },
		"Resolve":       func() (any, error) { return c.Resolve(ctx, ack) },
		"AckByUser":     func() (any, error) { return c.AckByUser(ctx, victorops.ByUserRequest{UserName: "you"}) },
		"ResolveByUser": func() (any, error) { return c.ResolveByUser(ctx, victorops.ByUserRequest{UserName: "you"}) },
		"Reroute": func() (any, error) {
			return c.Reroute(ctx, victorops.RerouteRequest{UserName: "you", Reroutes: []victorops.Reroute{{Number: "4127", Targets: targets}}})
		},
		"Notes":      func() (any, error) { return c.Notes(ctx, "4127") },
		"CreateNote": func() (any, error) { return c.CreateNote(ctx, "4127", note) },
		"UpdateNote": func() (any, error) { return nil, c.UpdateNote(ctx, "4127", note) },
		"DeleteNote": func() (any, error) { return nil, c.DeleteNote(ctx, "4127", "n") },
		"Alert":      func() (any, error) { return c.Alert(ctx, "5c0e") },
		"OnCallNow":  func() (any, error) { return c.OnCallNow(ctx) },
		"TeamSchedule": func() (any, error) {
			return c.TeamSchedule(ctx, "team-1", victorops.ScheduleQuery{DaysForward: 30, DaysSkip: 90, Step: 3})
		},
		"UserSchedule":   func() (any, error) { return c.UserSchedule(ctx, "you", victorops.ScheduleQuery{DaysForward: 1}) },
		"TakeOnCall":     func() (any, error) { return c.TakeOnCall(ctx, "pol-1", "you", "secondary") },
		"RotationGroups": func() (any, error) { return c.RotationGroups(ctx, "team-1") },
		"Overrides":      func() (any, error) { return c.Overrides(ctx) },
		"Override":       func() (any, error) { return c.Override(ctx, "ovrprd-1") },
		"CreateOverride": func() (any, error) {
			return c.CreateOverride(ctx, victorops.NewOverride{Username: "you", Timezone: "UTC", Start: now, End: now.Add(time.Hour)})
		},
		"DeleteOverride": func() (any, error) { return nil, c.DeleteOverride(ctx, "ovrprd-1") },
		"Assignments":    func() (any, error) { return c.Assignments(ctx, "ovrprd-1") },
		"Assignment":     func() (any, error) { return c.Assignment(ctx, "ovrprd-1", "pol-1") },
		"Assign":         func() (any, error) { return c.Assign(ctx, "ovrprd-1", "pol-1", "secondary", false) },
		"Unassign":       func() (any, error) { return c.Unassign(ctx, "ovrprd-1", "pol-1") },
		"UsersV1":        func() (any, error) { return c.UsersV1(ctx) },
		"User":           func() (any, error) { return c.User(ctx, "you@example.test") },
		"CreateUser": func() (any, error) {
			return c.CreateUser(ctx, victorops.NewUser{FirstName: "a", LastName: "b", Username: "c", Email: "d@example.test"})
		},
		"UpdateUser": func() (any, error) {
			return c.UpdateUser(ctx, "you", victorops.NewUser{FirstName: "a", LastName: "b", Username: "c", Email: "d@example.test"})
		},
		"DeleteUser":     func() (any, error) { return nil, c.DeleteUser(ctx, "you", "secondary") },
		"UserTeams":      func() (any, error) { return c.UserTeams(ctx, "you") },
		"ContactMethods": func() (any, error) { return c.ContactMethods(ctx, "you") },
		"Emails":         func() (any, error) { return c.Emails(ctx, "you") },
		"Phones":         func() (any, error) { return c.Phones(ctx, "you") },
		"Devices":        func() (any, error) { return c.Devices(ctx, "you") },
		"Email":          func() (any, error) { return c.Email(ctx, "you", "e1") },
		"Phone":          func() (any, error) { return c.Phone(ctx, "you", "e1") },
		"Device":         func() (any, error) { return c.Device(ctx, "you", "e1") },
		"AddEmail":       func() (any, error) { return c.AddEmail(ctx, "you", "l", "a@example.test", 1) },
		"AddPhone":       func() (any, error) { return c.AddPhone(ctx, "you", "l", "+44 20 7946 0000", 1) },
		"UpdateDevice": func() (any, error) {
			return nil, c.UpdateDevice(ctx, "you", "e1", victorops.DeviceSettings{Label: "l"})
		},
		"DeleteEmail":       func() (any, error) { return nil, c.DeleteEmail(ctx, "you", "e1") },
		"DeletePhone":       func() (any, error) { return nil, c.DeletePhone(ctx, "you", "e1") },
		"DeleteDevice":      func() (any, error) { return nil, c.DeleteDevice(ctx, "you", "e1") },
		"PagingPolicy":      func() (any, error) { return c.PagingPolicy(ctx, "you") },
		"AddPagingStep":     func() (any, error) { return c.AddPagingStep(ctx, "you", 10, rules) },
		"PagingStep":        func() (any, error) { return c.PagingStep(ctx, "you", 0) },
		"UpdatePagingStep":  func() (any, error) { return c.UpdatePagingStep(ctx, "you", 0, 10, rules) },
		"AddPagingRule":     func() (any, error) { return c.AddPagingRule(ctx, "you", 0, rules[0]) },
		"PagingRule":        func() (any, error) { return c.PagingRule(ctx, "you", 0, 0) },
		"UpdatePagingRule":  func() (any, error) { return c.UpdatePagingRule(ctx, "you", 0, 0, rules[0]) },
		"DeletePagingRule":  func() (any, error) { return nil, c.DeletePagingRule(ctx, "you", 0, 0) },
		"UserPolicies":      func() (any, error) { return c.UserPolicies(ctx, "you") },
		"NotificationTypes": func() (any, error) { return c.NotificationTypes(ctx) },
		"ContactTypes":      func() (any, error) { return c.ContactTypes(ctx) },
		"TimeoutTypes":      func() (any, error) { return c.TimeoutTypes(ctx) },
		"Teams":             func() (any, error) { return c.Teams(ctx) },
		"Team":              func() (any, error) { return c.Team(ctx, "team-1") },
		"TeamMembers":       func() (any, error) { return c.TeamMembers(ctx, "team-1") },
		"TeamAdmins":        func() (any, error) { return c.TeamAdmins(ctx, "team-1") },
		"RemoveTeamMember":  func() (any, error) { return nil, c.RemoveTeamMember(ctx, "team-1", "you", "secondary") },
		"Policies":          func() (any, error) { return c.Policies(ctx) },
		"Policy":            func() (any, error) { return c.Policy(ctx, "pol-1") },
		"RoutingKeys":       func() (any, error) { return c.RoutingKeys(ctx) },
		"IncidentHistory":   func() (any, error) { return c.IncidentHistory(ctx, victorops.HistoryQuery{Limit: 100, Offset: 1}) },
		"OnCallLog":         func() (any, error) { return c.OnCallLog(ctx, "team-1", now, now, "you") },
		"Maintenance":       func() (any, error) { return c.Maintenance(ctx) },
	}
	ops := operations(t)
	for name, call := range calls {
		v, err := call()
		require.NoError(t, err, name)
		assert.True(t, j.seen[ops[name]], "%s should have asked %s", name, ops[name])
		// A sample holds something in every field, so that a wrong tag shows as nothing.
		if v != nil {
			b, err := json.Marshal(v)
			require.NoError(t, err, name)
			assert.False(t, bytes.Equal(b, []byte("[]")), "%s decoded nothing of the document's reply", name)
		}
	}
	// The document gives this reply the schema of a note, by mistake.
	_, err = c.CreateIncident(ctx, victorops.NewIncident{Summary: "s", Details: "d", UserName: "you", Targets: targets})
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	assert.True(t, j.seen[ops["CreateIncident"]])
	calls["CreateIncident"] = nil

	for name, op := range ops {
		_, isLater := later[op]
		if !isLater && !slices.Contains(paging, name) {
			_, called := calls[name]
			assert.True(t, called, "%s is not judged by the document", name)
		}
	}
}
