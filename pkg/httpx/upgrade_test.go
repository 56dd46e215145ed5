package httpx_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

func dial(t *testing.T, ctx context.Context, h http.Handler) (*websocket.Conn, error) {
	t.Helper()
	s := httptest.NewServer(http.StripPrefix("/base", h))
	t.Cleanup(s.Close)
	c, err := httpx.New(httpx.Config{Vendor: "demo", BaseURL: s.URL + "/base", LoginHint: "sign in",
		Mode: httpx.ReadOnly, Header: map[string]secret.String{"Authorization": secret.New("Bearer glsa_1234")}})
	require.NoError(t, err)
	conn, _, err := websocket.Dial(ctx, c.Base()+"/tail?q=1", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: c.Upgrader(httpx.Request{Op: "follow", Header: http.Header{"X-Scope-Orgid": {"team"}}})}})
	return conn, err
}

func TestUpgradeTalks(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn, err := dial(t, ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/tail", r.URL.Path)
		assert.Equal(t, "Bearer glsa_1234", r.Header.Get("Authorization"))
		assert.Equal(t, "team", r.Header.Get("X-Scope-OrgID"))
		ws, err := websocket.Accept(w, r, nil)
		if !assert.NoError(t, err) {
			return
		}
		_, word, err := ws.Read(r.Context())
		assert.NoError(t, err)
		assert.NoError(t, ws.Write(r.Context(), websocket.MessageText, append([]byte("heard "), word...)))
		_ = ws.Close(websocket.StatusNormalClosure, "")
	}))
	require.NoError(t, err)
	require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte("this")))
	_, got, err := conn.Read(ctx)
	require.NoError(t, err)
	assert.Equal(t, "heard this", string(got))
	_, _, err = conn.Read(ctx)
	assert.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err))
}

func TestUpgradeRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   error
		says   string
	}{
		"bad query":  {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "parse error at line 1", 400) }, apierr.ErrInvalid, "parse error at line 1"},
		"no token":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, apierr.ErrAuth, "refused"},
		"login":      {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/base/login", http.StatusFound) }, apierr.ErrAuth, "not signed in"},
		"elsewhere":  {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/base/other", http.StatusFound) }, apierr.ErrUnavailable, "redirected"},
		"no upgrade": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }, apierr.ErrUnsupported, "does not speak WebSocket"},
		"page": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<!doctype html><title>Sign in</title>"))
		}, apierr.ErrAuth, "not signed in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := dial(t, t.Context(), c.answer)
			require.ErrorIs(t, err, c.kind)
			var e *apierr.Error
			require.ErrorAs(t, err, &e)
			assert.Contains(t, e.Error(), "demo: follow: ")
			assert.Contains(t, e.Error(), c.says)
		})
	}
}
