package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Local is what a target answers when it is asked from here.
type Local struct {
	Target    string   `json:"target"`
	Passed    bool     `json:"passed"`
	Skipped   bool     `json:"skipped"`   // it was not asked; words say why
	Words     string   `json:"words"`     // "200 OK", or what failed
	Step      string   `json:"step"`      // where it failed: dns, connect, tls, http; "" when it passed
	Addresses []string `json:"addresses"` // of the name
	Address   string   `json:"address"`   // that answered
	Location  string   `json:"location"`  // of a redirect that is not followed
	Redirects []string `json:"redirects"` // those that were followed, as the check is set to
	TLS       *TLS     `json:"tls"`       // null: none
	Times     []Timing `json:"times"`     // in order
}

// TLS is what a certificate says.
type TLS struct {
	Version  string    `json:"version"`
	Subject  string    `json:"subject"`
	Issuer   string    `json:"issuer"`
	NotAfter time.Time `json:"notAfter"`
	Days     int       `json:"daysLeft"` // negative: it is over
	Error    string    `json:"error"`    // why it is not trusted; "" when it is
}

// Timing is how long one step took.
type Timing struct {
	Step    string  `json:"step"` // dns, connect, tls, first byte, body
	Seconds float64 `json:"seconds"`
}

// Asker asks targets from here.
type Asker struct {
	// Transport takes the place of the network, as in the demo, and asks for pages
	// alone; nil is the network itself.
	Transport http.RoundTripper
	Roots     *x509.CertPool // nil: those of the system
	Now       func() time.Time
	Timeout   time.Duration
	UserAgent string
}

// bodyRead is how much of an answer is read: whether it comes is what counts.
const bodyRead = 1 << 20

// Ask asks what the check asks: a page, a certificate, a port, or a name.
func (a *Asker) Ask(ctx context.Context, c Check) Local {
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	q := &question{a: a, c: c, l: Local{Target: c.Target, Addresses: []string{}, Redirects: []string{}, Times: []Timing{}}, at: time.Now()}
	begin := q.at
	u, err := url.Parse(c.Target)
	switch {
	case err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
		q.page(ctx, u)
	case a.Transport != nil:
		q.l.Skipped, q.l.Words = true, "not asked: only pages can be asked for in the demo"
	default:
		q.host(ctx, c)
	}
	if limit := c.raw.Threshold; q.l.Passed && limit > 0 && time.Since(begin) > limit {
		q.l.Passed, q.l.Step, q.l.Words = false, "http", q.l.Words+", slower than "+limit.String()
	}
	return q.l
}

// maxRedirects is how many are followed, of a check that follows.
const maxRedirects = 5

// question is one asking; its trace runs in the transport's goroutines.
type question struct {
	a   *Asker
	c   Check
	mu  sync.Mutex
	l   Local
	at  time.Time // when the running step began
	now string    // that step
}

// fail notes where it failed; "" is the step that was running.
func (q *question) fail(step string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if step == "" {
		step = q.now
	}
	var op *net.OpError
	if step == "http" && errors.As(err, &op) && op.Op == "dial" {
		step = "connect" // it had no address to begin with
	}
	q.l.Step, q.l.Words = step, plain(err)
}

// plain is an error without the words of the layers above its cause.
func plain(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return "the name " + dns.Name + " does not exist"
		}
		return "the name " + dns.Name + " was not resolved: " + dns.Err
	case errors.As(err, &op) && op.Err != nil:
		if op.Addr != nil {
			return op.Addr.String() + ": " + op.Err.Error()
		}
		return op.Err.Error()
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}

func (q *question) begin(step string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.at, q.now = time.Now(), step
}

func (q *question) done(step string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.now == step {
		q.l.Times = append(q.l.Times, Timing{step, time.Since(q.at).Seconds()})
		q.at = time.Now()
	}
}

func (q *question) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { q.begin("dns") },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			if i.Err == nil {
				q.done("dns")
				q.mu.Lock()
				for _, a := range i.Addrs {
					q.l.Addresses = append(q.l.Addresses, a.String())
				}
				q.mu.Unlock()
			}
		},
		ConnectStart: func(string, string) {
			q.mu.Lock()
			again := q.now == "connect" // a second address beside the first
			q.mu.Unlock()
			if !again {
				q.begin("connect")
			}
		},
		ConnectDone: func(_, addr string, err error) {
			if err == nil {
				q.done("connect")
				q.mu.Lock()
				q.l.Address = addr
				q.mu.Unlock()
			}
		},
		TLSHandshakeStart: func() { q.begin("tls") },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err == nil {
				q.done("tls")
			}
		},
		GotConn:              func(httptrace.GotConnInfo) { q.begin("first byte") },
		GotFirstResponseByte: func() { q.done("first byte"); q.begin("body") },
	}
}

func (q *question) page(ctx context.Context, u *url.URL) {
	rt := q.a.Transport
	if rt == nil {
		t := &http.Transport{TLSClientConfig: q.tlsConfig(u.Hostname()), DisableKeepAlives: true, TLSHandshakeTimeout: q.a.Timeout}
		if q.c.raw.IPv6 {
			t.DialContext = func(ctx context.Context, _, addr string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp6", addr)
			}
		}
		defer t.CloseIdleConnections()
		rt = t
	}
	q.begin("http")
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, q.trace()), http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		q.fail("", err)
		return
	}
	req.Header.Set("User-Agent", q.a.UserAgent)
	res, err := rt.RoundTrip(req)
	if err != nil {
		q.fail("", err)
		return
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, bodyRead))
	if err != nil {
		q.fail("", err)
		return
	}
	q.done("body")
	if next := q.next(u, res); next != nil {
		q.page(ctx, next)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.l.Words = strings.TrimSpace(strconv.Itoa(res.StatusCode) + " " + http.StatusText(res.StatusCode))
	q.l.Location = res.Header.Get("Location")
	q.l.Passed = res.StatusCode >= 200 && res.StatusCode < 400 // as NodePing has it (note 3)
	if !q.l.Passed {
		q.l.Step = "http"
	}
}

// next is where a check that follows redirects goes from u; nil is nowhere.
func (q *question) next(u *url.URL, res *http.Response) *url.URL {
	if !q.c.raw.Follow || res.StatusCode < 300 || res.StatusCode > 399 {
		return nil
	}
	to, err := u.Parse(res.Header.Get("Location"))
	if err != nil || res.Header.Get("Location") == "" || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.l.Redirects) == maxRedirects {
		return nil
	}
	q.l.Redirects = append(q.l.Redirects, to.String())
	return to
}

// host asks for what is no page: a certificate, a port, a name.
func (q *question) host(ctx context.Context, c Check) {
	host, port, err := net.SplitHostPort(c.Target)
	if err != nil {
		host, port = strings.Trim(c.Target, "[]"), ""
	}
	kind := strings.ToUpper(c.Type)
	switch {
	case port != "":
	case c.raw.Port > 0:
		port = strconv.Itoa(c.raw.Port)
	case kind == "SSL":
		port = "443"
	}
	q.begin("dns")
	addrs, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		q.fail("", err)
		return
	}
	q.done("dns")
	q.l.Addresses = append(q.l.Addresses, addrs...)
	if port == "" || kind == "DNS" || kind == "PING" {
		q.l.Passed, q.l.Words = true, "the name resolves; more is not asked for a check of type "+kind
		return
	}
	q.begin("connect")
	network := "tcp"
	if q.c.raw.IPv6 {
		network = "tcp6"
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(host, port))
	if err != nil {
		q.fail("", err)
		return
	}
	defer conn.Close()
	q.done("connect")
	q.l.Address, q.l.Passed, q.l.Words = conn.RemoteAddr().String(), true, "port "+port+" is open"
	if kind != "SSL" {
		return
	}
	q.l.Passed = false
	q.begin("tls")
	t := tls.Client(conn, q.tlsConfig(host))
	if err := t.HandshakeContext(ctx); err != nil {
		q.fail("", err)
		return
	}
	q.done("tls")
	q.l.Passed, q.l.Words = true, "valid"
}

// tlsConfig notes the certificate before it is judged, so that an expired one can
// be told.
func (q *question) tlsConfig(host string) *tls.Config {
	return &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection below judges it in full
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errors.New("no certificate came")
			}
			leaf, now := s.PeerCertificates[0], q.a.Now()
			o := x509.VerifyOptions{DNSName: host, Roots: q.a.Roots, CurrentTime: now, Intermediates: x509.NewCertPool()}
			for _, c := range s.PeerCertificates[1:] {
				o.Intermediates.AddCert(c)
			}
			_, err := leaf.Verify(o)
			info := &TLS{Version: tls.VersionName(s.Version), Subject: leaf.Subject.CommonName, Issuer: leaf.Issuer.CommonName,
				NotAfter: leaf.NotAfter.UTC(), Days: days(leaf.NotAfter.Sub(now))}
			if err != nil {
				info.Error = strings.TrimPrefix(err.Error(), "x509: ")
			}
			q.mu.Lock()
			q.l.TLS = info
			q.mu.Unlock()
			return err
		},
	}
}

// days are whole days, rounded down: a certificate that is over has fewer than 0.
func days(d time.Duration) int {
	n := int(d / (24 * time.Hour))
	if d < 0 && d%(24*time.Hour) != 0 {
		n--
	}
	return n
}
