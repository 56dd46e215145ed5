package httpxtest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
)

// listener takes down what a test would have been told.
type listener struct {
	testing.TB
	mu       sync.Mutex
	errors   []string
	cleanups []func()
}

func (l *listener) Helper() {}

func (l *listener) Cleanup(f func()) { l.cleanups = append(l.cleanups, f) }

func (l *listener) Errorf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errors = append(l.errors, fmt.Sprintf(format, args...))
}

// told ends the listener's test and returns what it was told.
func (l *listener) told() string {
	for _, f := range l.cleanups {
		f()
	}
	return strings.Join(l.errors, "\n")
}

func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return res.StatusCode, err.Error()
	}
	return res.StatusCode, string(b)
}

func TestServerTellsOfWhatIsWrong(t *testing.T) {
	t.Parallel()
	ok := httpxtest.JSON(200, "{}")
	type request struct{ method, path, body string }
	for name, c := range map[string]struct {
		expect []httpxtest.Exchange
		any    bool
		send   []request
		told   []string // nothing is "all as expected"
	}{
		"as expected":    {expect: []httpxtest.Exchange{{Path: "/a?b=1", Body: httpxtest.NoBody, Reply: ok}, {Method: "POST", Path: "/a%2Fb", Body: `{"x":1, "y":[2]}`, Reply: ok}}, send: []request{{"GET", "/a?b=1", ""}, {"POST", "/a%2Fb", `{"y":[2],"x":1}`}}},
		"never asked":    {expect: []httpxtest.Exchange{{Path: "/a", Times: 2, Reply: ok}}, send: []request{{"GET", "/a", ""}}, told: []string{"never asked: GET /a"}},
		"too many":       {expect: []httpxtest.Exchange{{Path: "/a", Reply: ok}}, send: []request{{"GET", "/a", ""}, {"GET", "/a", ""}}, told: []string{"got GET /a, expected no such request"}},
		"wrong order":    {expect: []httpxtest.Exchange{{Path: "/a", Reply: ok}, {Path: "/b", Reply: ok}}, send: []request{{"GET", "/b", ""}}, told: []string{"got GET /b, expected GET /a", "never asked: GET /a", "never asked: GET /b"}},
		"any order":      {expect: []httpxtest.Exchange{{Path: "/a", Reply: ok}, {Path: "/b", Reply: ok}}, any: true, send: []request{{"GET", "/b", ""}, {"GET", "/a", ""}}},
		"another method": {expect: []httpxtest.Exchange{{Method: "PUT", Path: "/a", Reply: ok}}, any: true, send: []request{{"GET", "/a", ""}}, told: []string{"got GET /a, expected no such request", "never asked: PUT /a"}},
		"another query":  {expect: []httpxtest.Exchange{{Path: "/a?b=1", Reply: ok}}, send: []request{{"GET", "/a?b=2", ""}}, told: []string{"got GET /a?b=2, expected GET /a?b=1", "never asked"}},
		"another header": {expect: []httpxtest.Exchange{{Path: "/a", Header: map[string]string{"X-Key": "k"}, Reply: ok}}, send: []request{{"GET", "/a", ""}}, told: []string{`header X-Key is "", expected "k"`}},
		"another body":   {expect: []httpxtest.Exchange{{Method: "POST", Path: "/a", Body: `{"x":1}`, Reply: ok}}, send: []request{{"POST", "/a", `{"x":1}{}`}}, told: []string{"body\n{\"x\":1}{}\nexpected\n{\"x\":1}"}},
		"big numbers":    {expect: []httpxtest.Exchange{{Method: "POST", Path: "/a", Body: `9007199254740993`, Reply: ok}}, send: []request{{"POST", "/a", `9007199254740992`}}, told: []string{"body"}},
		"a body at all":  {expect: []httpxtest.Exchange{{Method: "POST", Path: "/a", Body: httpxtest.NoBody, Reply: ok}}, send: []request{{"POST", "/a", `x`}}, told: []string{"body x, expected none"}},
		"a check fails":  {expect: []httpxtest.Exchange{{Path: "/a", Check: func(t testing.TB, r httpxtest.Recorded) { t.Errorf("saw %s", r.Path) }, Reply: ok}}, send: []request{{"GET", "/a", ""}}, told: []string{"saw /a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &listener{TB: t}
			start := httpxtest.New
			if c.any {
				start = httpxtest.AnyOrder
			}
			srv := start(l, c.expect...)
			for _, r := range c.send {
				status, _ := ask(t, r.method, srv.URL+r.path, r.body)
				if c.told == nil {
					assert.Equal(t, 200, status)
				}
			}
			assert.Len(t, srv.Seen(), len(c.send))
			told := l.told()
			if c.told == nil {
				assert.Empty(t, told)
			}
			for _, s := range c.told {
				assert.Contains(t, told, s)
			}
		})
	}
}

func TestServerOutsideOfItsBase(t *testing.T) {
	t.Parallel()
	l := &listener{TB: t}
	srv := httpxtest.New(l, httpxtest.Exchange{Path: "/a", Reply: httpxtest.Status(200)})
	status, _ := ask(t, "GET", strings.TrimSuffix(srv.URL, httpxtest.Base)+"/a", "")
	assert.Equal(t, 599, status)
	assert.Contains(t, l.told(), "GET /a is not under the base path /base/path")
}

func TestReplies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reply  httpxtest.Reply
		status int
		says   string
	}{
		"JSON":        {httpxtest.JSON(201, `{"a":1}`), 201, `{"a":1}`},
		"text":        {httpxtest.Text(400, "no"), 400, "no"},
		"page":        {httpxtest.HTML(502), 502, "<!DOCTYPE html>"},
		"login":       {httpxtest.LoginPage(200), 200, `type="password"`},
		"status":      {httpxtest.Status(404), 404, ""},
		"retry after": {httpxtest.RetryAfter(429, 7), 429, ""},
		"redirect":    {httpxtest.Redirect(303, "/x"), 303, ""},
		"slow":        {httpxtest.Slow(time.Millisecond, httpxtest.Text(200, "late")), 200, "late"},
		"before":      {httpxtest.ResetBefore(), 0, "reset"},
		"after":       {httpxtest.ResetAfter(), 0, "reset"},
		"cut":         {httpxtest.CutBody(200, "abc"), 200, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Method: "POST", Path: "/a", Reply: c.reply})
			status, says := ask(t, "POST", srv.URL+"/a", "body")
			assert.Equal(t, c.status, status)
			assert.Contains(t, says, c.says)
			if name != "before" {
				assert.Equal(t, "body", string(srv.Seen()[0].Body))
			}
		})
	}
}

func TestWithDoesNotChangeTheReplyItCameFrom(t *testing.T) {
	t.Parallel()
	plain := httpxtest.JSON(200, "{}")
	_ = plain.With("X-A", "1")
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/a", Reply: plain})
	c, err := httpx.New(srv.Config("v"))
	require.NoError(t, err)
	res, err := c.Do(t.Context(), httpx.Request{Path: "/a"}, nil)
	require.NoError(t, err)
	assert.Empty(t, res.Header.Get("X-A"))
}

func TestRefused(t *testing.T) {
	t.Parallel()
	status, says := ask(t, "GET", httpxtest.Refused(t), "")
	assert.Zero(t, status)
	assert.Contains(t, says, "refused")
}
