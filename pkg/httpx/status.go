package httpx

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// classifyBody is how much of a body Classify sees.
const classifyBody = 8 << 10

// statusError makes the error of a 4xx or 5xx by the common rules and then asks
// the vendor's Classify.
func (c *Client) statusError(cl *call, u *url.URL, res *http.Response, body []byte) *apierr.Error {
	status := res.StatusCode
	e := c.fail(cl, nil, "")
	e.Status, e.RequestID = status, c.requestID(res.Header)
	e.RetryAfter = retryAfter(res.Header, c.cfg.Now())
	text := errorText(res.Header, body)
	switch {
	case status == http.StatusUnauthorized:
		e.Kind, e.Message = []error{apierr.ErrAuth}, join("credentials missing or refused by "+u.Host, text)
		e = c.withLoginHint(e)
	case status == http.StatusForbidden:
		e.Kind, e.Message = []error{apierr.ErrAuth}, join("refused by "+u.Host, text)
		e = c.withLoginHint(e)
	case status == http.StatusProxyAuthRequired:
		e.Kind, e.Message = []error{apierr.ErrAuth}, join("the proxy wants a user and password", text)
	case status == http.StatusNotFound || status == http.StatusGone:
		e.Kind, e.Message = []error{apierr.ErrNotFound}, join("not found", text)
	case status == http.StatusConflict:
		e.Kind, e.Message = []error{apierr.ErrConflict}, join("conflict", text)
	case status == http.StatusTooManyRequests || status == 420:
		e.Kind, e.Message = []error{apierr.ErrRateLimited}, join("throttled", text)
	case status == http.StatusBadRequest || status == http.StatusUnprocessableEntity:
		e.Kind, e.Message = []error{apierr.ErrInvalid}, join("not accepted", text)
	case status == http.StatusRequestTimeout:
		e.Kind, e.Message = []error{apierr.ErrUnavailable}, join(u.Host+" did not get the request in time", text)
	case status >= 500:
		e.Kind, e.Message = []error{apierr.ErrUnavailable}, join(strings.ToLower(http.StatusText(status)), text)
		if cl.writes {
			e.Kind = append([]error{apierr.ErrUnknownOutcome}, e.Kind...)
		}
	case status < 200:
		e.Kind, e.Message = []error{apierr.ErrUnavailable}, "unexpected answer"
	default:
		e.Kind, e.Message = []error{apierr.ErrInvalid}, join(strings.ToLower(http.StatusText(status)), text)
	}
	if c.cfg.Classify != nil {
		c.cfg.Classify(&Answer{Err: e, Status: status, Header: res.Header, Body: body[:min(len(body), classifyBody)], Writes: cl.writes})
	}
	if e.RetryAfter > 0 {
		e.Message = strings.TrimSpace(e.Message + ", asks to wait " + e.RetryAfter.Round(time.Second).String())
	}
	e.Message = oneLine(c.cfg.Masker.Mask(e.Message), 2*maxMessage)
	e.Hint = c.cfg.Masker.Mask(e.Hint)
	return e
}

// join puts a vendor's text after our own word, unless it says the same.
func join(word, text string) string {
	switch {
	case text == "":
		return word
	case word == "" || strings.Contains(strings.ToLower(text), word):
		return text
	}
	return word + ": " + text
}

// requestHeaders are where vendors put the id of a request.
var requestHeaders = []string{"X-Request-Id", "X-Correlation-Id", "X-Amzn-Requestid", "X-Amz-Request-Id", "Request-Id", "X-Trace-Id", "Cf-Ray"}

func (c *Client) requestID(h http.Header) string {
	for _, name := range requestHeaders {
		if id := oneLine(c.cfg.Masker.Mask(h.Get(name)), 64); id != "" {
			return id
		}
	}
	return ""
}
