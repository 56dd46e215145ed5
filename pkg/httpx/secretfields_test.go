package httpx_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
)

func TestDumpsHideSecretFields(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/x", Reply: httpxtest.JSON(200, `[{"mail" : "a\"b@c","name":"n"},{"mail":null}]`)})
	var dump bytes.Buffer
	cfg := srv.Config("v")
	cfg.SecretFields, cfg.Trace = []string{"mail"}, httpx.Trace{W: &dump, Level: 2}
	c, err := httpx.New(cfg)
	require.NoError(t, err)
	var out []map[string]any
	_, err = c.Do(t.Context(), httpx.Request{Path: "/x"}, &out)
	require.NoError(t, err)
	assert.Equal(t, `a"b@c`, out[0]["mail"])
	assert.Contains(t, dump.String(), `"mail" : "***","name":"n"`)
	assert.NotContains(t, dump.String(), "b@c")
	assert.Contains(t, dump.String(), `"mail":null`)
}
