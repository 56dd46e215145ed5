package cli_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/httpx"
)

// TestProxyIsUsed: a command goes through the proxy of the injected environment.
func TestProxyIsUsed(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.Host) // only a proxy is sent a whole URL
		e.World.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	e.Serve()
	e.Vars["ONCALL_VICTOROPS_URL"] = "http://pager.invalid/victorops"
	e.Vars["HTTP_PROXY"] = proxy.URL
	r := e.Run("incident list -o name")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "incident/4127\n")
	assert.Equal(t, "pager.invalid", asked.Load())
}

// TestPrivateAuthority: ca-file, cert-file and key-file of a service reach its
// connection.
func TestPrivateAuthority(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	srv := httptest.NewUnstartedServer(e.World.Handler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	e.Serve()
	e.Vars["ONCALL_VICTOROPS_URL"] = srv.URL + "/victorops"

	r := e.Run("incident list")
	assert.Equal(t, 7, r.Code, "a certificate of nobody known")
	assert.Contains(t, r.Err, "certificate")

	pair := srv.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{
		"cert": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		"key":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(e.Home, name), pem.EncodeToMemory(block), 0o600))
	}
	e.Vars["ONCALL_VICTOROPS_CA_FILE"] = filepath.Join(e.Home, "cert")
	assert.NotEqual(t, 0, e.Run("incident list").Code, "the server wants a certificate too")

	e.Vars["ONCALL_VICTOROPS_CERT_FILE"] = filepath.Join(e.Home, "cert")
	e.Vars["ONCALL_VICTOROPS_KEY_FILE"] = filepath.Join(e.Home, "key")
	r = e.Run("incident list -o name")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "incident/4127\n")
}

// TestTimeoutReachesTheTransport: --timeout and ONCALL_TIMEOUT shorten what one
// request may take and never make it longer; a long one is for commands that wait.
func TestTimeoutReachesTheTransport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flag, env     string
		request, wait time.Duration
	}{
		{"", "", httpx.DefaultTimeout, time.Hour},
		{"2s", "", 2 * time.Second, 2 * time.Second},
		{"", "3s", 3 * time.Second, 3 * time.Second},
		{"2s", "3s", 2 * time.Second, 2 * time.Second},
		{"10m", "", httpx.DefaultTimeout, 10 * time.Minute},
		{"", "11m", httpx.DefaultTimeout, 11 * time.Minute},
	} {
		e := clitest.New(t)
		e.Vars["ONCALL_TIMEOUT"] = c.env
		f := e.Factory(io.Discard, io.Discard)
		f.Patience = 0
		if c.flag != "" {
			f.Flags["timeout"] = c.flag
		}
		h, _, err := f.HTTP("victorops")
		require.NoError(t, err)
		assert.Equal(t, c.request, h.Timeout, "--timeout %q ONCALL_TIMEOUT=%q", c.flag, c.env)
		assert.Equal(t, c.wait, f.WaitLimit(time.Hour), "--timeout %q ONCALL_TIMEOUT=%q", c.flag, c.env)
	}
}

// TestVerbose: -v is a line for each request, -vv all of it without secrets.
func TestVerbose(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	const line = `(?m)^GET http://127\.0\.0\.1:\d+/victorops/api-public/v1/incidents 200 `
	plain, once, twice := e.Run("incident list"), e.Run("incident list -v"), e.Run("incident list -vv")
	assert.Equal(t, plain.Out, once.Out, "stdout is the result alone")
	assert.Equal(t, plain.Out, twice.Out)
	assert.NotRegexp(t, line, plain.Err)
	assert.Regexp(t, line, once.Err)
	assert.NotContains(t, once.Err, "> ", "headers are for -vv")
	assert.Regexp(t, line, twice.Err)
	assert.Contains(t, twice.Err, "> User-Agent: oncall/test\n")
	assert.Contains(t, twice.Err, "< Content-Type: application/json")
	assert.NotContains(t, twice.Err, e.Vars["ONCALL_VICTOROPS_API_KEY"])
}

// TestAWaitIsTold: a person who sees nothing for half a minute presses Ctrl-C. Where
// the vendor names an instant and not its own time, the run's clock counts.
func TestAWaitIsTold(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"20", clitest.Start.Add(20 * time.Second).Format(http.TimeFormat)} {
		e := clitest.New(t)
		e.Serve()
		var n atomic.Int32
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) == 1 {
				w.Header()["Date"] = nil // else an instant is told by the vendor's own clock
				w.Header().Set("Retry-After", after)
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			e.World.Handler().ServeHTTP(w, r)
		}))
		t.Cleanup(srv.Close)
		e.Vars["ONCALL_VICTOROPS_URL"] = srv.URL + "/victorops"
		r := e.Run("incident list -o name")
		require.Equal(t, 0, r.Code, r.Err)
		assert.Contains(t, r.Err, "victorops asks to wait 20s\n", after)
	}
}

// TestARefusalNamesTheWayOn: which credential it was, and how to look at it.
func TestARefusalNamesTheWayOn(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	e.Vars["ONCALL_VICTOROPS_API_KEY"] = "wrong"
	r := e.Run("incident list")
	assert.Equal(t, 3, r.Code, r.Err)
	assert.Contains(t, r.Err, "hint: oncall auth status victorops\n")
}

// TestDryRunShowsTheRequest: what the fence held back is told.
func TestDryRunShowsTheRequest(t *testing.T) {
	t.Parallel()
	r := clitest.New(t).Run("incident ack 4127 --dry-run")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out+r.Err, "would send  PATCH http://demo.invalid/victorops/api-public/v1/incidents/ack")
}

// TestAlertsHaveAnAddressOfTheirOwn: alert-url is not url.
func TestAlertsHaveAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	var path atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path.Store(r.URL.Path)
		e.World.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	e.Vars["ONCALL_VICTOROPS_ALERT_URL"] = srv.URL + "/victorops"
	r := e.Run("incident trigger --routing-key ops --summary x")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, path.Load(), "/victorops/integrations/generic/20131114/alert/")
}

// TestTheDemoDialsNobody: not even a proxy.
func TestTheDemoDialsNobody(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	t.Cleanup(proxy.Close)
	e.Vars["HTTP_PROXY"], e.Vars["HTTPS_PROXY"] = proxy.URL, proxy.URL
	assert.Equal(t, 0, e.Run("incident list").Code)
}
