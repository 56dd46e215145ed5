package loki

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/datasource"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// LimitKind is what a server's limit is about.
type LimitKind string

// The limits that a query can run into. All are set per tenant, so they are not
// known before the server names them.
const (
	LimitEntries LimitKind = "entries" // lines a request; Max is the number
	LimitRange   LimitKind = "range"   // length of the time range; Length is the longest
	LimitSeries  LimitKind = "series"  // series of a metric query; Max is the number
	LimitBytes   LimitKind = "bytes"   // what a query may read
	LimitTime    LimitKind = "time"    // the query took too long
	LimitLoad    LimitKind = "load"    // too many queries at once
)

// Limit is a limit of the server that a query ran into. It stands in the tree of
// an *apierr.Error.
type Limit struct {
	Kind    LimitKind
	Max     int           // of entries and series; 0 when unknown
	Length  time.Duration // of a range; 0 when unknown
	Message string        // the server's words
}

func (l *Limit) Error() string { return l.Message }

// Splits reports whether a shorter range can help.
func (l *Limit) Splits() bool {
	return l.Kind == LimitRange || l.Kind == LimitBytes || l.Kind == LimitTime
}

var (
	entriesLimit = lazyregexp.New(`max entries limit per query exceeded.*\((\d+) > (\d+)\)`)
	rangeLimit   = lazyregexp.New(`time range exceeds the limit.*limit: ([0-9a-zµ.]+)`)
	seriesLimit  = lazyregexp.New(`maximum (?:number )?of series \((\d+)\) reached`)
	bytesLimit   = lazyregexp.New(`would read too many bytes`)
	timeLimit    = lazyregexp.New(`(?i)request timed out|context deadline exceeded|query timed out`)
	loadLimit    = lazyregexp.New(`too many outstanding requests`)
	placeOf      = lazyregexp.New(`parse error at line (\d+), col (\d+)`)
)

// limitOf reads a limit out of the server's text; nil when it is about none.
func limitOf(text string, status int) *Limit {
	l := &Limit{Message: text}
	if m := entriesLimit().FindStringSubmatch(text); m != nil {
		l.Kind = LimitEntries
		l.Max, _ = strconv.Atoi(m[2])
		return l
	}
	if m := rangeLimit().FindStringSubmatch(text); m != nil {
		l.Kind, l.Length = LimitRange, parseDuration(m[1])
		return l
	}
	if m := seriesLimit().FindStringSubmatch(text); m != nil {
		l.Kind = LimitSeries
		l.Max, _ = strconv.Atoi(m[1])
		return l
	}
	switch {
	case bytesLimit().MatchString(text):
		l.Kind = LimitBytes
	case timeLimit().MatchString(text), status == http.StatusGatewayTimeout:
		l.Kind = LimitTime
	case loadLimit().MatchString(text):
		l.Kind = LimitLoad
	default:
		return nil
	}
	return l
}

// parseDuration reads Prometheus' and Go's notation mixed: 30d1h, 721h0m0.1s.
// What it cannot read is 0.
func parseDuration(s string) time.Duration {
	var total time.Duration
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if end <= 0 {
			return 0
		}
		n, err := strconv.ParseFloat(s[:end], 64)
		if err != nil {
			return 0
		}
		rest := s[end:]
		size := strings.IndexAny(rest, "0123456789")
		if size < 0 {
			size = len(rest)
		}
		unit := map[string]time.Duration{"ns": 1, "us": time.Microsecond, "µs": time.Microsecond, "ms": time.Millisecond, "s": time.Second,
			"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour}[rest[:size]]
		if unit == 0 {
			return 0
		}
		total += time.Duration(n * float64(unit))
		s = rest[size:]
	}
	return total
}

// classify gives Loki's errors, which are plain text, their meaning.
//
// Source: contract note section 4.
func (c *Client) classify(e *httpx.Answer) {
	if datasource.IsHTML(e.Header, e.Body) || datasource.Message(e.Body) != "" {
		return
	}
	text := strings.Join(strings.Fields(string(e.Body)), " ")
	limit := limitOf(text, e.Status)
	if limit != nil {
		e.Err.Err = limit
	}
	switch {
	case limit != nil && limit.Kind == LimitLoad:
		e.Err.Kind, e.Err.Message = []error{apierr.ErrRateLimited}, text
		e.Err.Hint = "ask for less at a time: a lower --parallel, a shorter range"
	case e.Status == http.StatusTooManyRequests && text != "":
		e.Err.Message = text
	case e.Status == http.StatusBadRequest && text != "":
		e.Err.Kind, e.Err.Message = []error{apierr.ErrInvalid}, text
		e.Err.Hint = limitHint(limit)
	case e.Status == http.StatusUnauthorized && strings.Contains(text, "no org id"):
		e.Err.Kind, e.Err.Message = []error{apierr.ErrAuth}, "the server wants a tenant: "+text
		e.Err.Hint = "set the tenant: ONCALL_LOKI_TENANT, or tenant in the context's loki block"
	case e.Status >= http.StatusInternalServerError && strings.Contains(text, "multiple org IDs"):
		e.Err.Kind, e.Err.Message = []error{apierr.ErrInvalid}, text
		e.Err.Hint = "this server does not answer for several tenants at once: name one in ONCALL_LOKI_TENANT"
	case e.Status == http.StatusNotFound:
		e.Err.Kind = []error{apierr.ErrNotFound}
		e.Err.Message = "there is no Loki API at this URL: " + c.api.Base() + "/loki/api/v1"
		e.Err.Hint = "the URL is what stands before /loki/api/v1; is a prefix missing, or too much of it there?"
	case e.Status >= http.StatusInternalServerError && text != "":
		e.Err.Message = text
		e.Err.Hint = limitHint(limit)
	}
}

func limitHint(l *Limit) string {
	if l == nil {
		return ""
	}
	switch l.Kind {
	case LimitRange, LimitTime, LimitBytes:
		return "ask for a shorter range, or narrow the selector"
	case LimitSeries:
		return "group by fewer labels, or narrow the selector"
	case LimitEntries, LimitLoad:
	}
	return ""
}

// limitIn is the limit in err's tree, nil when there is none.
func limitIn(err error) *Limit {
	var l *Limit
	if errors.As(err, &l) {
		return l
	}
	var e *apierr.Error
	if errors.As(err, &e) && e.Status == http.StatusGatewayTimeout {
		return &Limit{Kind: LimitTime, Message: e.Message}
	}
	return nil
}
