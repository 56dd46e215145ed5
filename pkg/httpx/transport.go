package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/balena-io/oncall/pkg/apierr"
)

// newTransport is the real network.
func newTransport(cfg Config) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 cfg.Proxy,
		DialContext:           (&net.Dialer{Timeout: ConnectTimeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   ConnectTimeout,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       60 * time.Second,
		ExpectContinueTimeout: time.Second,
		// The default of 10 MiB is no limit for a header.
		MaxResponseHeaderBytes: 1 << 20,
		// A stream on a dead link ends by these pings, not only by its idle limit.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, res *http.Response) error {
			if res.StatusCode != http.StatusOK {
				return &proxyRefusal{host: proxy.Host, status: res.StatusCode}
			}
			return nil
		},
	}
	conf, err := cfg.tlsConfig()
	if err != nil {
		return nil, err
	}
	t.TLSClientConfig = conf
	return t, nil
}

func (cfg Config) tlsConfig() (*tls.Config, error) {
	files := cfg.TLS
	if files == (TLS{}) {
		return nil, nil //nolint:nilnil // no settings is the default of net/http
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if files.CAFile != "" {
		pem, err := os.ReadFile(files.CAFile)
		if err != nil {
			return nil, fileError(cfg, "ca-file", files.CAFile, err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, apierr.New(apierr.ErrUsage, cfg.Vendor, "", "ca-file %s: no certificate in PEM form in it", files.CAFile)
		}
		conf.RootCAs = pool
	}
	switch {
	case files.CertFile == "" && files.KeyFile == "":
	case files.CertFile == "" || files.KeyFile == "":
		return nil, apierr.New(apierr.ErrUsage, cfg.Vendor, "", "a client certificate needs both its cert-file and its key-file")
	default:
		pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
		if err != nil {
			return nil, fileError(cfg, "client certificate", files.CertFile+" and "+files.KeyFile, err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

func fileError(cfg Config, what, path string, err error) error {
	text := trimPrefixes(err.Error(), "tls: ")
	var pe *os.PathError
	if errors.As(err, &pe) {
		text = pe.Err.Error()
	}
	e := apierr.New(apierr.ErrUsage, cfg.Vendor, "", "%s %s: %s", what, path, text)
	e.Err = err
	return e
}

// proxyRefusal is a proxy's no to CONNECT, which net/http tells as a bare
// "Forbidden".
type proxyRefusal struct {
	host   string
	status int
}

func (p *proxyRefusal) Error() string {
	return fmt.Sprintf("the proxy %s refused: %s (%d)", p.host, strings.ToLower(http.StatusText(p.status)), p.status)
}

// ProxyFromEnv makes a Config.Proxy from HTTPS_PROXY, HTTP_PROXY and NO_PROXY,
// or their lower-case forms, as getenv gives them. net/http's own function reads
// the process's environment once and for all. As there, requests to localhost
// and loopback addresses use no proxy.
func ProxyFromEnv(getenv func(string) string) func(*http.Request) (*url.URL, error) {
	first := func(names ...string) string {
		for _, n := range names {
			if v := getenv(n); v != "" {
				return v
			}
		}
		return ""
	}
	choose := (&httpproxy.Config{
		HTTPProxy:  first("HTTP_PROXY", "http_proxy"),
		HTTPSProxy: first("HTTPS_PROXY", "https_proxy"),
		NoProxy:    first("NO_PROXY", "no_proxy"),
		CGI:        getenv("REQUEST_METHOD") != "",
	}).ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
}

// idleCloser drops kept connections before a change is sent. A server closes an
// idle connection when it likes (5 s in Node, 30 s in Jetty); a request that
// meets this moment is lost without a word about whether it arrived. A read is
// just repeated, a change would end as "outcome unknown".
type idleCloser struct {
	mu        sync.Mutex
	transport *http.Transport
	last      time.Time
}

// keepFor is how long after the last request a kept connection is trusted.
const keepFor = 2 * time.Second

func (i *idleCloser) freshFor(cl *call) {
	if i.transport == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	if cl.writes && !i.last.IsZero() && now.Sub(i.last) > keepFor {
		i.transport.CloseIdleConnections()
	}
	i.last = now
}
