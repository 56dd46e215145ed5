package httpx_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/secret"
)

func TestRequestHeadersAndBodies(t *testing.T) {
	t.Parallel()
	has := func(want map[string]string) func(testing.TB, httpxtest.Recorded) {
		return func(t testing.TB, r httpxtest.Recorded) {
			for k, v := range want {
				assert.Equal(t, v, r.Header.Get(k), k)
			}
		}
	}
	for name, c := range map[string]struct {
		r     httpx.Request
		body  string
		check map[string]string
	}{
		"a read": {httpx.Request{}, httpxtest.NoBody, map[string]string{
			"Accept": "application/json", "User-Agent": "oncall/test", "Content-Type": "", "X-Vo-Api-Id": "id12", "Authorization": "Basic YW5uOnB3MTIz", "Cookie": ""}},
		"JSON":             {httpx.Request{Method: "POST", JSON: map[string]string{"a": "<b>&"}}, `{"a":"<b>&"}`, map[string]string{"Content-Type": "application/json"}},
		"JSON on DELETE":   {httpx.Request{Method: "DELETE", JSON: struct{}{}}, `{}`, map[string]string{"Content-Type": "application/json", "Content-Length": "2"}},
		"DELETE without":   {httpx.Request{Method: "DELETE"}, httpxtest.NoBody, map[string]string{"Content-Type": ""}},
		"POST without":     {httpx.Request{Method: "POST"}, httpxtest.NoBody, map[string]string{"Content-Length": "0", "Content-Type": ""}},
		"form":             {httpx.Request{Method: "POST", Form: url.Values{"a": {"1 2"}, "b": {"&"}}}, "a=1+2&b=%26", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
		"raw":              {httpx.Request{Method: "PUT", Raw: []byte("<x/>"), ContentType: "text/xml"}, "<x/>", map[string]string{"Content-Type": "text/xml"}},
		"raw, type unsaid": {httpx.Request{Method: "PUT", Raw: []byte("x")}, "x", map[string]string{"Content-Type": ""}},
		"own headers":      {httpx.Request{Accept: "text/plain", Header: http.Header{"x-vo-api-id": {"other"}, "If-Match": {"1"}}}, "", map[string]string{"Accept": "text/plain", "X-Vo-Api-Id": "other", "If-Match": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method := c.r.Method
			c.r.Path = "/x"
			srv := httpxtest.New(t, httpxtest.Exchange{Method: method, Path: "/x", Body: c.body, Check: has(c.check), Reply: httpxtest.JSON(200, `{}`).With("Set-Cookie", "a=b")})
			cfg := srv.Config("v")
			cfg.UserAgent, cfg.User, cfg.Password = "oncall/test", "ann", secret.New("pw123")
			cfg.Header = map[string]secret.String{"X-VO-Api-Id": secret.New("id12")}
			_, err := client(t, cfg).Do(t.Context(), c.r, nil)
			require.NoError(t, err)
		})
	}
}

func TestLinksInBodiesStayReadable(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Method: "POST", Path: "/x", Reply: httpxtest.JSON(200, `{}`), Check: func(t testing.TB, r httpxtest.Recorded) {
		assert.Equal(t, `"https://a.test/?b=1&c=<d>"`, string(r.Body))
	}})
	_, err := client(t, srv.Config("v")).Do(t.Context(), httpx.Request{Method: "POST", Path: "/x", JSON: "https://a.test/?b=1&c=<d>"}, nil)
	require.NoError(t, err)
}

func TestNoCookieIsKept(t *testing.T) {
	t.Parallel()
	none := func(t testing.TB, r httpxtest.Recorded) { assert.Empty(t, r.Header.Get("Cookie")) }
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/x", Check: none, Times: 2, Reply: httpxtest.JSON(200, `{}`).With("Set-Cookie", "JSESSIONID=1; Path=/")})
	c := client(t, srv.Config("jenkins"))
	for range 2 {
		_, err := c.Do(t.Context(), httpx.Request{Path: "/x"}, nil)
		require.NoError(t, err)
	}
}

func TestRequestThatCannotBeBuilt(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t)
	cfg := srv.Config("victorops")
	cfg.Header = map[string]secret.String{"X-Key": secret.New("abcdef\n")}
	_, err := client(t, cfg).Do(t.Context(), httpx.Request{Op: "ack 1"}, nil)
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.EqualError(t, err, "victorops: ack 1: the value of the header X-Key cannot be sent (a line break or control character in it?)")

	_, err = client(t, srv.Config("victorops")).Do(t.Context(), httpx.Request{Op: "ack 1", Method: "POST", JSON: make(chan int)}, nil)
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.EqualError(t, err, "victorops: ack 1: the request cannot be written as JSON: a field has no form in JSON")

	_, err = client(t, srv.Config("victorops")).Do(t.Context(), httpx.Request{Op: "ack 1", Method: "NO METHOD"}, nil)
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestWrites(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]bool{"": false, "GET": false, "HEAD": false, "OPTIONS": false, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "get": true} {
		assert.Equal(t, want, httpx.Request{Method: method}.Writes(), method)
		assert.False(t, httpx.Request{Method: method, Reads: true}.Writes(), method)
	}
}
