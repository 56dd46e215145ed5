package httpx_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
)

func client(t *testing.T, cfg httpx.Config) *httpx.Client {
	t.Helper()
	c, err := httpx.New(cfg)
	require.NoError(t, err)
	return c
}

func TestDoDecodesJSON(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Method: "POST", Path: "/v1/x?a=1", Body: `{"n":"4127"}`, Reply: httpxtest.JSON(201, `{"id":"7"}`)})
	var out struct{ ID string }
	res, err := client(t, srv.Config("vendor")).Do(t.Context(), httpx.Request{
		Method: "POST", Path: "/v1/x", Query: map[string][]string{"a": {"1"}}, JSON: map[string]string{"n": "4127"}}, &out)
	require.NoError(t, err)
	assert.Equal(t, 201, res.Status)
	assert.Equal(t, "7", out.ID)
}

func TestStreamHandsOverTheBody(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/log", Reply: httpxtest.Text(200, "one\ntwo\n")})
	s, err := client(t, srv.Config("vendor")).Stream(t.Context(), httpx.Request{Path: "/log"})
	require.NoError(t, err)
	defer s.Body.Close()
	b, err := io.ReadAll(s.Body)
	require.NoError(t, err)
	assert.Equal(t, "one\ntwo\n", string(b))
}
