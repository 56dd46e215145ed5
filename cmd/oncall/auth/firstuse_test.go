package auth_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What was typed is tried at once: by the next page it is too late.
func TestLoginOnATerminalTriesWhatWasTyped(t *testing.T) {
	t.Parallel()
	e, vars := served(t)
	e.Terminal, e.Width = true, 200
	write(t, e, ".config/oncall/config.yaml", "contexts:\n  - name: prod\n    user: you\n    victorops:\n      url: "+vars["ONCALL_VICTOROPS_URL"]+"\n")
	e.Stdin = "id-hunter2\nkey-hunter2\n\n"
	r := e.Run("auth login victorops --color never")
	assert.Equal(t, 3, r.Code, r.Err)
	assert.Regexp(t, `victorops +refused +\{keyring: prod/victorops.api-id\}`, r.Out)
	assert.Contains(t, r.Err, "hint: oncall auth login victorops\n")
	shows(t, e, r, "hunter2")

	e.Stdin = vars["ONCALL_VICTOROPS_API_ID"] + "\n" + vars["ONCALL_VICTOROPS_API_KEY"] + "\n\n"
	r = e.Run("auth login victorops --color never")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Regexp(t, `victorops +accepted`, r.Out)
	shows(t, e, r, vars["ONCALL_VICTOROPS_API_KEY"])

	// A script has its output and its exit code for the login alone.
	e.Terminal = false
	e.Stdin = "id-hunter2\nkey-hunter2\n"
	r = e.Run("auth login victorops")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.NotContains(t, r.Out, "refused")
	assert.Equal(t, "hint: oncall auth status victorops --context prod\n", r.Err)
}

// The key is the organisation's: who acts is set apart, and is as easily wrong.
func TestStatusOfTheUser(t *testing.T) {
	t.Parallel()
	e, _ := served(t)
	r := e.Run("auth status victorops")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "accepted  {file: ~/id}, {file: ~/key}  no user is set: changes need one (ONCALL_USER, or oncall config set user NAME)")
	e.Vars["ONCALL_USER"] = "you"
	r = e.Run("auth status victorops")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "accepted  {file: ~/id}, {file: ~/key}  -")
	e.Vars["ONCALL_USER"] = "ghost"
	r = e.Run("auth status victorops")
	assert.Equal(t, 4, r.Code, r.Err)
	assert.Contains(t, r.Out, `failed  {file: ~/id}, {file: ~/key}  the key is accepted, but nobody is called "ghost" there`)
	assert.Equal(t, "hint: set ONCALL_USER, or: oncall config set user NAME\n", r.Err)
}

// Without a context in a file there is nothing to log in to.
func TestHintsWhereTheEnvironmentIsAll(t *testing.T) {
	t.Parallel()
	e, vars := served(t)
	require.NoError(t, os.Remove(filepath.Join(e.Home, ".config/oncall/config.yaml")))
	e.Vars["ONCALL_VICTOROPS_URL"] = vars["ONCALL_VICTOROPS_URL"]
	e.Vars["ONCALL_USER"] = "you"
	r := e.Run("incident list")
	assert.Equal(t, 3, r.Code)
	assert.Equal(t, "victorops: list incidents: no API id and key are set\nhint: set ONCALL_VICTOROPS_API_ID and ONCALL_VICTOROPS_API_KEY\n", r.Err)
	e.Vars["ONCALL_VICTOROPS_API_ID"] = vars["ONCALL_VICTOROPS_API_ID"]
	r = e.Run("incident list")
	assert.Equal(t, "victorops: list incidents: no API key is set\nhint: set ONCALL_VICTOROPS_API_KEY\n", r.Err)
	e.Vars["ONCALL_VICTOROPS_API_KEY"] = vars["ONCALL_VICTOROPS_API_KEY"]
	r = e.Run("incident trigger --routing-key ops --summary x --entity-id e")
	assert.Equal(t, 3, r.Code)
	assert.Contains(t, r.Err, "no REST key is set\nhint: set ONCALL_VICTOROPS_REST_KEY\n")

	// One that was not tried is not blamed.
	e.Vars["ONCALL_VICTOROPS_API_KEY"], e.Vars["ONCALL_VICTOROPS_REST_KEY"] = "wrong", "rest"
	r = e.Run("auth status victorops")
	assert.Equal(t, 3, r.Code)
	assert.Equal(t, "hint: correct ONCALL_VICTOROPS_API_ID, ONCALL_VICTOROPS_API_KEY in the environment\n", r.Err)
}
