package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/secret"
)

const pagerKey = "victorops.api-key"

// keyed is a world whose pager key is kept where reference says.
func keyed(t *testing.T, reference string) *world {
	t.Helper()
	return newWorld(t).file("contexts:\n  - name: prod\n    victorops:\n      api-key: " + reference + "\n")
}

func (w *world) secret() (string, *Config, error) {
	w.t.Helper()
	c := w.load()
	s, err := c.Secret(w.t.Context(), pagerKey)
	return s.Reveal(), c, err
}

func TestSecretReferences(t *testing.T) {
	t.Parallel()
	w := keyed(t, "{env: MY_KEY}")
	w.env["MY_KEY"] = "  from-env\n"
	got, _, err := w.secret()
	require.NoError(t, err)
	assert.Equal(t, "from-env", got)

	w = keyed(t, "{file: ~/key}").at("key", "from-file\n")
	got, c, err := w.secret()
	require.NoError(t, err)
	assert.Equal(t, "from-file", got)
	assert.Empty(t, c.Warnings())

	w = keyed(t, "{file: keys/pager}").at(".config/oncall/keys/pager", "beside-the-config")
	got, _, err = w.secret()
	require.NoError(t, err)
	assert.Equal(t, "beside-the-config", got)

	w = keyed(t, "{keyring: prod/pager}")
	require.NoError(t, w.ring.Set("prod/pager", "from-ring"))
	got, _, err = w.secret()
	require.NoError(t, err)
	assert.Equal(t, "from-ring", got)
}

func TestMissingSecretNamesTheWayOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file("contexts: [{name: prod}]\n")
	_, _, err := w.secret()
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.Equal(t, "victorops: no api-key", err.Error())
	assert.Equal(t, "oncall auth login victorops, or set ONCALL_VICTOROPS_API_KEY", apierr.HintOf(err))

	w = newWorld(t)
	w.env["ONCALL_VICTOROPS_API_ID"] = "id"
	_, _, err = w.secret()
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.Equal(t, "set ONCALL_VICTOROPS_API_KEY", apierr.HintOf(err), "without a file auth login has nowhere to write to")

	_, err = w.load().Secret(t.Context(), "victorops.org")
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestSecretsThatLeadNowhere(t *testing.T) {
	t.Parallel()
	for reference, want := range map[string]string{
		"{env: MY_KEY}":            "victorops: {env: MY_KEY} at config.yaml:4: the variable is not set",
		"{file: none}":             "victorops: {file: none} at config.yaml:4: there is no such file",
		"{file: /}":                "victorops: {file: /} at config.yaml:4: is a folder",
		"{file: ~/empty}":          "victorops: {file: ~/empty} at config.yaml:4 is empty",
		"{file: ~/lines}":          "victorops: {file: ~/lines} at config.yaml:4 has more than one line or a control character",
		"{file: ~/huge}":           "victorops: {file: ~/huge} at config.yaml:4: is too large for a secret",
		"{keyring: prod/pager}":    "victorops: {keyring: prod/pager} at config.yaml:4: the keyring has no such entry",
		"{exec: [no-such-cmd-zz]}": "victorops: {exec: [no-such-cmd-zz]} at config.yaml:4: there is no command no-such-cmd-zz",
		"{exec: [/, hunter2]}":     "victorops: {exec: [/, ...]} at config.yaml:4: the command cannot be run",
	} {
		w := keyed(t, reference).at("empty", " \n").at("lines", "hunter2\nhunter3\n").at("huge", strings.Repeat("x", maxSecret+1))
		_, _, err := w.secret()
		require.ErrorIs(t, err, apierr.ErrAuth, reference)
		assert.Equal(t, want, err.Error())
		assert.Contains(t, apierr.HintOf(err), "oncall auth login victorops")
	}
	w := keyed(t, "{keyring: prod/pager}")
	w.ring = &memoryRing{broken: true}
	_, _, err := w.secret()
	require.EqualError(t, err, "victorops: {keyring: prod/pager} at config.yaml:4: no keyring answers here")
}

func TestSecretFileOfOursThatOthersCanRead(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("file modes say nothing there")
	}
	w := newWorld(t)
	path, err := Locate(w.source()).StoreSecret("prod", pagerKey, "hunter2")
	require.NoError(t, err)
	w.file("contexts:\n  - name: prod\n    victorops:\n      api-key: {file: " + path + "}\n")
	got, _, err := w.secret()
	require.NoError(t, err)
	assert.Equal(t, "hunter2", got)

	require.NoError(t, os.Chmod(path, 0o640))
	_, _, err = w.secret()
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.NotErrorIs(t, err, apierr.ErrAuth, "exit 2, not 3")
	assert.Equal(t, path+": others can read this secret (mode 0640); oncall wrote it for you alone", err.Error())
	assert.Contains(t, apierr.HintOf(err), "chmod 600 "+path)

	link := filepath.Join(w.home, "link")
	require.NoError(t, os.Symlink(path, link))
	w.file("contexts:\n  - name: prod\n    victorops:\n      api-key: {file: ~/link}\n")
	_, _, err = w.secret()
	require.ErrorIs(t, err, apierr.ErrUsage, "by whatever name it is reached")
}

func TestMountedSecretFileWarnsOnce(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("file modes say nothing there")
	}
	w := newWorld(t).at("mounted", "hunter2").file("contexts:\n  - name: prod\n    victorops: {api-id: {file: ~/mounted}, api-key: {file: ~/mounted}}\n")
	path := filepath.Join(w.home, "mounted")
	require.NoError(t, os.Chmod(path, 0o444))
	var told []string
	s := w.source()
	s.OnWarn = func(text string) { told = append(told, text) }
	c, err := Load(s)
	require.NoError(t, err)
	for _, key := range []string{pagerKey, "victorops.api-id", pagerKey} {
		_, err := c.Secret(t.Context(), key)
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"secret file " + path + " can be read by others (chmod 600 " + path + ")"}, c.Warnings())
	assert.Equal(t, c.Warnings(), told)
}

func TestMaskerLearnsResolvedSecrets(t *testing.T) {
	t.Parallel()
	w := keyed(t, "{env: MY_KEY}")
	w.env["MY_KEY"] = "hunter2"
	s := w.source()
	s.Masker = &secret.Masker{}
	c, err := Load(s)
	require.NoError(t, err)
	_, err = c.Secret(t.Context(), pagerKey)
	require.NoError(t, err)
	assert.Equal(t, "key ***", s.Masker.Mask("key hunter2"))
}

func TestNoFormOfConfigShowsASecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["ONCALL_VICTOROPS_API_KEY"] = "hunter2"
	c := w.load()
	_, err := c.Secret(t.Context(), pagerKey)
	require.NoError(t, err)
	for _, o := range Options() {
		assert.NotContains(t, fmt.Sprintf("%+v %#v", c.Get(o.Key), c.String(o.Key)), "hunter2", o.Key)
	}
}

// managed is a world whose pager key a shell script prints. The script is read
// by sh, not executed: a file that was just written may be busy.
func managed(t *testing.T, body string) *world {
	t.Helper()
	w := newWorld(t)
	w.file("current-context: prod\ncontexts:\n  - name: prod\n    victorops: {api-id: {env: PAGER_ID}, api-key: {exec: [" + w.script(body) + "]}}\n" +
		"  - name: other\n    loki: {token: {env: LOKI_SECRET}}\n")
	return w
}

// script writes a shell script and returns the words of {exec: ...} that run it.
func (w *world) script(body string) string {
	w.t.Helper()
	if runtime.GOOS == "windows" {
		w.t.Skip("a shell script stands for the password manager")
	}
	w.at("manager", body)
	return "/bin/sh, " + filepath.Join(w.home, "manager")
}

func TestExec(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.file("contexts:\n  - name: prod\n    victorops:\n      api-key: {exec: [" + w.script(`printf '%s|%s \n' "$#" "$2"; echo second line`) + ", read, '$HOME; echo no', 'op://vault/key']}\n")
	got, c, err := w.secret()
	require.NoError(t, err)
	assert.Equal(t, "3|$HOME; echo no", got, "no shell, first line, trimmed")
	assert.Equal(t, "{exec: [/bin/sh, ...]}", c.Get(pagerKey).Text)

	w = keyed(t, "{exec: [~/tool, the-key]}")
	require.NoError(t, os.Symlink("/bin/echo", filepath.Join(w.home, "tool")))
	got, _, err = w.secret()
	require.NoError(t, err)
	assert.Equal(t, "the-key", got, "~/ is the home folder")

	w = keyed(t, "{exec: [echo, the-key]}")
	got, _, err = w.secret()
	require.NoError(t, err)
	assert.Equal(t, "the-key", got, "found on the PATH")
}

func TestExecGetsNothingOfOurs(t *testing.T) {
	t.Parallel()
	w := managed(t, `/usr/bin/env | sort | tr '\n' ','; cat`)
	w.env = map[string]string{"ONCALL_JENKINS_TOKEN": "a", "ONCALL_OUTPUT": "json", "oncall_x": "b", "PAGER_ID": "c", "LOKI_SECRET": "d", "VAULT_ADDR": "kept", "HOME": "/h"}
	got, _, err := w.secret()
	require.NoError(t, err)
	var names []string
	for _, pair := range strings.Split(strings.Trim(got, ","), ",") {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	assert.Subset(t, names, []string{"HOME", "VAULT_ADDR"})
	for _, ours := range []string{"ONCALL_JENKINS_TOKEN", "ONCALL_OUTPUT", "oncall_x", "PAGER_ID", "LOKI_SECRET"} {
		assert.NotContains(t, names, ours)
	}
}

func TestExecFailures(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"echo hunter2; echo hunter2 >&2; exit 3": "exit status 3; run the command by hand to see why",
		"kill -9 $$":                             "signal: killed; run the command by hand to see why",
		"yes hunter2":                            "printed too much for a secret",
	} {
		_, _, err := managed(t, body).secret()
		require.ErrorIs(t, err, apierr.ErrAuth)
		assert.Equal(t, "victorops: {exec: [/bin/sh, ...]} at config.yaml:4: "+want, err.Error())
	}
	_, _, err := managed(t, "echo; echo hunter2").secret()
	require.EqualError(t, err, "victorops: {exec: [/bin/sh, ...]} at config.yaml:4 is empty")
}

func TestExecThatHangs(t *testing.T) {
	t.Parallel()
	c := managed(t, "sleep 60 & sleep 60").load()
	c.execLimit = 50 * time.Millisecond
	start := time.Now()
	_, err := c.Secret(t.Context(), pagerKey)
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.Equal(t, "victorops: {exec: [/bin/sh, ...]} at config.yaml:4: no answer within 50ms", err.Error())
	assert.Less(t, time.Since(start), 20*time.Second, "a grandchild that holds the pipe keeps nobody waiting")

	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err = c.Secret(ctx, pagerKey)
	require.ErrorIs(t, err, context.Canceled, "an interrupt is not a missing credential")
	require.NotErrorIs(t, err, apierr.ErrAuth)
}

func TestExecRunsOnce(t *testing.T) {
	t.Parallel()
	w := managed(t, `echo x >> "$COUNT"; echo the-key`)
	count := filepath.Join(w.home, "count")
	w.env["COUNT"] = count
	c := w.load()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := c.Secret(t.Context(), pagerKey)
			assert.NoError(t, err)
			assert.Equal(t, "the-key", s.Reveal())
		})
	}
	all.Wait()
	asked, err := os.ReadFile(count)
	require.NoError(t, err)
	assert.Equal(t, "x\n", string(asked))
}

func TestFailureIsNotRemembered(t *testing.T) {
	t.Parallel()
	w := keyed(t, "{file: ~/later}")
	c := w.load()
	_, err := c.Secret(t.Context(), pagerKey)
	require.Error(t, err)
	w.at("later", "now")
	s, err := c.Secret(t.Context(), pagerKey)
	require.NoError(t, err)
	assert.Equal(t, "now", s.Reveal())
}
