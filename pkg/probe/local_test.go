package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/nodeping"
)

// A check that follows redirects is followed here too, and asked at the end of them.
func TestAskFollowsAsTheCheckDoes(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a":
			http.Redirect(w, r, "/b", http.StatusMovedPermanently)
		case "/b":
			w.WriteHeader(http.StatusBadGateway)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/out":
			w.Header().Set("Location", "ftp://elsewhere.invalid/")
			w.WriteHeader(http.StatusFound)
		}
	}))
	t.Cleanup(srv.Close)
	ask := func(path string) Local {
		return asker(nil, now).Ask(t.Context(), Check{Type: "HTTP", Target: srv.URL + path, raw: nodeping.Check{Follow: true}})
	}
	l := ask("/a")
	assert.False(t, l.Passed)
	assert.Equal(t, "502 Bad Gateway", l.Words)
	assert.Equal(t, []string{srv.URL + "/b"}, l.Redirects)
	l = ask("/round")
	assert.Len(t, l.Redirects, maxRedirects)
	assert.Equal(t, "/round", l.Location, "and then no more")
	l = ask("/out")
	assert.Empty(t, l.Redirects, "pages alone are asked for")
	assert.True(t, l.Passed)
}

// An answer that takes longer than the check allows is a failure here as there.
func TestAskIsAsStrictAsTheCheck(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	l := asker(nil, now).Ask(t.Context(), Check{Type: "HTTP", Target: srv.URL, raw: nodeping.Check{Threshold: time.Nanosecond}})
	assert.False(t, l.Passed)
	assert.Equal(t, "200 OK, slower than 1ns", l.Words)
	assert.Equal(t, "http", l.Step)
	l = asker(nil, now).Ask(t.Context(), Check{Type: "HTTP", Target: srv.URL, raw: nodeping.Check{Threshold: time.Hour}})
	assert.True(t, l.Passed)
}

// certificate makes one by itself, for a name.
func certificate(t *testing.T, name string, ips ...net.IP) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: ips,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(30 * 24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestAskCertificatesThatAreNotTrusted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ips     []net.IP
		trusted bool
		want    string
	}{"wrong host": {nil, true, "127.0.0.1"}, "self-signed": {[]net.IP{net.IPv4(127, 0, 0, 1)}, false, "unknown authority"}, "well": {[]net.IP{net.IPv4(127, 0, 0, 1)}, true, ""}} {
		cert := certificate(t, "elsewhere.example.test", c.ips...)
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.StartTLS()
		t.Cleanup(srv.Close)
		roots := x509.NewCertPool()
		if c.trusted {
			roots.AddCert(cert.Leaf)
		}
		l := asker(roots, now).Ask(t.Context(), Check{Type: "SSL", Target: srv.Listener.Addr().String()})
		assert.Equal(t, c.want == "", l.Passed, name)
		require.NotNil(t, l.TLS, name)
		assert.Equal(t, "elsewhere.example.test", l.TLS.Subject)
		assert.Equal(t, 30, l.TLS.Days)
		assert.Contains(t, l.TLS.Error, c.want)
		if c.want != "" {
			assert.Equal(t, "tls", l.Step, name)
		}
	}
}

// Servers that are no TLS, hang, or speak over IPv6.
func TestAskOddServers(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(plain.Close)
	l := asker(nil, now).Ask(t.Context(), Check{Type: "HTTP", Target: strings.Replace(plain.URL, "http:", "https:", 1)})
	assert.False(t, l.Passed)
	assert.Equal(t, "tls", l.Step)
	assert.Nil(t, l.TLS)

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	a := asker(nil, now)
	a.Timeout = 20 * time.Millisecond
	for _, c := range []Check{{Type: "HTTP", Target: "https://" + silent.Addr().String()}, {Type: "HTTP", Target: "http://" + silent.Addr().String()}, {Type: "SSL", Target: silent.Addr().String()}} {
		l = a.Ask(t.Context(), c)
		assert.False(t, l.Passed)
		assert.NotEmpty(t, l.Words, c.Target)
		assert.NotEqual(t, "http", l.Step, "where it hangs is told")
	}

	l = asker(nil, now).Ask(t.Context(), Check{Type: "HTTP", Target: plain.URL, raw: nodeping.Check{IPv6: true}})
	assert.False(t, l.Passed, "127.0.0.1 is not to be had over IPv6")
	assert.Equal(t, "connect", l.Step)

	// No resolver is asked for a name that can be none.
	l = asker(nil, now).Ask(t.Context(), Check{Type: "HTTP", Target: "http://no-such-host..invalid/"})
	assert.False(t, l.Passed)
	assert.Equal(t, "dns", l.Step)
	assert.Contains(t, l.Words, "no-such-host..invalid")

	six, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: " + err.Error())
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Listener = six
	srv.Start()
	t.Cleanup(srv.Close)
	l = asker(nil, now).Ask(t.Context(), Check{Type: "HTTP", Target: srv.URL, raw: nodeping.Check{IPv6: true}})
	assert.True(t, l.Passed, l.Words)
	assert.Contains(t, l.Address, "[::1]")
}
