package simulator

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ackPath = "/api-public/v1/incidents/ack"

// send is voDo that hands back what went wrong instead of failing.
func send(ctx context.Context, rt http.RoundTripper, base, method, path, body string) (status int, text string, header http.Header, err error) {
	req, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		return 0, "", nil, err
	}
	req.Header.Set("X-VO-Api-Id", VictorOpsAPIID)
	req.Header.Set("X-VO-Api-Key", VictorOpsAPIKey)
	req.Header.Set("Content-Type", "application/json")
	c := &http.Client{Transport: rt, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(req)
	if err != nil {
		return 0, "", nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), res.Header, err
}

// eachTransport runs f over the connection in memory and over TCP, where the
// world is mounted under a path.
func eachTransport(t *testing.T, f func(t *testing.T, w *World, rt http.RoundTripper, base string)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		w, _ := openTest(t, Options{NoLimits: true})
		f(t, w, w.Transport(), BaseURL+"/victorops")
	})
	t.Run("tcp", func(t *testing.T) {
		t.Parallel()
		w, _ := openTest(t, Options{NoLimits: true})
		srv := httptest.NewServer(http.StripPrefix("/base", w.Handler()))
		t.Cleanup(srv.Close)
		tr := &http.Transport{DisableKeepAlives: true}
		f(t, w, tr, srv.URL+"/base/victorops")
	})
}

func TestFaultResetBefore(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, w *World, rt http.RoundTripper, base string) {
		require.NoError(t, w.AddFault(Fault{Service: "victorops", Method: "PATCH", PathGlob: "*/ack", Kind: FaultResetBefore, Times: 1}))
		_, _, _, err := send(t.Context(), rt, base, "PATCH", ackPath, `{"userName":"you","incidentNames":["4127"]}`)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		_, text, _, err := send(t.Context(), rt, base, "GET", "/api-public/v1/incidents/4127", "")
		require.NoError(t, err)
		assert.Contains(t, text, `"UNACKED"`, "nothing was done")
		changes, err := w.Changes()
		require.NoError(t, err)
		require.Len(t, changes, 1)
		assert.Equal(t, FaultResetBefore, changes[0].Fault)
	})
}

func TestFaultResetAfter(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, w *World, rt http.RoundTripper, base string) {
		require.NoError(t, w.AddFault(Fault{Method: "PATCH", Kind: FaultResetAfter, Times: 1}))
		body := `{"userName":"you","incidentNames":["4127"]}`
		_, _, _, err := send(t.Context(), rt, base, "PATCH", ackPath, body)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		_, text, _, err := send(t.Context(), rt, base, "GET", "/api-public/v1/incidents/4127", "")
		require.NoError(t, err)
		assert.Contains(t, text, `"currentPhase":"ACKED"`, "it was done")
		changes, err := w.Changes()
		require.NoError(t, err)
		require.Len(t, changes, 1, "net/http did not repeat it")
		assert.Equal(t, Request{
			Service: "victorops", Method: "PATCH", Path: ackPath, Body: body, Time: testStart, Fault: FaultResetAfter,
		}, changes[0])
		left, err := w.Faults()
		require.NoError(t, err)
		assert.Empty(t, left, "it was for one request")
	})
}

func TestFaultAnswers(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, w *World, rt http.RoundTripper, base string) {
		get := func() (int, string, http.Header, error) {
			return send(t.Context(), rt, base, "GET", "/api-public/v1/incidents/4127", "")
		}
		require.NoError(t, w.AddFault(Fault{Kind: FaultStatus, Status: 429, RetryAfter: 1500 * time.Millisecond, Times: 1}))
		status, _, h, err := get()
		require.NoError(t, err)
		assert.Equal(t, 429, status)
		assert.Equal(t, "2", h.Get("Retry-After"), "whole seconds, rounded up")

		require.NoError(t, w.AddFault(Fault{Kind: FaultHTML, Times: 1}))
		status, text, h, err := get()
		require.NoError(t, err)
		assert.Equal(t, 200, status)
		assert.Contains(t, h.Get("Content-Type"), "text/html")
		assert.Contains(t, text, "<!DOCTYPE html>")

		require.NoError(t, w.AddFault(Fault{Kind: FaultRedirect, Times: 1}))
		status, _, h, err = get()
		require.NoError(t, err)
		assert.Equal(t, 302, status)
		assert.Equal(t, "http://elsewhere.invalid/", h.Get("Location"))

		require.NoError(t, w.AddFault(Fault{Kind: FaultCut, Times: 1}))
		status, text, _, err = get()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Equal(t, 200, status)
		assert.True(t, strings.HasPrefix(text, "{") && !strings.HasSuffix(text, "}\n"), text)

		require.NoError(t, w.AddFault(Fault{Kind: FaultSlow, Delay: time.Microsecond, Times: 1}))
		_, slow, _, err := get()
		require.NoError(t, err)
		_, whole, _, err := get()
		require.NoError(t, err)
		assert.Equal(t, whole, slow)

		require.NoError(t, w.AddFault(Fault{Kind: FaultStatusAfter, Status: 502, Method: "PATCH"}))
		status, _, _, err = send(t.Context(), rt, base, "PATCH", ackPath, `{"userName":"you","incidentNames":["4126"]}`)
		require.NoError(t, err)
		assert.Equal(t, 502, status)
		require.NoError(t, w.ClearFaults())
		_, text, _, err = send(t.Context(), rt, base, "GET", "/api-public/v1/incidents/4126", "")
		require.NoError(t, err)
		assert.Contains(t, text, `"currentPhase":"ACKED"`)
	})
}

func TestFaultEndless(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, w *World, rt http.RoundTripper, base string) {
		require.NoError(t, w.AddFault(Fault{Kind: FaultEndless}))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", base+"/api-public/v1/incidents", nil)
		require.NoError(t, err)
		res, err := rt.RoundTrip(req)
		require.NoError(t, err)
		n, err := io.CopyN(io.Discard, res.Body, 1<<20)
		require.NoError(t, err)
		assert.EqualValues(t, 1<<20, n)
		cancel()
		_, err = io.Copy(io.Discard, res.Body)
		require.ErrorIs(t, err, context.Canceled)
		_ = res.Body.Close()
	})
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	w, _ := openTest(t, Options{})
	require.ErrorContains(t, w.AddFault(Fault{Kind: "bang"}), `no fault of kind "bang"; there are reset-before`)
	require.ErrorContains(t, w.AddFault(Fault{Kind: FaultHTML, Service: "pager"}), `no service "pager"; there are`)
	require.ErrorContains(t, w.AddFault(Fault{Kind: FaultHTML, Times: -1}), "not negative")
	require.ErrorContains(t, w.AddFault(Fault{Kind: FaultStatus, Status: 200}), "400 to 599")
	left, err := w.Faults()
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestTransportKnowsOneHost(t *testing.T) {
	t.Parallel()
	w, _ := openTest(t, Options{NoLimits: true})
	for _, url := range []string{"http://elsewhere.invalid/victorops/", "http://127.0.0.1:1/", "http://api.victorops.com/"} {
		_, _, _, err := send(t.Context(), w.Transport(), url, "GET", "", "")
		var dns *net.DNSError
		require.ErrorAs(t, err, &dns, url)
	}
	log, err := w.Requests()
	require.NoError(t, err)
	assert.Empty(t, log)
	status, text, _, err := send(t.Context(), w.Transport(), BaseURL, "GET", "/pagerduty/x", "")
	require.NoError(t, err)
	assert.Equal(t, 404, status)
	assert.Contains(t, text, "no service at /pagerduty")
}

func TestTransportStreamsAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l := newMemListener()
	gone := make(chan struct{})
	srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(rw, "one\n")
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
		close(gone)
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	tr := &http.Transport{DialContext: l.dial, DisableKeepAlives: true}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", BaseURL, nil)
	require.NoError(t, err)
	res, err := tr.RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "one\n", line, "it arrives while the handler runs")
	cancel()
	<-gone
}

// The deadlines are those of a clock of the test's own: on a busy machine a true one
// could be over before the write began.
func TestConnDeadlinesAndEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := newPipe(4), newPipe(4)
		left, right := &memConn{r: a, w: b}, &memConn{r: b, w: a}
		buf := make([]byte, 8)

		require.NoError(t, left.SetReadDeadline(time.Now().Add(5*time.Millisecond)))
		_, err := left.Read(buf)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		assert.True(t, timeout.Timeout())
		require.NoError(t, left.SetDeadline(time.Time{}))

		require.NoError(t, right.SetWriteDeadline(time.Now().Add(5*time.Millisecond)))
		n, err := right.Write([]byte("123456"))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, 4, n, "what fits is written")
		require.NoError(t, right.SetWriteDeadline(time.Time{}))

		require.NoError(t, right.Close())
		n, err = left.Read(buf)
		require.NoError(t, err)
		assert.Equal(t, "1234", string(buf[:n]), "the rest is still read")
		_, err = left.Read(buf)
		require.ErrorIs(t, err, io.EOF)
		_, err = left.Write([]byte("x"))
		require.ErrorIs(t, err, syscall.EPIPE)
		_, err = right.Read(buf)
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestSelfURL(t *testing.T) {
	t.Parallel()
	var got, path string
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r = under(r, "jenkins")
		got, path = SelfURL(r), r.URL.EscapedPath()
	})
	for _, c := range []struct{ prefix, request, self, path string }{
		{"", "/jenkins/job/a%2Fb?x=1", "http://h.invalid/jenkins", "/job/a%2Fb"},
		{"/base", "/base/jenkins/job/a", "http://h.invalid/base/jenkins", "/job/a"},
		{"", "/jenkins", "http://h.invalid/jenkins", "/"},
	} {
		req := httptest.NewRequest("GET", c.request, nil)
		req.Host = "h.invalid"
		http.StripPrefix(c.prefix, h).ServeHTTP(httptest.NewRecorder(), req)
		assert.Equal(t, c.self, got)
		assert.Equal(t, c.path, path)
	}
}

func TestStateIsSharedAndKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "when needed")
	c := &testClock{at: testStart}
	open := func() *World {
		w, err := Open(Options{Dir: dir, Now: c.now, NoLimits: true, lockWait: patient})
		require.NoError(t, err)
		t.Cleanup(func() { _ = w.Close() })
		return w
	}
	one, two := open(), open()
	const each = 40
	var wg sync.WaitGroup
	for _, w := range []*World{one, two} {
		wg.Go(func() {
			for range each {
				assert.NoError(t, w.update(func(s *State) error { s.nextID("test"); return nil }))
			}
		})
	}
	wg.Wait()
	require.NoError(t, open().view(func(s *State) error {
		assert.EqualValues(t, 2*each, s.Counters["test"], "no update was lost")
		return nil
	}))

	require.Error(t, one.update(func(s *State) error { s.nextID("test"); return errors.New("no") }))
	require.NoError(t, one.view(func(s *State) error { s.nextID("test"); return nil }))
	require.NoError(t, two.view(func(s *State) error {
		assert.EqualValues(t, 2*each, s.Counters["test"], "a failed update and a view leave nothing")
		return nil
	}))

	c.pass(time.Hour)
	start, err := two.StartedAt()
	require.NoError(t, err)
	assert.Equal(t, testStart, start)
	require.NoError(t, two.Reset())
	start, err = one.StartedAt()
	require.NoError(t, err)
	assert.Equal(t, testStart.Add(time.Hour), start, "reset begins anew for everybody")

	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 2, "no half-written file is left: %v", files)
}

// patient is for tests in which several change the state again and again: the lock
// is not handed round in turn, and on a slow machine one may go without for long.
const patient = 10 * time.Minute

// TestStateOfSeveralProcesses runs itself again as other processes.
func TestStateOfSeveralProcesses(t *testing.T) {
	t.Parallel()
	const each, processes = 25, 3
	if dir, ok := os.LookupEnv("SIMULATOR_TEST_DIR"); ok {
		w, err := Open(Options{Dir: dir, lockWait: patient})
		require.NoError(t, err)
		for range each {
			require.NoError(t, w.update(func(s *State) error { s.nextID("test"); return nil }))
		}
		return
	}
	dir := t.TempDir()
	exe, err := os.Executable()
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range processes {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestStateOfSeveralProcesses$")
			cmd.Env = append(os.Environ(), "SIMULATOR_TEST_DIR="+dir)
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, string(out))
		})
	}
	wg.Wait()
	w, err := Open(Options{Dir: dir, lockWait: patient})
	require.NoError(t, err)
	require.NoError(t, w.view(func(s *State) error {
		assert.EqualValues(t, each*processes, s.Counters["test"])
		return nil
	}))
}

func TestStateThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nonsense":      "{half",
		"empty":         "",
		"other version": fmt.Sprintf(`{"world":{"version":%d}}`, stateVersion+1),
		"no start":      fmt.Sprintf(`{"world":{"version":%d}}`, stateVersion),
		"no world":      `{}`,
		"wrong type":    `{"world":{"version":"1"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, stateFile), []byte(text), 0o600))
			_, err := Open(Options{Dir: dir})
			var se *StateError
			require.ErrorAs(t, err, &se)
			assert.Contains(t, err.Error(), filepath.Join(dir, stateFile))
			assert.Contains(t, err.Error(), "oncall demo reset")
			w, err := OpenFresh(Options{Dir: dir})
			require.NoError(t, err)
			require.NoError(t, w.Close())
			_, err = Open(Options{Dir: dir})
			require.NoError(t, err)
		})
	}
}

func TestSectionThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := fmt.Sprintf(`{"world":{"version":%d,"startedAt":"2026-03-04T03:18:00Z"},"services":{"victorops":[]}}`, stateVersion)
	require.NoError(t, os.WriteFile(filepath.Join(dir, stateFile), []byte(text), 0o600))
	w, err := Open(Options{Dir: dir, NoLimits: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	status, text := voDo(t, w, "GET", "/api-public/v1/incidents", "")
	assert.Equal(t, 500, status)
	assert.Contains(t, text, "section victorops")
	assert.Contains(t, text, "oncall demo reset")
}

func TestStateOfAnOlderWorldGrows(t *testing.T) {
	t.Parallel()
	d, err := parseDocument(fmt.Appendf(nil, `{"world":{"version":%d,"startedAt":"2026-03-04T03:18:00Z"}}`, stateVersion))
	require.NoError(t, err)
	s, err := d.state(testStart, services())
	require.NoError(t, err)
	_, ok := part[victoropsState](s).incident(4127)
	assert.True(t, ok, "a section that the file does not know is seeded")
}

func TestStateIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	one, err := newState(testStart, services()).document()
	require.NoError(t, err)
	two, err := newState(testStart, services()).document()
	require.NoError(t, err)
	assert.Equal(t, string(one.bytes()), string(two.bytes()))
	assert.Less(t, len(one.bytes()), 1<<20, "large things are generated, not stored")
	back, err := parseDocument(one.bytes())
	require.NoError(t, err)
	assert.Equal(t, string(one.bytes()), string(back.bytes()))
}

func TestTheClockDoesNotRunBackwards(t *testing.T) {
	t.Parallel()
	w, c := openTest(t, Options{NoLimits: true})
	c.pass(time.Hour)
	require.NoError(t, w.update(func(*State) error { return nil }))
	c.pass(-30 * time.Minute)
	require.NoError(t, w.view(func(s *State) error {
		assert.Equal(t, testStart.Add(time.Hour), s.Now)
		return nil
	}))
}

func TestTheRecordOfRequestsIsBounded(t *testing.T) {
	t.Parallel()
	w, _ := openTest(t, Options{NoLimits: true})
	long := strings.Repeat("x", maxRequestBody+10)
	for i := range maxRequests + 5 {
		req := httptest.NewRequest("POST", fmt.Sprintf("/victorops/%d?q=1", i), strings.NewReader(long))
		w.Handler().ServeHTTP(httptest.NewRecorder(), req)
	}
	log, err := w.Requests()
	require.NoError(t, err)
	require.Len(t, log, maxRequests)
	assert.Equal(t, "/5", log[0].Path)
	assert.Equal(t, "q=1", log[0].Query)
	assert.Len(t, log[0].Body, maxRequestBody)
}

func TestEnvNamesEveryService(t *testing.T) {
	t.Parallel()
	lines := Env("http://127.0.0.1:8080/")
	assert.Contains(t, lines, "ONCALL_USER=you")
	assert.Contains(t, lines, "ONCALL_VICTOROPS_URL=http://127.0.0.1:8080/victorops")
	for _, svc := range services() {
		assert.NotEmpty(t, svc.mounts, svc.name)
	}
	for _, l := range lines {
		assert.Regexp(t, `^ONCALL_[A-Z0-9_]+=.+$`, l)
	}
}
