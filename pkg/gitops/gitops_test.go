package gitops_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/gitops"
)

const file = "kubernetes/balenacloud/api/deployment.yaml"

var where = gitops.Location{File: file, Path: "spec.template.spec.containers[api].image"}

// repo is a work tree and the bare origin that it pushes to.
type repo struct {
	t          *testing.T
	work, bare string
	clock      time.Time
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	dir := t.TempDir()
	r := &repo{t: t, work: filepath.Join(dir, "work"), bare: filepath.Join(dir, "origin.git"), clock: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	r.run(dir, "init", "--quiet", "--bare", "--initial-branch=master", r.bare)
	r.run(dir, "init", "--quiet", "--initial-branch=master", r.work)
	r.git("remote", "add", "origin", r.bare)
	return r
}

// environ is the environment without what a hook, from which the tests may be
// run, tells git.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") })
}

func (r *repo) run(dir string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = dir
	at := r.clock.Format(time.RFC3339)
	cmd.Env = append(environ(), "GIT_AUTHOR_NAME=robin", "GIT_AUTHOR_EMAIL=r@example.test", "GIT_COMMITTER_NAME=robin", "GIT_COMMITTER_EMAIL=r@example.test",
		"GIT_AUTHOR_DATE="+at, "GIT_COMMITTER_DATE="+at, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_ALLOW_PROTOCOL=file")
	out, err := cmd.CombinedOutput()
	require.NoError(r.t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

func (r *repo) git(args ...string) string { r.t.Helper(); return r.run(r.work, args...) }

func (r *repo) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.work, filepath.FromSlash(name))
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(r.t, os.WriteFile(path, []byte(text), 0o600))
}

// commit commits everything an hour later and pushes.
func (r *repo) commit(subject string) string {
	r.t.Helper()
	r.clock = r.clock.Add(time.Hour)
	r.git("add", "-A")
	r.git("commit", "--quiet", "--allow-empty", "-m", subject)
	r.push()
	return r.git("rev-parse", "HEAD")
}

func (r *repo) push() { r.t.Helper(); r.git("push", "--quiet", "--force", "origin", "HEAD:master") }

func (r *repo) deploy(version string) string {
	r.t.Helper()
	r.write(file, manifest("registry.example.test:5000/api:"+version))
	return r.commit("api " + version)
}

func (r *repo) open() *gitops.Mirror {
	r.t.Helper()
	m, err := gitops.Open(r.t.Context(), gitops.Config{Repository: r.bare, Folder: filepath.Join(r.t.TempDir(), "mirrors"), Environ: environ(), Now: func() time.Time { return r.clock }})
	require.NoError(r.t, err)
	return m
}

func manifest(image string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n      containers:\n" +
		"        - name: sidecar\n          image: registry.example.test:5000/log:1.0.0\n" +
		"        - name: api\n          image: " + image + "\n"
}

func history(t *testing.T, m *gitops.Mirror, l gitops.Location) (gitops.History, []string) {
	t.Helper()
	s, err := m.Refresh(t.Context())
	require.NoError(t, err)
	h, err := m.History(t.Context(), s, l, 0)
	require.NoError(t, err)
	out := []string{}
	for _, c := range h.Changes {
		out = append(out, c.Version)
	}
	return h, out
}

func TestHistoryComparesValuesNotText(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.deploy("17.3.2")
	first := r.deploy("17.4.0")
	r.write(file, "# a comment\n"+strings.ReplaceAll(manifest(`"registry.example.test:5000/api:17.4.0"`), "        - ", "      -   "))
	r.commit("re-indent, quote, comment")
	r.write("README.md", "x")
	r.commit("something else")
	bad := r.deploy("17.5.0")
	r.git("revert", "--no-edit", "HEAD")
	r.push()
	h, got := history(t, r.open(), where)
	assert.Equal(t, []string{"17.4.0", "17.5.0", "17.4.0", "17.3.2"}, got)
	assert.Equal(t, bad, h.Changes[1].ID)
	assert.Equal(t, first, h.Changes[2].ID, "a change belongs to the commit that brought it")
	assert.Equal(t, "robin", h.Changes[2].Author)
	assert.Equal(t, time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), h.Changes[2].Time)
	assert.Equal(t, "registry.example.test:5000/api", h.Changes[0].Image)
	assert.Empty(t, h.Cut)
}

func TestHistoryFollowsARename(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("old/api.yaml", manifest("api:1.0.0"))
	r.commit("api 1.0.0")
	r.write("old/api.yaml", manifest("api:1.1.0"))
	r.commit("api 1.1.0")
	require.NoError(t, os.MkdirAll(filepath.Join(r.work, "kubernetes/balenacloud/api"), 0o700))
	r.git("mv", "old/api.yaml", file)
	r.commit("move")
	r.write(file, manifest("api:1.2.0"))
	r.commit("api 1.2.0")
	h, got := history(t, r.open(), where)
	assert.Equal(t, []string{"1.2.0", "1.1.0", "1.0.0"}, got)
	assert.Equal(t, "old/api.yaml", h.Changes[2].File)
}

func TestHistoryTakesAMergeAsOneChange(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.deploy("1.0.0")
	r.git("checkout", "--quiet", "-b", "pr")
	r.write(file, manifest("api:1.1.0"))
	r.git("commit", "--quiet", "-am", "on a branch")
	r.write(file, manifest("api:1.2.0"))
	r.git("commit", "--quiet", "-am", "on a branch again")
	r.git("checkout", "--quiet", "master")
	r.write("other", "x")
	r.git("add", "-A")
	r.git("commit", "--quiet", "-m", "other")
	r.clock = r.clock.Add(time.Hour)
	r.git("merge", "--quiet", "--no-ff", "-m", "merge the deploy", "pr")
	r.push()
	h, got := history(t, r.open(), where)
	assert.Equal(t, []string{"1.2.0", "1.0.0"}, got)
	assert.Equal(t, "merge the deploy", h.Changes[0].Subject)
}

func TestHistorySkipsWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.deploy("1.0.0")
	r.write(file, "{{ broken")
	r.commit("broken")
	r.git("rm", "--quiet", file)
	r.commit("gone")
	r.deploy("1.0.0")
	r.deploy("1.1.0")
	h, got := history(t, r.open(), where)
	assert.Equal(t, []string{"1.1.0", "1.0.0"}, got)
	assert.Equal(t, 2, h.Gaps)
}

func TestTwoComponentsInOneFile(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	two := func(a, b string) string {
		return manifest("api:"+a) + "---\n" + strings.ReplaceAll(strings.ReplaceAll(manifest("worker:"+b), "name: api", "name: worker"), "kind: Deployment", "kind: StatefulSet")
	}
	for _, v := range [][2]string{{"1.0.0", "5.0.0"}, {"1.0.0", "5.1.0"}, {"1.1.0", "5.1.0"}} {
		r.write(file, two(v[0], v[1]))
		r.commit("x")
	}
	m := r.open()
	_, got := history(t, m, where)
	assert.Equal(t, []string{"1.1.0", "1.0.0"}, got)
	_, got = history(t, m, gitops.Location{File: file, Path: "spec.template.spec.containers[worker].image"})
	assert.Equal(t, []string{"5.1.0", "5.0.0"}, got)
	_, err := gitops.Extract([]byte(two("1", "2")), gitops.Location{File: file, Path: "spec.template.spec.containers[sidecar].image"})
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, "2 documents")
	v, err := gitops.Extract([]byte(two("1", "2")), gitops.Location{File: file, Path: "spec.template.spec.containers[1].image", Document: "StatefulSet/worker"})
	require.NoError(t, err)
	assert.Equal(t, "2", v.Version)
}

func TestShallowOriginSaysThatItIsCut(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	for i := range 5 {
		r.deploy(fmt.Sprintf("1.%d.0", i))
	}
	cut := filepath.Join(t.TempDir(), "shallow.git")
	r.run(t.TempDir(), "clone", "--quiet", "--bare", "--depth=2", "file://"+r.bare, cut)
	m, err := gitops.Open(t.Context(), gitops.Config{Repository: cut, Folder: t.TempDir(), Environ: environ()})
	require.NoError(t, err)
	h, got := history(t, m, where)
	assert.Equal(t, []string{"1.4.0", "1.3.0"}, got)
	assert.Contains(t, h.Cut, "shallow")

	// Of a shallow clone with a work tree the origin counts, and that is whole.
	work := filepath.Join(t.TempDir(), "clone")
	r.run(t.TempDir(), "clone", "--quiet", "--depth=1", "file://"+r.bare, work)
	before := r.run(work, "rev-parse", "HEAD")
	r.deploy("1.9.0") // the clone is behind now
	m, err = gitops.Open(t.Context(), gitops.Config{Repository: work, Folder: t.TempDir(), Environ: environ()})
	require.NoError(t, err)
	h, got = history(t, m, where)
	assert.Equal(t, []string{"1.9.0", "1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"}, got)
	assert.Empty(t, h.Cut)
	assert.Equal(t, before, r.run(work, "rev-parse", "HEAD"), "the clone is left as it is")
	assert.Equal(t, "true", r.run(work, "rev-parse", "--is-shallow-repository"))
}

func TestSyncTagIsMovedByForce(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	m := r.open()
	a := r.deploy("1.0.0")
	_, err := m.Refresh(t.Context())
	require.NoError(t, err)
	_, err = m.Applied(t.Context(), a)
	require.ErrorIs(t, err, apierr.ErrNotFound, "no tag is no answer")
	tag := func() {
		r.git("tag", "-f", "-a", "-m", "Sync pointer", "flux-sync")
		r.git("push", "--quiet", "--force", "origin", "flux-sync")
	}
	tag()
	b := r.deploy("1.1.0")
	look := func(commit string) gitops.Applied {
		_, err := m.Refresh(t.Context())
		require.NoError(t, err)
		got, err := m.Applied(t.Context(), commit)
		require.NoError(t, err)
		return got
	}
	assert.True(t, look(a).Includes)
	assert.False(t, look(b).Includes)
	r.clock = r.clock.Add(time.Hour)
	tag()
	got := look(b)
	assert.True(t, got.Includes)
	assert.Equal(t, b, got.Commit)
	assert.Equal(t, r.clock, got.At)
}

func TestUnreachableOriginLeavesTheAge(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.deploy("1.0.0")
	m := r.open()
	_, err := m.Refresh(t.Context())
	require.NoError(t, err)
	at := r.clock
	require.NoError(t, os.Rename(r.bare, r.bare+".away"))
	r.clock = r.clock.Add(time.Hour)
	s, err := m.Refresh(t.Context())
	require.NoError(t, err)
	require.Error(t, s.Stale)
	assert.Equal(t, at, s.FetchedAt)
	d, err := m.Declared(t.Context(), s.Commit, where)
	require.NoError(t, err)
	assert.Equal(t, "1.0.0", d.Version)

	fresh, err := gitops.Open(t.Context(), gitops.Config{Repository: r.bare + ".away", Folder: t.TempDir(), Branch: "main"})
	require.NoError(t, err)
	_, err = fresh.Refresh(t.Context())
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.ErrorContains(t, err, "no branch main")
}

// TestMirrorsOfOneLookFetchOnce, and see the same state; others see what came later.
func TestMirrorsOfOneLookFetchOnce(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	head := r.deploy("17.4.0")
	r.git("push", "--quiet", "origin", "HEAD:other")
	var fetches atomic.Int32
	c := gitops.Config{Repository: r.bare, Folder: filepath.Join(t.TempDir(), "mirrors"), Environ: os.Environ(), Once: &gitops.Once{},
		Before: func(context.Context) error { fetches.Add(1); return nil }}
	refresh := func(c gitops.Config) gitops.Snapshot {
		m, err := gitops.Open(t.Context(), c)
		require.NoError(t, err)
		s, err := m.Refresh(t.Context())
		require.NoError(t, err)
		return s
	}
	var wg sync.WaitGroup
	for _, branch := range []string{"", "master", "other", ""} {
		wg.Go(func() {
			c := c
			c.Branch = branch
			m, err := gitops.Open(t.Context(), c)
			if assert.NoError(t, err) {
				s, err := m.Refresh(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, head, s.Commit)
			}
		})
	}
	wg.Wait()
	newer := r.deploy("17.4.1")
	assert.Equal(t, head, refresh(c).Commit)
	assert.EqualValues(t, 1, fetches.Load())
	c.Once = nil
	assert.Equal(t, newer, refresh(c).Commit)
	assert.EqualValues(t, 2, fetches.Load())
}

// TestAKilledGitLeavesItsLock: the next fetch takes it away. One that cannot be
// taken away leaves the mirror as old as it is, with the lock's name.
func TestAKilledGitLeavesItsLock(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.deploy("17.4.0")
	folder := filepath.Join(t.TempDir(), "mirrors")
	m, err := gitops.Open(t.Context(), gitops.Config{Repository: r.bare, Folder: folder, Environ: environ(), Now: func() time.Time { return r.clock }})
	require.NoError(t, err)
	_, err = m.Refresh(t.Context())
	require.NoError(t, err)
	mirrors, err := filepath.Glob(filepath.Join(folder, "*.git"))
	require.NoError(t, err)
	require.Len(t, mirrors, 1)
	lock := filepath.Join(mirrors[0], "refs", "oncall", "head.lock")
	require.NoError(t, os.WriteFile(lock, nil, 0o600))
	head := r.deploy("17.4.1")
	s, err := m.Refresh(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Stale)
	assert.Equal(t, head, s.Commit)
	assert.NoFileExists(t, lock)

	require.NoError(t, os.MkdirAll(filepath.Join(lock, "kept"), 0o700)) // a folder is no lock of git's
	r.deploy("17.5.0")
	s, err = m.Refresh(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, s.Stale, apierr.ErrUnavailable)
	assert.Contains(t, s.Stale.Error(), "head.lock': File exists")
	assert.Equal(t, head, s.Commit)
}

func TestDiffTellsWhatElseChanged(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	a := r.deploy("1.0.0")
	r.write("unrelated", "1")
	r.commit("unrelated")
	r.write("kubernetes/balenacloud/api/config.yaml", "x: 1")
	b := r.deploy("1.1.0")
	m := r.open()
	_, err := m.Refresh(t.Context())
	require.NoError(t, err)
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		d, err := m.Diff(t.Context(), pair[0], pair[1], file)
		require.NoError(t, err)
		assert.Equal(t, []string{"kubernetes/balenacloud/api/config.yaml"}, d.Files)
		assert.Len(t, d.Commits, 2)
		assert.Contains(t, d.Patch, "api:1.1.0")
		assert.NotContains(t, d.Patch, "unrelated")
	}
}

func TestRepositoriesThatAreNotHandedToGit(t *testing.T) {
	t.Parallel()
	marker := filepath.Join(t.TempDir(), "ran")
	for _, text := range []string{"ext::sh -c 'touch " + marker + "'", "-u./x", "--upload-pack=touch " + marker, "fd::17", "http://example.test/x", "git://example.test/x",
		"https://user:pw@example.test/x", "ssh://-oProxyCommand=x/y", "-x@host:path", "user@-host:path", "", "a\nb"} {
		_, err := gitops.Open(t.Context(), gitops.Config{Repository: text, Folder: t.TempDir()})
		assert.ErrorIs(t, err, apierr.ErrUsage, text)
	}
	r := newRepo(t)
	r.deploy("1.0.0")
	r.git("remote", "set-url", "origin", "ext::sh -c touch% "+marker)
	_, err := gitops.Open(t.Context(), gitops.Config{Repository: r.work, Folder: t.TempDir()})
	require.ErrorIs(t, err, apierr.ErrUsage)
	r.git("remote", "remove", "origin")
	_, err = gitops.Open(t.Context(), gitops.Config{Repository: r.work, Folder: t.TempDir()})
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.ErrorContains(t, err, "no remote called origin")
	// A rewrite in somebody's git configuration does not help either.
	m, err := gitops.Open(t.Context(), gitops.Config{Repository: "https://example.test/x", Folder: t.TempDir(),
		Environ: append(environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.ext::touch "+marker+" .insteadOf", "GIT_CONFIG_VALUE_0=https://example.test/")})
	require.NoError(t, err)
	_, err = m.Refresh(t.Context())
	require.Error(t, err)
	assert.NoFileExists(t, marker)
	_, err = gitops.Open(t.Context(), gitops.Config{Repository: r.bare, Folder: t.TempDir(), Branch: "--upload-pack=x"})
	require.ErrorIs(t, err, apierr.ErrUsage)
	_, err = gitops.Open(t.Context(), gitops.Config{Repository: r.work, Folder: t.TempDir(), Git: "no-such-git"})
	require.ErrorIs(t, err, apierr.ErrUnsupported)
}

func TestExtract(t *testing.T) {
	t.Parallel()
	const helm = "kind: HelmRelease\nspec:\n  values:\n    image:\n      registry: ghcr.example.test\n      repository: a/b\n      tag: "
	for name, c := range map[string]struct {
		text  string
		l     gitops.Location
		want  string // version image digest
		cause error
	}{
		"quoted tag keeps its zero":      {"image_tag: \"1.20\"", gitops.Location{Format: gitops.FormatFile, Path: "image_tag"}, "1.20  ", nil},
		"bare number keeps its zero":     {"image_tag: 1.20", gitops.Location{Format: gitops.FormatFile, Path: "image_tag"}, "1.20  ", nil},
		"version file":                   {"v737\n", gitops.Location{Format: gitops.FormatFile}, "v737  ", nil},
		"port and tag":                   {manifest("registry:5000/img:1.2"), where, "1.2 registry:5000/img ", nil},
		"digest":                         {manifest("r/img:1.2@sha256:abc"), where, "1.2 r/img sha256:abc", nil},
		"no tag":                         {manifest("registry:5000/img"), where, "", gitops.ErrNoVersion},
		"kustomize":                      {"images:\n- name: api\n  newName: r/api\n  newTag: '1.0'", gitops.Location{Format: gitops.FormatKustomize, Image: "api"}, "1.0 r/api ", nil},
		"flux kustomization":             {"spec:\n  images:\n  - {name: api, newTag: 1.0.1}", gitops.Location{Format: gitops.FormatKustomize, Image: "api"}, "1.0.1 api ", nil},
		"helm":                           {helm + "2.0.1@sha256:f", gitops.Location{Format: gitops.FormatHelm}, "2.0.1 ghcr.example.test/a/b sha256:f", nil},
		"helm image and tag":             {"spec: {values: {image: r/x, tag: 3.1}}", gitops.Location{Format: gitops.FormatHelm}, "3.1 r/x ", nil},
		"helm image reference":           {"spec: {values: {app: {image: 'r/x:3.2'}}}", gitops.Location{Format: gitops.FormatHelm, Path: "spec.values.app.image"}, "3.2 r/x ", nil},
		"range":                          {"spec: {chart: {spec: {version: '>=1.0.0'}}}", gitops.Location{Path: "spec.chart.spec.version"}, "", gitops.ErrNoVersion},
		"alias of the same file":         {"v: &v 1.4\nimage_tag: *v", gitops.Location{Format: gitops.FormatFile, Path: "image_tag"}, "1.4  ", nil},
		"key with dots":                  {"metadata: {labels: {app.kubernetes.io/version: 1.9}}", gitops.Location{Path: `metadata.labels["app.kubernetes.io/version"]`}, "1.9  ", nil},
		"flux substitution":              {manifest("r/api:${API_TAG}"), where, "", gitops.ErrTemplated},
		"template":                       {"a: {{ .Values.tag }}\nb: [", where, "", gitops.ErrTemplated},
		"template in a string":           {manifest("'r/api:{{ tag }}'"), where, "", gitops.ErrTemplated},
		"sops":                           {"spec: x\nsops: {mac: y}", where, "", gitops.ErrEncrypted},
		"encrypted value":                {"image_tag: ENC[AES256_GCM,data:x]", gitops.Location{Format: gitops.FormatFile, Path: "image_tag"}, "", gitops.ErrEncrypted},
		"git-crypt":                      {"\x00GITCRYPT\x00abc", where, "", gitops.ErrEncrypted},
		"no such container":              {strings.ReplaceAll(manifest("x:1"), "name: api", "name: other"), where, "", gitops.ErrAbsent},
		"empty":                          {"", where, "", gitops.ErrAbsent},
		"a mapping where a value is due": {"image_tag: {a: 1}", gitops.Location{Format: gitops.FormatFile, Path: "image_tag"}, "", gitops.ErrNoVersion},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := gitops.Extract([]byte(c.text), c.l)
			if c.cause != nil {
				require.ErrorIs(t, err, c.cause)
				require.ErrorIs(t, err, apierr.ErrGuard)
				assert.Empty(t, v.Version)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, v.Version+" "+v.Image+" "+v.Digest)
		})
	}
}

func TestAutomationMarks(t *testing.T) {
	t.Parallel()
	texts := func(text string) []string {
		v, err := gitops.Extract([]byte(text), where)
		require.NoError(t, err)
		out := []string{}
		for _, m := range v.Automation {
			out = append(out, m.Text)
		}
		return out
	}
	annotated := func(lines string) string {
		return strings.Replace(manifest("api:1"), "  name: api\n", "  name: api\n  annotations:\n"+lines, 1)
	}
	assert.Empty(t, texts(manifest("api:1")))
	assert.Equal(t, []string{`# {"$imagepolicy": "flux-system:api"}`}, texts(manifest(`api:1 # {"$imagepolicy": "flux-system:api"}`)))
	assert.Equal(t, []string{`fluxcd.io/automated: "true"`}, texts(annotated("    fluxcd.io/automated: \"true\"\n")))
	assert.Empty(t, texts(annotated("    fluxcd.io/automated: true\n")), "only a string counts")
	assert.Empty(t, texts(annotated("    fluxcd.io/automated: \"true\"\n    fluxcd.io/locked: \"true\"\n")))
	assert.Equal(t, []string{`flux.weave.works/automated: "true"`}, texts(annotated("    flux.weave.works/automated: \"true\"\n")))
}

func TestLocationCheck(t *testing.T) {
	t.Parallel()
	require.NoError(t, where.Check())
	for _, l := range []gitops.Location{{}, {File: "/etc/passwd", Path: "a"}, {File: "../x", Path: "a"}, {File: "a/../../x", Path: "a"}, {File: "a\nb", Path: "a"},
		{File: "a"}, {File: "a", Format: gitops.FormatKustomize}, {File: "a", Format: "xml", Path: "b"}, {File: "a", Path: "b..c"}, {File: "a", Path: "b["}, {File: "a", Path: "b[]"}, {File: "a", Path: "b."}} {
		require.ErrorIs(t, l.Check(), apierr.ErrUsage, "%+v", l)
	}
}

func FuzzExtract(f *testing.F) {
	f.Add(manifest("registry:5000/api:1.2.3@sha256:abc"), "spec.template.spec.containers[api].image")
	f.Add("a: &a [*a]", "a[0]")
	f.Add("image_tag: '1.20' # {\"$imagepolicy\": \"x:y\"}", "image_tag")
	f.Fuzz(func(t *testing.T, text, path string) {
		for _, format := range []gitops.Format{gitops.FormatPath, gitops.FormatKustomize, gitops.FormatHelm, gitops.FormatFile} {
			v, err := gitops.Extract([]byte(text), gitops.Location{File: "f", Format: format, Path: path, Image: "api"})
			var e *apierr.Error
			if err == nil && v.Version == "" || err != nil && !errors.As(err, &e) {
				t.Fatalf("%q: %+v %v", text, v, err)
			}
		}
	})
}

func TestDiscoverProposes(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write(file, manifest("r/api:1.0.0"))
	r.write("apps/ui/release.yaml", "kind: HelmRelease\nmetadata: {name: ui}\nspec: {values: {image: {repository: r/ui, tag: '2.0'}}}")
	r.write("apps/k/kustomization.yaml", "images:\n- {name: r/k, newTag: v3}")
	r.write("apps/b/version.yaml", "image_tag: '4.10'")
	r.write("apps/t/t.yaml", "a: {{ x }}\nb: [")
	r.write("apps/s/s.yaml", "image_tag: x\nsops: {}")
	r.write("apps/none.yaml", "image_tag: '>=1'")
	r.commit("all")
	m := r.open()
	s, err := m.Refresh(t.Context())
	require.NoError(t, err)
	found, skipped, err := m.Discover(t.Context(), s.Commit, "")
	require.NoError(t, err)
	assert.Equal(t, 2, skipped)
	got := []string{}
	for _, p := range found {
		got = append(got, p.Component+" "+p.Version)
		v, err := gitops.Extract([]byte(r.git("show", "HEAD:"+p.File)), gitops.Location{File: p.File, Format: p.Format, Path: p.Path, Image: p.Image, Document: p.Document})
		require.NoError(t, err, "a proposal can be used as it is")
		assert.Equal(t, p.Version, v.Version)
	}
	assert.Equal(t, []string{"b 4.10", "k v3", "ui 2.0", "sidecar 1.0.0", "api 1.0.0"}, got)
	found, _, err = m.Discover(t.Context(), s.Commit, "apps/ui")
	require.NoError(t, err)
	assert.Len(t, found, 1)
}
