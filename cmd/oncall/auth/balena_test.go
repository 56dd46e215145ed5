package auth_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
)

func TestStatusTriesBalenasToken(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("auth status balena")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "SERVICE  STATE     FROM      MESSAGE\nbalena   accepted  built in  -\n", r.Out)

	e, vars := served(t)
	e.Vars["ONCALL_BALENA_URL"] = vars["ONCALL_BALENA_URL"]
	e.Vars["ONCALL_BALENA_TOKEN"] = vars["ONCALL_BALENA_TOKEN"]
	r = e.Run("auth status balena --context prod")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "balena   accepted  ONCALL_BALENA_TOKEN")
	e.Vars["ONCALL_BALENA_TOKEN"] = "key-hunter2"
	r = e.Run("auth status balena --context prod")
	assert.Equal(t, 3, r.Code)
	assert.Contains(t, r.Out, "balena   refused  ONCALL_BALENA_TOKEN  ask whose token it is: the token was refused")
	assert.Equal(t, "hint: correct ONCALL_BALENA_TOKEN in the environment\n", r.Err)
	shows(t, e, r, "hunter2")
}
