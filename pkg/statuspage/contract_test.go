package statuspage_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// directives reads the operations that the methods of Client claim.
func directives(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	out := map[string][]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || !fn.Name.IsExported() || recv(fn) != "Client" {
				continue
			}
			out[fn.Name.Name] = []string{}
			for _, c := range fn.Doc.List {
				if op, ok := strings.CutPrefix(c.Text, "//contract:operation "); ok {
					out[fn.Name.Name] = append(out[fn.Name.Name], op)
				}
			}
		}
	}
	return out
}

func recv(fn *ast.FuncDecl) string {
	star, ok := fn.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return ""
	}
	id, _ := star.X.(*ast.Ident)
	return id.Name
}

func TestEveryMethodNamesAnOperationThatExists(t *testing.T) {
	t.Parallel()
	s := loadSpec(t)
	methods := directives(t)
	require.Greater(t, len(methods), 15)
	for name, ops := range methods {
		if name == "PageID" || name == "PublicSummary" { // asks Pages; is not in the description
			continue
		}
		assert.NotEmpty(t, ops, "%s names no operation", name)
		for _, op := range ops {
			method, path, _ := strings.Cut(op, " ")
			item := s.doc.Paths.Value(path)
			if assert.NotNil(t, item, "%s: no path %s", name, path) {
				assert.NotNil(t, item.GetOperation(method), "%s: no operation %s", name, op)
			}
		}
	}
}

// everyCall makes each call of the client once, with every field of every body set.
func everyCall(ctx context.Context, t *testing.T, c *statuspage.Client) {
	t.Helper()
	at := statuspage.At(time.Date(2026, 3, 20, 6, 0, 0, 0, time.FixedZone("", 7200)))
	inc := statuspage.IncidentWrite{
		Name: new("Builds wait"), Status: new(statuspage.Investigating), Body: new("We look."), ImpactOverride: new(statuspage.ImpactMinor),
		ComponentIDs: []string{"q4zk1m8tw2vd"}, Components: map[string]statuspage.ComponentStatus{"q4zk1m8tw2vd": statuspage.PartialOutage},
		DeliverNotifications: new(false), Metadata: statuspage.Metadata{"oncall": []byte(`{"author":"you"}`)}, ReminderIntervals: new("[]"),
		ScheduledFor: at, ScheduledUntil: at, ScheduledRemindPrior: new(true), ScheduledAutoProgress: new(true), ScheduledAutoCompleted: new(true),
		AutoToMaintenance: new(true), AutoToOperational: new(true), AutoNotifyAtStart: new(true), AutoNotifyAtEnd: new(true),
	}
	const id, upd = "p31zjtct2jer", "c5n9j3b7xv1s"
	calls := []func() error{
		func() error { _, err := c.Pages(ctx); return err },
		func() error { _, err := c.Page(ctx); return err },
		func() error { _, err := statuspage.Collect(c.Components(ctx)); return err },
		func() error { _, err := c.Component(ctx, "q4zk1m8tw2vd"); return err },
		func() error {
			_, err := c.UpdateComponent(ctx, "q4zk1m8tw2vd", statuspage.ComponentWrite{Name: new("n"), Description: new("d"),
				Status: new(statuspage.MajorOutage), GroupID: new("g"), Showcase: new(true), OnlyShowIfDegraded: new(false), StartDate: new("2024-05-01")})
			return err
		},
		func() error { _, err := statuspage.Collect(c.Groups(ctx)); return err },
		func() error { _, err := statuspage.Collect(c.Incidents(ctx, "q")); return err },
		func() error { _, err := statuspage.Collect(c.IncidentsIn(ctx, statuspage.Unresolved)); return err },
		func() error { _, err := statuspage.Collect(c.IncidentsIn(ctx, statuspage.ScheduledView)); return err },
		func() error { _, err := statuspage.Collect(c.IncidentsIn(ctx, statuspage.Upcoming)); return err },
		func() error {
			_, err := statuspage.Collect(c.IncidentsIn(ctx, statuspage.ActiveMaintenance))
			return err
		},
		func() error { _, err := c.Incident(ctx, id); return err },
		func() error { _, err := c.CreateIncident(ctx, inc); return err },
		func() error { _, err := c.UpdateIncident(ctx, id, inc); return err },
		func() error {
			_, err := c.EditUpdate(ctx, id, upd, statuspage.UpdateWrite{Body: new("b"), DisplayAt: at, DeliverNotifications: new(false)})
			return err
		},
		func() error { _, err := c.Postmortem(ctx, id); return err },
		func() error { _, err := c.DraftPostmortem(ctx, id, "draft"); return err },
		func() error {
			_, err := c.PublishPostmortem(ctx, id, statuspage.PostmortemPublish{NotifySubscribers: true})
			return err
		},
		func() error { _, err := c.RevertPostmortem(ctx, id); return err },
		func() error { _, err := statuspage.Collect(c.Templates(ctx)); return err },
		func() error { _, err := c.SubscriberCount(ctx); return err },
	}
	for i, call := range calls {
		require.NoError(t, call(), "call %d", i)
	}
}

// TestRequestsAndExampleRepliesKeepTheContract sends every call to a server that
// answers with the stored example replies; requests and replies are held against
// the description, and the replies are what the client decodes.
func TestRequestsAndExampleRepliesKeepTheContract(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.StripPrefix("/base/v1", exampleReply(t)))
	t.Cleanup(srv.Close)
	j := newJudge(t, http.DefaultTransport)
	c, err := statuspage.New(statuspage.Config{HTTP: httpx.Config{BaseURL: srv.URL + "/base/v1", Transport: j}, APIKey: secret.New(testKey), PageID: testPage})
	require.NoError(t, err)
	everyCall(t.Context(), t, c)
	for name, ops := range directives(t) {
		for _, op := range ops {
			assert.NotZero(t, j.seen[op], "%s never sent %s", name, op)
		}
	}
}

// exampleReply answers with the file of testdata/replies that belongs to the
// request.
func exampleReply(t *testing.T) http.HandlerFunc {
	t.Helper()
	files := map[string]string{
		"GET /pages": "pages", "GET ": "page", "GET /components": "components", "GET /components/": "component", "PATCH /components/": "component",
		"GET /component-groups": "groups", "GET /incidents": "incidents", "GET /incidents/unresolved": "incidents", "GET /incidents/scheduled": "maintenances",
		"GET /incidents/upcoming": "maintenances", "GET /incidents/active_maintenance": "maintenances", "GET /incidents/": "incident", "PATCH /incidents/": "incident",
		"POST /incidents": "incident", "PATCH /incidents//incident_updates/": "update", "GET /incidents//postmortem": "postmortem",
		"PUT /incidents//postmortem": "postmortem", "PUT /incidents//postmortem/publish": "postmortem", "PUT /incidents//postmortem/revert": "postmortem",
		"GET /incident_templates": "templates", "GET /subscribers/count": "subscribers",
	}
	return func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.URL.Path, "/pages/"+testPage)
		for _, id := range []string{"q4zk1m8tw2vd", "p31zjtct2jer", "c5n9j3b7xv1s"} {
			key = strings.ReplaceAll(key, id, "")
		}
		name, ok := files[r.Method+" "+key]
		if !ok {
			t.Errorf("no example reply for %s %s", r.Method, key)
		}
		body, err := os.ReadFile(filepath.Join("testdata", "replies", name+".json"))
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusCreated)
		}
		_, _ = w.Write(body)
	}
}

// recording notes what the judge complains of.
type recording struct {
	testing.TB
	errors []string
}

func (r *recording) Errorf(format string, _ ...any) { r.errors = append(r.errors, format) }
func (r *recording) Helper()                        {}

func TestTheJudgeSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		reply              string
	}{
		"an operation that does not exist":  {"POST", "/components/q4zk1m8tw2vd/snooze", `{}`, 200, `{}`},
		"a parameter that does not exist":   {"GET", "/incidents?per_page=100", "", 200, `[]`},
		"a field that does not exist":       {"POST", "/incidents", `{"incident":{"name":"x","message":"y"}}`, 201, `{}`},
		"a write that is not wrapped":       {"POST", "/incidents", `{"name":"x"}`, 201, `{}`},
		"a status that is none":             {"PATCH", "/components/q4zk1m8tw2vd", `{"component":{"status":"partial"}}`, 200, `{}`},
		"a null in a write":                 {"PATCH", "/incidents/p31zjtct2jer", `{"incident":{"components":null}}`, 200, `{}`},
		"a map with a status that is none":  {"PATCH", "/incidents/p31zjtct2jer", `{"incident":{"components":{"a":"down"}}}`, 200, `{}`},
		"metadata whose value is no object": {"PATCH", "/incidents/p31zjtct2jer", `{"incident":{"metadata":{"oncall":"x"}}}`, 200, `{}`},
		"a name that is too long":           {"POST", "/incidents", `{"incident":{"name":"` + strings.Repeat("x", 256) + `"}}`, 201, `{}`},
		"a reply of another form":           {"GET", "/incidents", "", 200, `{"incidents":[]}`},
		"a reply with an unknown field":     {"GET", "/incidents/p31zjtct2jer", "", 200, `{"title":"x"}`},
		"a reply with a wrong time":         {"GET", "/incidents/p31zjtct2jer", "", 200, `{"created_at":"yesterday"}`},
		"a status that is not listed":       {"POST", "/incidents", `{"incident":{"name":"x"}}`, 202, `{}`},
		"an error that names nothing":       {"GET", "/incidents", "", 404, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := &recording{TB: t}
			j := newJudge(rec, roundTrip(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: tc.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(tc.reply))}, nil
			}))
			req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://h.invalid/v1"+root+tc.path, strings.NewReader(tc.body))
			require.NoError(t, err)
			req.Header.Set("Authorization", "OAuth k")
			if tc.body != "" {
				req.Header.Set("Content-Type", "application/json")
			}
			res, err := j.RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			assert.NotEmpty(t, rec.errors)
		})
	}
}

func TestRepliesAreAllUsed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/replies/*.json")
	require.NoError(t, err)
	names := []string{}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	slices.Sort(names)
	assert.Equal(t, []string{"component", "components", "groups", "incident", "incidents", "maintenances", "page", "pages", "postmortem", "subscribers", "templates", "update"}, names)
}
