package config

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
)

func TestNothingConfigured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["ONCALL_USER"] = "alice"
	w.env["ONCALL_OUTPUT"] = "json"
	_, err := Load(w.source())
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.Equal(t, "nothing is configured: no config file and no ONCALL_* variable of a service", err.Error())
	assert.Contains(t, apierr.HintOf(err), "oncall --context demo incident list")
	assert.Contains(t, apierr.HintOf(err), "oncall init")

	c, err := Open(w.source())
	require.NoError(t, err, "commands that need no context still work")
	require.ErrorIs(t, c.ContextError(), apierr.ErrUsage)
	assert.Zero(t, c.Context())
	assert.Equal(t, "json", c.String("output"))
	assert.False(t, c.Found())
}

func TestNoHomeAtAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.home = ""
	w.env["ONCALL_VICTOROPS_API_KEY"] = "k3y-of-ci"
	c := w.load()
	assert.Equal(t, EnvironmentContext, c.Context().Name)
	assert.Empty(t, c.ConfigFile())
	assert.Empty(t, c.Paths().State)
	for _, dir := range []string{c.StateDir(), c.CacheDir()} {
		require.Error(t, os.MkdirAll(dir, 0o700), "nothing lands in the working folder")
	}
}

func TestEnvironmentOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env = map[string]string{"ONCALL_VICTOROPS_API_ID": "id", "ONCALL_VICTOROPS_API_KEY": " k3y-of-ci\n", "ONCALL_USER": "ci"}
	c := w.load()
	assert.Equal(t, Context{Name: "environment", User: "ci", Protected: true}, c.Context())
	s, err := c.Secret(t.Context(), "victorops.api-key")
	require.NoError(t, err)
	assert.Equal(t, "k3y-of-ci", s.Reveal())
	assert.Equal(t, Value{"***", Origin{FromEnv, "ONCALL_VICTOROPS_API_KEY"}, true}, c.Get("victorops.api-key"))
	assert.Empty(t, c.String("victorops.api-key"))

	w.env["ONCALL_PROTECTED"] = "0"
	assert.False(t, w.load().Context().Protected)
}

func TestChoosing(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file("contexts:\n  - name: prod\n  - name: staging\n")
	w.refused("no context is chosen; there are prod, staging, demo")
	w.env["ONCALL_JENKINS_URL"] = "https://ci.example.test"
	w.refused("no context is chosen; there are prod, staging, environment, demo")
	w.env["ONCALL_CONTEXT"] = "environment"
	assert.Equal(t, EnvironmentContext, w.load().Context().Name)
	w.env["ONCALL_CONTEXT"] = "staging"
	assert.Equal(t, "staging", w.load().Context().Name)
	w.flags["context"] = "prod"
	c := w.load()
	assert.Equal(t, "prod", c.Context().Name)
	assert.Equal(t, Value{"prod", Origin{FromFlag, "--context"}, true}, c.Get("context"))
	w.flags["context"] = ""
	w.refused("--context: the name is empty")

	one := newWorld(t).file("contexts:\n  - name: only\n")
	assert.Equal(t, "only", one.load().Context().Name, "a single context needs no choosing")
	one.env["ONCALL_JENKINS_URL"] = "https://ci.example.test"
	c = one.load()
	assert.Equal(t, "only", c.Context().Name, "nor does a variable choose another")
	assert.Equal(t, "https://ci.example.test", c.String("jenkins.url"))
}

func TestUnknownContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file("contexts:\n  - name: prod\n  - name: staging\n")
	w.flags["context"] = "stagin"
	w.refused(`--context: context "stagin" does not exist; there are staging, prod, demo`)
	delete(w.flags, "context")
	w.env["ONCALL_CONTEXT"] = "Prod"
	w.refused(`ONCALL_CONTEXT: context "Prod" does not exist; there are prod, staging, demo`)
	delete(w.env, "ONCALL_CONTEXT")
	w.file("current-context: dmeo\ncontexts:\n  - name: prod\n")
	w.refused(`config.yaml:1: context "dmeo" does not exist; there are demo, prod`)

	none := newWorld(t)
	none.flags["context"] = "prod"
	_, err := Load(none.source())
	require.EqualError(t, err, `--context: context "prod" does not exist; there are demo`)
	assert.Contains(t, apierr.HintOf(err), "oncall init")
}

func TestSurvey(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file(two)
	w.env["ONCALL_CONTEXT"] = "demo"
	w.env["ONCALL_LOKI_URL"] = "https://loki.example.test"
	got, current, err := Survey(w.source())
	require.NoError(t, err)
	assert.Equal(t, "demo", current)
	assert.Equal(t, []Context{
		{Name: "production", Environment: "production", User: "alice", Protected: true},
		{Name: "EU.West", Environment: "staging"},
		{Name: "environment", Protected: true},
		{Name: "demo", Environment: "demo", User: "you", Protected: true, Demo: true},
	}, got)
	assert.Empty(t, w.flags, "the caller's flags are left alone")
}
