package httpx_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
)

// authority is a private CA for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{}
	a.cert, a.key = a.issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue makes a certificate; of itself when a is new.
func (a authority) issue(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}

func (a authority) server(t *testing.T, template *x509.Certificate, h http.Handler) *httptest.Server {
	t.Helper()
	cert, key := a.issue(t, template)
	s := httptest.NewUnstartedServer(h)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func pemFile(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

func loopback() *x509.Certificate {
	return &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	caFile := pemFile(t, "ca.pem", "CERTIFICATE", ca.cert.Raw)
	cert, key := ca.issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: "on-call engineer"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile := pemFile(t, "cert.pem", "CERTIFICATE", cert.Raw), pemFile(t, "key.pem", "PRIVATE KEY", keyDER)
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		_, _ = io.WriteString(w, `{"who":"`+who+`","proto":"`+r.Proto+`"}`)
	})
	good := ca.server(t, loopback(), hello)
	expired := loopback()
	expired.NotBefore, expired.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	plain := httptest.NewServer(hello)
	t.Cleanup(plain.Close)
	strict := ca.server(t, loopback(), hello)
	strict.TLS.ClientAuth = tls.RequireAndVerifyClientCert
	older := ca.server(t, loopback(), hello)
	older.TLS.ClientAuth, older.TLS.MaxVersion = tls.RequireAndVerifyClientCert, tls.VersionTLS12

	for name, c := range map[string]struct {
		url  string
		tls  httpx.TLS
		who  string
		says string
		hint string
	}{
		"private authority":  {good.URL, httpx.TLS{CAFile: caFile}, "nobody", "", ""},
		"client certificate": {strict.URL, httpx.TLS{CAFile: caFile, CertFile: certFile, KeyFile: keyFile}, "on-call engineer", "", ""},
		"without it":         {older.URL, httpx.TLS{CAFile: caFile}, "", "HOST refused the TLS connection: handshake failure", "it may want a client certificate"},
		"unknown authority":  {good.URL, httpx.TLS{}, "", "the certificate of HOST is not trusted: its issuer is unknown", "for a private authority set ca-file"},
		"expired":            {ca.server(t, expired, hello).URL, httpx.TLS{CAFile: caFile}, "", "the certificate of HOST is not trusted: it has expired or is not valid yet (is the clock right?)", ""},
		"another name":       {ca.server(t, &x509.Certificate{DNSNames: []string{"other.test"}}, hello).URL, httpx.TLS{CAFile: caFile}, "", "the certificate of HOST is not trusted: it is for another name", ""},
		"no TLS there":       {strings.Replace(plain.URL, "http:", "https:", 1), httpx.TLS{}, "", "HOST does not speak TLS on that port", "is it http instead of https?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := client(t, httpx.Config{Vendor: "v", BaseURL: c.url, TLS: c.tls, Sleep: noSleep})
			var out struct{ Who, Proto string }
			_, err := client.Do(t.Context(), httpx.Request{Op: "look", Path: "/x"}, &out)
			_, werr := client.Do(t.Context(), httpx.Request{Op: "look", Path: "/x", Method: "POST"}, &out)
			if c.says == "" {
				require.NoError(t, err)
				require.NoError(t, werr)
				assert.Equal(t, c.who, out.Who)
				return
			}
			host := strings.TrimPrefix(c.url, "https://")
			require.ErrorIs(t, err, apierr.ErrUnavailable)
			require.EqualError(t, err, "v: look: "+strings.Replace(c.says, "HOST", host, 1))
			assert.Equal(t, c.hint, apierr.HintOf(err))
			require.NotErrorIs(t, werr, apierr.ErrUnknownOutcome)
		})
	}
	t.Run("TLS 1.3 tells of a missing certificate after the request was written", func(t *testing.T) {
		t.Parallel()
		_, err := client(t, httpx.Config{BaseURL: strict.URL, TLS: httpx.TLS{CAFile: caFile}, Sleep: noSleep}).Do(t.Context(), httpx.Request{Path: "/x", Method: "POST"}, nil)
		require.ErrorIs(t, err, apierr.ErrUnavailable)
		// A reset may overtake the alert; then nobody can know.
		assert.Equal(t, strings.Contains(err.Error(), "was lost after"), errors.Is(err, apierr.ErrUnknownOutcome), "%v", err)
	})
}

func TestHTTP2IsUsed(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue(t, loopback())
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, `"`+r.Proto+`"`) }))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
	s.StartTLS()
	defer s.Close()
	var proto string
	_, err := client(t, httpx.Config{BaseURL: s.URL, TLS: httpx.TLS{CAFile: pemFile(t, "ca.pem", "CERTIFICATE", ca.cert.Raw)}}).
		Do(t.Context(), httpx.Request{Method: "POST", JSON: 1}, &proto)
	require.NoError(t, err)
	assert.Equal(t, "HTTP/2.0", proto)
}

func TestTLSFilesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	junk := filepath.Join(t.TempDir(), "junk.pem")
	require.NoError(t, os.WriteFile(junk, []byte("hello"), 0o600))
	for says, files := range map[string]httpx.TLS{
		"loki: ca-file /does/not/exist: no such file or directory":                                                 {CAFile: "/does/not/exist"},
		"loki: ca-file " + junk + ": no certificate in PEM form in it":                                             {CAFile: junk},
		"loki: a client certificate needs both its cert-file and its key-file":                                     {CertFile: junk},
		"loki: client certificate " + junk + " and " + junk + ": failed to find any PEM data in certificate input": {CertFile: junk, KeyFile: junk},
	} {
		_, err := httpx.New(httpx.Config{Vendor: "loki", BaseURL: "https://x", TLS: files})
		require.ErrorIs(t, err, apierr.ErrUsage)
		assert.EqualError(t, err, says)
	}
}

func TestProxyFromEnv(t *testing.T) {
	t.Parallel()
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	for _, c := range []struct {
		env       func(string) string
		url, want string
	}{
		{env(), "https://a.test/", ""},
		{env("HTTPS_PROXY", "http://p:1"), "https://a.test/", "http://p:1"},
		{env("https_proxy", "p:1"), "https://a.test/", "http://p:1"},
		{env("HTTPS_PROXY", "http://p:1"), "http://a.test/", ""},
		{env("HTTP_PROXY", "http://p:1"), "http://a.test/", "http://p:1"},
		{env("HTTP_PROXY", "http://p:1", "HTTPS_PROXY", "http://q:1", "NO_PROXY", "other.test,.a.test"), "https://x.a.test/", ""},
		{env("HTTPS_PROXY", "http://p:1", "no_proxy", "*"), "https://a.test/", ""},
		{env("HTTPS_PROXY", "http://p:1"), "https://127.0.0.1/", ""},
		{env("HTTPS_PROXY", "http://p:1"), "https://localhost:8080/", ""},
	} {
		u, err := url.Parse(c.url)
		require.NoError(t, err)
		got, err := httpx.ProxyFromEnv(c.env)(&http.Request{URL: u})
		require.NoError(t, err)
		if c.want == "" {
			assert.Nil(t, got, c.url)
		} else {
			assert.Equal(t, c.want, got.String())
		}
	}
}

func TestProxyIsUsedAndItsRefusalsAreTold(t *testing.T) {
	t.Parallel()
	var line atomic.Value
	status := http.StatusOK
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line.Store(r.Method + " " + r.RequestURI)
		if r.Method == http.MethodConnect {
			w.WriteHeader(status)
			return
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	defer proxy.Close()
	u, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	via := func(*http.Request) (*url.URL, error) { return u, nil }

	_, err = client(t, httpx.Config{BaseURL: "http://vendor.invalid/base", Proxy: via}).Do(t.Context(), httpx.Request{Path: "/x"}, nil)
	require.NoError(t, err)
	assert.Equal(t, "GET http://vendor.invalid/base/x", line.Load())

	secure := client(t, httpx.Config{Vendor: "v", BaseURL: "https://vendor.invalid/base", Proxy: via, Sleep: noSleep})
	status = http.StatusProxyAuthRequired
	_, err = secure.Do(t.Context(), httpx.Request{Op: "ack", Method: "POST", Path: "/x"}, nil)
	require.EqualError(t, err, "v: ack: the proxy "+u.Host+" refused: proxy authentication required (407)")
	require.NotErrorIs(t, err, apierr.ErrUnknownOutcome)
	assert.Equal(t, "CONNECT vendor.invalid:443", line.Load())

	gone, err := url.Parse(httpxtest.Refused(t))
	require.NoError(t, err)
	_, err = client(t, httpx.Config{Vendor: "v", BaseURL: "https://vendor.invalid", Sleep: noSleep, Proxy: func(*http.Request) (*url.URL, error) { return gone, nil }}).
		Do(t.Context(), httpx.Request{Op: "ack", Method: "POST"}, nil)
	require.EqualError(t, err, "v: ack: connection refused by the proxy for vendor.invalid")
}

func TestAnswerThatIsNoHTTP(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.2\r\n\r\n")
			_ = conn.Close()
		}
	}()
	_, err = client(t, httpx.Config{Vendor: "v", BaseURL: "http://" + l.Addr().String(), Sleep: noSleep}).Do(t.Context(), httpx.Request{Op: "look"}, nil)
	require.ErrorIs(t, err, apierr.ErrUnavailable)
	assert.EqualError(t, err, "v: look: "+l.Addr().String()+" does not speak HTTP on that port")
}

func TestConnectTimeoutIsFiveSeconds(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 5*time.Second, httpx.ConnectTimeout)
	assert.Equal(t, 30*time.Second, httpx.DefaultTimeout)
	inBubble(t, func(t *testing.T) {
		end := make(chan struct{}) // net/http dials on for whoever comes next
		defer close(end)
		c := client(t, httpx.Config{Vendor: "v", BaseURL: "http://host.invalid", Sleep: noSleep, Transport: &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) { <-end; return nil, net.ErrClosed }}})
		_, err := c.Do(t.Context(), httpx.Request{Op: "ack", Method: "POST", Timeout: 20 * time.Millisecond}, nil)
		require.EqualError(t, err, "v: ack: timed out after 20ms connecting to host.invalid")
		require.NotErrorIs(t, err, apierr.ErrUnknownOutcome)
	})
}
