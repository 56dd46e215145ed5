package httpx

import (
	"net/url"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/secret"
)

// parseBase reads cfg.BaseURL. A user in it becomes the Basic authorisation
// unless there is one, so that it is masked like every other credential.
func parseBase(cfg *Config) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSpace(cfg.BaseURL))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, apierr.New(apierr.ErrUsage, cfg.Vendor, "", "the URL %q is not http(s)://HOST[/PATH]", withoutUser(cfg.BaseURL))
	}
	if u := base.User; u != nil {
		if cfg.User == "" {
			password, _ := u.Password()
			cfg.User, cfg.Password = u.Username(), secret.New(password)
		}
		base.User = nil
	}
	base.Fragment, base.RawFragment = "", ""
	return base, nil
}

// withoutUser cuts "user:password@" out of a text that may not be a URL.
func withoutUser(raw string) string {
	start := 0
	if i := strings.Index(raw, "://"); i >= 0 {
		start = i + len("://")
	}
	end := len(raw)
	if i := strings.IndexAny(raw[start:], "/?#"); i >= 0 {
		end = start + i
	}
	if at := strings.LastIndexByte(raw[start:end], '@'); at >= 0 {
		return raw[:start] + raw[start+at+1:]
	}
	return raw
}

func (c *Client) origin() string { return c.base.Scheme + "://" + c.base.Host }

// target is the URL of r as text. Escapes of r.Path survive: only bytes that
// may not stand in a path at all are escaped.
func (c *Client) target(r Request) string {
	path, query, _ := strings.Cut(r.Path, "?")
	if path != "" && path[0] != '/' {
		path = "/" + path
	}
	var queries []string
	for _, q := range []string{c.base.RawQuery, query, r.RawQuery, r.Query.Encode()} {
		if q != "" {
			queries = append(queries, escapeBytes(q, queryBytes))
		}
	}
	out := c.origin() + c.prefix + escapeBytes(path, pathBytes)
	if len(queries) > 0 {
		out += "?" + strings.Join(queries, "&")
	}
	return out
}

// Bytes that net/url leaves alone, so that what is given is what is sent.
const (
	plainBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~"
	pathBytes  = plainBytes + "!$&'()*+,;=:@[]/"
	queryBytes = pathBytes + "?{}|^`\\\"<>"
)

// escapeBytes escapes what is not in allowed; a complete %XX stays.
func escapeBytes(s, allowed string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case strings.IndexByte(allowed, ch) >= 0, ch == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(ch)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[ch>>4])
			b.WriteByte(hex[ch&15])
		}
	}
	return b.String()
}

func isHex(ch byte) bool {
	return '0' <= ch && ch <= '9' || 'a' <= ch && ch <= 'f' || 'A' <= ch && ch <= 'F'
}

// Segment escapes one path segment. "@" stays as it is, which some vendors
// need (VictorOps does not decode %40). "." and ".." are escaped too, as a
// server would otherwise walk up the path.
func Segment(s string) string {
	if s == "." || s == ".." {
		return strings.Repeat("%2E", len(s))
	}
	return url.PathEscape(s)
}
