package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/secret"
)

func TestURLIsSentAsGiven(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		r    httpx.Request
		wire string // after the base path
	}{
		"plain":                     {httpx.Request{Path: "/v1/incidents"}, "/v1/incidents"},
		"slash at the end":          {httpx.Request{Path: "/checks/"}, "/checks/"},
		"no slash at the start":     {httpx.Request{Path: "checks"}, "/checks"},
		"nothing":                   {httpx.Request{}, ""},
		"at stays raw":              {httpx.Request{Path: "/user/" + httpx.Segment("a@b.c")}, "/user/a@b.c"},
		"escaped at":                {httpx.Request{Path: "/user/a%40b"}, "/user/a%40b"},
		"escaped slash":             {httpx.Request{Path: "/job/" + httpx.Segment("feature/x")}, "/job/feature%2Fx"},
		"space, percent, umlaut":    {httpx.Request{Path: "/" + httpx.Segment("a b%ü")}, "/a%20b%25%C3%BC"},
		"escapes beside raw braces": {httpx.Request{Path: "/a%2Fb/{c}"}, "/a%2Fb/%7Bc%7D"},
		"a lone percent":            {httpx.Request{Path: "/50%/x"}, "/50%25/x"},
		"hash is no fragment":       {httpx.Request{Path: "/a#b"}, "/a%23b"},
		"dots are no walk":          {httpx.Request{Path: "/user/" + httpx.Segment("..") + "/x"}, "/user/%2E%2E/x"},
		"structure of OData":        {httpx.Request{Path: "/v7/device(uuid='a%2Fb')", RawQuery: "$filter=a/any(b:b/c eq 'd')"}, "/v7/device(uuid='a%2Fb')?$filter=a/any(b:b/c%20eq%20'd')"},
		"query in the path":         {httpx.Request{Path: "/x?a=1", RawQuery: "b=(2)", Query: url.Values{"c": {"3 4", "5&6"}}}, "/x?a=1&b=(2)&c=3+4&c=5%266"},
		"control characters":        {httpx.Request{Path: "/a\r\nb", RawQuery: "q=\n"}, "/a%0D%0Ab?q=%0A"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Path: c.wire, Reply: httpxtest.JSON(200, `{}`)})
			cfg := srv.Config("v")
			cfg.BaseURL += "/" // a slash at the end of the base is one, not two
			res, err := client(t, cfg).Do(t.Context(), c.r, nil)
			require.NoError(t, err)
			assert.Equal(t, httpxtest.Base+c.wire, res.URL.RequestURI())
		})
	}
}

func TestBaseKeepsItsPathAndQuery(t *testing.T) {
	t.Parallel()
	var got string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RequestURI }))
	defer srv.Close()
	c := client(t, httpx.Config{BaseURL: srv.URL + "/a%2Fb/c/?tenant=1"})
	_, err := c.Do(t.Context(), httpx.Request{Path: "/d", Query: url.Values{"e": {"f"}}}, nil)
	require.NoError(t, err)
	assert.Equal(t, "/a%2Fb/c/d?tenant=1&e=f", got)
	assert.Equal(t, srv.URL+"/a%2Fb/c", c.Base())
}

func TestBaseThatIsNone(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "api.example.test", "ftp://x", "http://", "://", "https//x", "http://[::1", "http://u:hunter22@ex ample/x", "u:hunter22@x/y"} {
		_, err := httpx.New(httpx.Config{Vendor: "loki", BaseURL: base})
		require.ErrorIs(t, err, apierr.ErrUsage, base)
		assert.Contains(t, err.Error(), "is not http(s)://HOST[/PATH]")
		assert.NotContains(t, err.Error(), "hunter22")
	}
}

func TestUserInTheBaseBecomesBasicAuthorisation(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/x", Header: map[string]string{"Authorization": "Basic YW5uOmh1bnRlcjIy"}, Reply: httpxtest.Text(401, "hunter22 is wrong")})
	cfg := srv.Config("loki")
	cfg.BaseURL = strings.Replace(cfg.BaseURL, "://", "://ann:hunter22@", 1)
	c := client(t, cfg)
	assert.Equal(t, srv.URL, c.Base())
	_, err := c.Do(t.Context(), httpx.Request{Path: "/x"}, nil)
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.NotContains(t, err.Error(), "hunter22")
	assert.Contains(t, err.Error(), secret.Hidden+" is wrong")
}

// FuzzPath checks that whatever a path holds is one request line, keeps its
// escapes and does not leave the base.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/v1/a@b.c", "/a%2Fb/{c}", "?x=1", "//host/x", "/\x00\r\nX: y", "/%zz", "/é\xff", "/a?b?c#d", "http://evil/", "@evil/", "/[::1]", "/%2e%2e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		var got *http.Request
		c, err := httpx.New(httpx.Config{BaseURL: "http://host.invalid:81/base", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			got = r
			return &http.Response{StatusCode: 204, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})})
		require.NoError(t, err)
		_, err = c.Do(t.Context(), httpx.Request{Path: path}, nil)
		require.NoError(t, err)
		require.Equal(t, "host.invalid:81", got.URL.Host)
		line := got.URL.RequestURI()
		require.True(t, strings.HasPrefix(line, "/base"), line)
		require.False(t, strings.ContainsAny(line, " \r\n\x00#"), line)
		wantPath, _, _ := strings.Cut(path, "?")
		gotPath, _, _ := strings.Cut(strings.TrimPrefix(line, "/base"), "?")
		a, errA := url.PathUnescape(gotPath)
		require.NoError(t, errA)
		if b, err := url.PathUnescape(wantPath); err == nil {
			if wantPath != "" && wantPath[0] != '/' {
				b = "/" + b
			}
			require.Equal(t, b, a)
		}
		require.Equal(t, strings.Count(strings.ToUpper(wantPath), "%2F"), strings.Count(strings.ToUpper(gotPath), "%2F"))
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
