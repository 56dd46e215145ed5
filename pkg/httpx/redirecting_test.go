package httpx_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/secret"
)

func TestRedirectOfAReadOnTheSameHost(t *testing.T) {
	t.Parallel()
	key := map[string]string{"X-Key": "s3cr3t"}
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/checks", Header: key, Reply: httpxtest.Redirect(301, "checks/?a=1#f")},
		httpxtest.Exchange{Path: "/checks/?a=1", Header: key, Reply: httpxtest.Redirect(302, "//user:pw@HOST/base/path/z")},
		httpxtest.Exchange{Method: "HEAD", Path: "/h", Reply: httpxtest.Redirect(303, "/base/path/i")},
		httpxtest.Exchange{Method: "HEAD", Path: "/i", Reply: httpxtest.Status(200)},
		httpxtest.Exchange{Method: "POST", Path: "/search", Body: `{"q":1}`, Reply: httpxtest.Redirect(307, "/base/path/search2")},
		httpxtest.Exchange{Method: "POST", Path: "/search2", Body: `{"q":1}`, Header: key, Reply: httpxtest.JSON(200, `{}`)},
		httpxtest.Exchange{Method: "POST", Path: "/search", Body: `{"q":1}`, Reply: httpxtest.Redirect(302, "/base/path/search2")},
	)
	cfg := srv.Config("v")
	cfg.Header = map[string]secret.String{"X-Key": secret.New("s3cr3t")}
	c := client(t, cfg)
	_, err := c.Do(t.Context(), httpx.Request{Path: "/checks"}, nil)
	require.ErrorIs(t, err, apierr.ErrUnavailable, "HOST is another host")
	assert.NotContains(t, err.Error(), "pw")
	_, err = c.Do(t.Context(), httpx.Request{Method: "HEAD", Path: "/h"}, nil)
	require.NoError(t, err)
	search := httpx.Request{Method: "POST", Path: "/search", Reads: true, JSON: map[string]int{"q": 1}}
	_, err = c.Do(t.Context(), search, nil)
	require.NoError(t, err)
	_, err = c.Do(t.Context(), search, nil)
	require.ErrorIs(t, err, apierr.ErrUnavailable)
	assert.Contains(t, err.Error(), "which would lose the request's body")
}

func TestRedirectInACircle(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/x", Times: 6, Reply: httpxtest.Redirect(302, "x")})
	_, err := client(t, srv.Config("v")).Do(t.Context(), httpx.Request{Path: "/x"}, nil)
	require.ErrorIs(t, err, apierr.ErrUnavailable)
	assert.Contains(t, err.Error(), "redirected more than 5 times")
}

// TestCredentialsNeverGoElsewhere listens where redirects lead: other port,
// other host name, another scheme.
func TestCredentialsNeverGoElsewhere(t *testing.T) {
	t.Parallel()
	var heard atomic.Int32
	listener := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	defer listener.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, method := range []string{"GET", "POST"} {
			for path, kind := range map[string]error{"/login": apierr.ErrAuth, "/elsewhere": apierr.ErrUnavailable} {
				srv := httpxtest.New(t, httpxtest.Exchange{Method: method, Path: "/x", Reply: httpxtest.Redirect(status, listener.URL+path)})
				cfg := srv.Config("v")
				cfg.Header = map[string]secret.String{"X-Key": secret.New("s3cr3t")}
				cfg.LoginHint = "oncall auth login v"
				_, err := client(t, cfg).Do(t.Context(), httpx.Request{Method: method, Path: "/x"}, nil)
				require.ErrorIs(t, err, kind)
				assert.Equal(t, path == "/login", apierr.HintOf(err) == "oncall auth login v")
			}
		}
	}
	assert.Zero(t, heard.Load())
}

func TestRedirectFromHTTPSToHTTP(t *testing.T) {
	t.Parallel()
	tries := 0
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tries++
		w.Header().Set("Location", "http://"+r.Host+"/y")
		w.WriteHeader(302)
		_, _ = io.WriteString(w, "moved")
	}))
	defer srv.Close()
	_, err := client(t, httpx.Config{Vendor: "jenkins", BaseURL: srv.URL, Transport: srv.Client().Transport}).Do(t.Context(), httpx.Request{Op: "list jobs", Path: "/x"}, nil)
	require.ErrorIs(t, err, apierr.ErrUnavailable)
	assert.Regexp(t, `^jenkins: list jobs: redirected from https to http://127\.0\.0\.1:\d+/y, which is not followed \(302\)$`, err.Error())
	assert.Equal(t, 1, tries)
}
