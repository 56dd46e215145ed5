package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// transportFailure is the outcome of an attempt without an answer. A change is
// sent again only if no byte of it was written.
func (c *Client) transportFailure(ctx context.Context, cl *call, u *url.URL, p *progress, limit time.Duration, err error) outcome {
	arrived := p.mayHaveArrived(ctx) && !refusedCertificate(err)
	message, hint, lasting := c.wireWords(ctx, u, p, limit, err)
	e := c.fail(cl, apierr.ErrUnavailable, "%s", message)
	e.Hint, e.Err = hint, c.hushed(err)
	if cause := context.Cause(ctx); ctx.Err() != nil && !errors.Is(cause, errTimedOut) && !errors.Is(cause, errReplay) {
		e.Err = ctx.Err()
		if errors.Is(ctx.Err(), context.Canceled) {
			e.Kind = nil
		}
	}
	if cl.writes && arrived {
		e.Kind = append([]error{apierr.ErrUnknownOutcome}, e.Kind...)
		return outcome{err: e}
	}
	return outcome{err: e, again: !lasting}
}

// refusedCertificate reports a TLS alert about the client's certificate. With
// TLS 1.3 it comes after the request was written, and yet the server's
// application never sees that.
func refusedCertificate(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" && strings.Contains(op.Err.Error(), "certificate")
}

// bodyFailure is the outcome of an attempt whose answer began and could not be
// read to its end.
func (c *Client) bodyFailure(ctx context.Context, cl *call, res *http.Response, p *progress, limit time.Duration, got int, err error) outcome {
	var o outcome
	switch {
	case errors.Is(err, ErrTooLarge):
		most := cl.r.MaxBody
		if most <= 0 {
			most = DefaultMaxBody
		}
		o.err = c.fail(cl, apierr.ErrUnavailable, "the answer is larger than %s", size(most))
	case ctx.Err() != nil:
		o = c.transportFailure(ctx, cl, res.Request.URL, p, limit, err)
	default:
		o.err = c.fail(cl, apierr.ErrUnavailable, "the answer was cut off after %s", size(int64(got)))
		o.again = !cl.writes
	}
	if cl.writes && !errors.Is(o.err, apierr.ErrUnknownOutcome) {
		o.err.Kind = append([]error{apierr.ErrUnknownOutcome}, o.err.Kind...)
	}
	o.err.Status, o.err.RequestID, o.err.Err = res.StatusCode, c.requestID(res.Header), c.hushed(err)
	return o
}

// wireWords tells in plain words what went wrong before the answer was there.
// lasting means that trying again at once cannot help.
func (c *Client) wireWords(ctx context.Context, u *url.URL, p *progress, limit time.Duration, err error) (message, hint string, lasting bool) {
	host := u.Host
	var (
		dns     *net.DNSError
		op      *net.OpError
		netErr  net.Error
		caErr   x509.UnknownAuthorityError
		nameErr x509.HostnameError
		certErr x509.CertificateInvalidError
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		refusal *proxyRefusal
	)
	if cause := context.Cause(ctx); ctx.Err() != nil && !errors.Is(cause, errReplay) {
		switch {
		case errors.Is(cause, errTimedOut):
			return fmt.Sprintf("timed out after %s %s %s", limit, p.phase(), host), "", false
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return "out of time while " + p.phase() + " " + host, "", true
		}
		return "interrupted while " + p.phase() + " " + host, "", true
	}
	proxied := errors.As(err, &op) && op.Op == "proxyconnect"
	if proxied {
		host = "the proxy for " + host
	}
	switch {
	case errors.As(err, &refusal):
		return refusal.Error(), "", refusal.status < 500
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host " + dns.Name, "", true
	case errors.As(err, &dns):
		return "the name " + dns.Name + " could not be looked up", "", false
	case errors.As(err, &caErr):
		return "the certificate of " + host + " is not trusted: its issuer is unknown", "for a private authority set ca-file", true
	case errors.As(err, &nameErr):
		return "the certificate of " + host + " is not trusted: it is for another name", "", true
	case errors.As(err, &certErr):
		why := "it is not valid for this use"
		if certErr.Reason == x509.Expired {
			why = "it has expired or is not valid yet (is the clock right?)"
		}
		return "the certificate of " + host + " is not trusted: " + why, "", true
	case errors.As(err, &verify):
		return "the certificate of " + host + " is not trusted", "for a private authority set ca-file", true
	case errors.As(err, &record):
		return host + " does not speak TLS on that port", "is it http instead of https?", true
	case errors.As(err, &op) && op.Op == "remote error":
		return host + " refused the TLS connection: " + c.plain(op.Err), "it may want a client certificate", true
	case strings.Contains(err.Error(), "malformed HTTP"):
		return host + " does not speak HTTP on that port", "", true
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused by " + host, "", false
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to " + host, "", false
	case errors.Is(err, errEncoding):
		return host + " answered in an encoding that was not asked for", "", true
	case !p.connected.Load() && errors.As(err, &netErr) && netErr.Timeout():
		return fmt.Sprintf("timed out after %s connecting to %s", ConnectTimeout, host), "", false
	case p.answered.Load():
		return "the connection to " + host + " was lost while it answered", "", false
	case p.wrote.Load():
		return "the connection to " + host + " was lost after the request was sent", "", false
	case proxied:
		return host + " could not be used: " + c.plain(innermost(op.Err)), "", false
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), p.connected.Load():
		return "the connection to " + host + " was lost before the request was sent", "", false
	}
	return "could not connect to " + host + ": " + c.plain(innermost(err)), "", false
}

// innermost is the cause at the end of a chain: "no buffer space available"
// without "dial tcp 192.0.2.1:443: connect:" before it.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// phase completes "timed out after 5s ..." and "interrupted while ...".
func (p *progress) phase() string {
	switch {
	case p.answered.Load():
		return "reading the answer of"
	case p.wrote.Load():
		return "waiting for the answer of"
	case p.connected.Load():
		return "sending the request to"
	}
	return "connecting to"
}

// hushed wraps a cause so that errors.Is and As still see it and its text, which
// may carry a URL, is masked and safe.
func (c *Client) hushed(err error) error {
	if err == nil {
		return nil
	}
	return &hushedError{text: c.plain(err), err: err}
}

type hushedError struct {
	text string
	err  error
}

func (h *hushedError) Error() string { return h.text }
func (h *hushedError) Unwrap() error { return h.err }

// plain is the text of err, masked, in one line.
func (c *Client) plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // its text begins with the whole URL
	}
	return oneLine(c.cfg.Masker.Mask(trimPrefixes(err.Error(), "net/http: ", "http: ", "tls: ", "x509: ")), maxMessage)
}

func trimPrefixes(s string, prefixes ...string) string {
	for _, p := range prefixes {
		if len(s) > len(p) && s[:len(p)] == p {
			s = s[len(p):]
		}
	}
	return s
}
