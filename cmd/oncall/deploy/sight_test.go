package deploy_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
)

// answering is a server of the test's own.
func answering(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// fact is one of api's facts: its answer and its evidence.
func fact(t *testing.T, e *clitest.Env, n int, more string) string {
	t.Helper()
	r := e.Run(fmt.Sprintf(`deploy status api --jq '.item.facts[%d] | .answer + ": " + .evidence' %s`, n, more))
	require.Zero(t, r.Code, r.Err)
	return strings.TrimSuffix(r.Out, "\n")
}

// TestRunningByTheComponentsOwnAnswer: what is no version is never shown as one.
func TestRunningByTheComponentsOwnAnswer(t *testing.T) {
	t.Parallel()
	text := func(status int, kind, body string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", kind)
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(body))
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		field  string
		want   string // how the fact begins
	}{
		"plain text":               {text(200, "text/plain", "17.5.0\n"), "", "yes: 17.5.0 in 1 of 1"},
		"another version":          {text(200, "text/plain", "17.4.1"), "", "no: 17.4.1 in 1 of 1"},
		"JSON":                     {text(200, "application/json", `{"build":{"version":"17.5.0"}}`), "build.version", "yes: 17.5.0 in 1 of 1"},
		"a wrong path":             {text(200, "application/json", `{"build":{"tag":"17.5.0"}}`), "build.version", "unknown: the version endpoint's answer has no text under build.version"},
		"a path into a list":       {text(200, "application/json", `[{"version":"17.5.0"}]`), "version", "unknown: the version endpoint's answer has no text under version"},
		"a number":                 {text(200, "application/json", `{"version":17.5}`), "version", "unknown: the version endpoint's answer has no text under version"},
		"JSON without a path":      {text(200, "application/json", `{"version":"17.5.0"}`), "", "unknown: the version endpoint's answer is no version"},
		"text with a path":         {text(200, "text/plain", "17.5.0"), "version", "unknown: the version endpoint's answer is not JSON"},
		"a page":                   {text(200, "text/html", "<!doctype html><title>Sign in</title>"), "", "unknown: "},
		"a version, loosely typed": {text(200, "text/html", "17.5.0"), "", "yes: 17.5.0 in 1 of 1"},
		"nothing":                  {text(200, "text/plain", ""), "", "unknown: the version endpoint's answer is no version"},
		"500":                      {text(500, "text/plain", "17.5.0"), "", "unknown: version endpoint"},
		"404":                      {text(404, "text/plain", "no"), "", "unknown: version endpoint"},
		"a sign-in elsewhere":      {http.RedirectHandler("http://127.0.0.1:1/login", http.StatusFound).ServeHTTP, "", "unknown: version endpoint"},
		"a sign-in here":           {func(rw http.ResponseWriter, r *http.Request) { signIn(rw, r) }, "", "unknown: "},
		"megabytes":                {text(200, "text/plain", strings.Repeat("17.5.0", 1<<20)), "", "unknown: version endpoint"},
		"a hostile version":        {text(200, "text/plain", "17.5.0\x1b[2J"), "", "unknown: the version endpoint's answer is no version"},
		"a connection that dies":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", "unknown: version endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			more := "    running: {url: " + answering(t, c.answer) + "/version"
			if c.field != "" {
				more += ", field: " + c.field
			}
			newRepo(t, e, more+"}\n")
			got := fact(t, e, 2, "")
			assert.True(t, strings.HasPrefix(got, c.want), got)
			assert.NotContains(t, got, "<")
			assert.Less(t, len(got), 300, "an answer is not quoted at length")
		})
	}
}

// signIn redirects to a page of the same host.
func signIn(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/login" {
		http.Redirect(rw, r, "/login", http.StatusFound)
		return
	}
	rw.Header().Set("Content-Type", "text/html")
	_, _ = rw.Write([]byte("<html>17.5.0</html>"))
}

// TestAppliedByAKustomizationOfTheCluster: as Kubernetes' API and as a metric
// show it, and as a file that kubectl wrote.
func TestAppliedByAKustomizationOfTheCluster(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	var revision, more string
	object := func() string {
		return `{"kind":"Kustomization","metadata":{"name":"apps","namespace":"flux-system"},"spec":{"suspend":` + orWord(more, "false") + `},"status":{"lastAppliedRevision":"` + revision + `"}}`
	}
	url := answering(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(object()))
	})
	r := newRepo(t, e, "    kustomization: {url: "+url+"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/apps}\n")
	commits := strings.Fields(r.read("rev-list", "master"))
	revision = "master@sha1:" + commits[0]
	assert.Equal(t, "yes: flux-system/apps at "+commits[0][:7], fact(t, e, 1, ""))
	revision = "master/" + commits[1]
	assert.Equal(t, "no: flux-system/apps at "+commits[1][:7], fact(t, e, 1, ""))
	revision = "master@sha1:" + strings.Repeat("0", 40)
	assert.Contains(t, fact(t, e, 1, ""), "unknown: flux-system/apps applied 0000000: ")

	// A file is as old as it is, and beats what is configured.
	path := filepath.Join(t.TempDir(), "apps.json")
	revision = "master@sha1:" + commits[0]
	require.NoError(t, os.WriteFile(path, []byte(object()), 0o600))
	at := e.Now().Add(-10 * time.Minute)
	require.NoError(t, os.Chtimes(path, at, at))
	revision = "master@sha1:" + commits[1]
	got := e.Run(`deploy status api --kustomization ` + path)
	require.Zero(t, got.Code, got.Err)
	assert.Regexp(t, `(?m)^applied +yes +flux-system/apps at [0-9a-f]{7} \(10m ago\)$`, got.Out)
	e.Stdin = object()
	assert.Equal(t, "no: flux-system/apps at "+commits[1][:7], fact(t, e, 1, "--kustomization -"))
	e.Stdin = "<html>Sign in"
	got = e.Run(`deploy status api --kustomization -`)
	assert.Equal(t, exit.Usage, got.Code)
	assert.Contains(t, got.Err, "it is not the JSON of a Kustomization")

	// What is suspended is not waited for. The world's build says SUCCESS, and the
	// test pushes what the job would have.
	more = "true"
	got = e.Run(`deploy run api 17.5.0` + yes)
	assert.Equal(t, exit.Found, got.Code, got.Err)
	assert.Contains(t, got.Err, "Flux applies nothing: the Kustomization flux-system/apps is suspended")
	assert.Contains(t, got.Err, "hint: flux -n flux-system resume kustomization apps, then: oncall deploy watch --component api")
	assert.Equal(t, 0, started(t, e))
	got = e.Run(`deploy run api 17.4.0 --no-wait` + yes)
	require.Zero(t, got.Code, got.Err)
	r.commit("image_tag: 17.4.0\n")
	got = e.Run(`deploy watch`)
	assert.Equal(t, exit.Found, got.Code, got.Err)
	assert.Contains(t, got.Err, "is suspended")
	assert.Equal(t, 1, started(t, e))
}

func orWord(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// read is what git says in the bare repository.
func (r *repo) read(args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", append([]string{"--git-dir=" + r.bare}, args...)...)
	cmd.Env = environ()
	out, err := cmd.Output()
	require.NoError(r.t, err)
	return string(out)
}

// TestAppliedByAMetric: kube-state-metrics' picture of the Kustomization.
func TestAppliedByAMetric(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := newRepo(t, e, "    kustomization: {query: 'gotk_resource_info{name=\"apps\"}'}\n")
	head := strings.Fields(r.read("rev-list", "master"))[0]
	asked := ""
	e.Vars["ONCALL_PROMETHEUS_URL"] = answering(t, func(rw http.ResponseWriter, q *http.Request) {
		asked = q.FormValue("query")
		rw.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(rw, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"gotk_resource_info","exported_namespace":"flux-system","name":"apps","ready":"True","suspended":"false","revision":"master@sha1:%s"},"value":[1772594310,"1"]}]}}`, head)
	})
	assert.Equal(t, "yes: flux-system/apps at "+head[:7], fact(t, e, 1, ""))
	assert.Equal(t, `gotk_resource_info{name="apps"}`, asked)
}

// TestDefinitionsWithoutEffect are refused: what is written is meant.
func TestDefinitionsWithoutEffect(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"{fleet: acme/chat, job: x}":                                           "job has no effect beside fleet",
		"{fleet: acme/chat, repo: /x, file: y, path: z}":                       "repo has no effect beside fleet",
		"{fleet: acme/chat, running: {url: 'https://x.test'}}":                 "running.url has no effect beside fleet",
		"{backend: none, hold-param: HOLD}":                                    "hold-param has no effect beside backend: none",
		"{backend: jenkins, fleet: acme/chat}":                                 "fleet has no effect beside backend: jenkins",
		"{branch: main}":                                                       "branch has no effect without repo and file",
		"{kustomization: {query: x}}":                                          "kustomization has no effect without repo and file",
		"{running: {label: version}}":                                          "running.label has no effect without running.query",
		"{running: {url: 'https://x.test', query: x}}":                         "running.url has no effect beside running.query",
		"{repo: /x, file: y, path: z, sync-tag: t, kustomization: {query: x}}": "sync-tag has no effect beside kustomization",
		"{repo: /x, file: y, format: kustomize, image: i, path: z}":            "the path has no effect with format kustomize",
		"{repo: /x, file: y, path: z, image: i}":                               "the image has no effect with format yaml",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			e.Serve()
			path := filepath.Join(t.TempDir(), "team.yaml")
			require.NoError(t, os.WriteFile(path, []byte("components:\n  chat: "+text+"\n"), 0o600))
			e.Vars["ONCALL_DEFINITIONS"] = path
			r := e.Run(`deploy list`)
			assert.Equal(t, exit.Usage, r.Code, r.Out)
			assert.Contains(t, r.Err, "components.chat: ")
			assert.Contains(t, r.Err, says)
		})
	}
}
