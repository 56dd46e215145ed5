package prometheus

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// suggestPrefix completes the error of a URL without the prefix under which
// Prometheus is served. Such a server redirects "/" to its prefix, so one more
// request finds the right URL; when it does not, the usual prefix is named.
func (c *Client) suggestPrefix(ctx context.Context, err error) error {
	var e *apierr.Error
	if !errors.As(err, &e) || e.Code != codeNoAPI || c.proxied {
		return err
	}
	e.Code = ""
	if found := c.findPrefix(ctx); found != "" {
		e.Hint = "Prometheus is served below a prefix: use the URL " + found
		return err
	}
	e.Hint = "is a prefix missing? try the URL " + c.api.Base() + "/prometheus"
	return err
}

// findPrefix asks the root where Prometheus lives. "" when it does not tell.
func (c *Client) findPrefix(ctx context.Context) string {
	res, err := c.api.Do(ctx, httpx.Request{Op: "find the prefix", Path: "/", Header: c.api.Header, AnyStatus: true, AnyType: true, Accept: "*/*"}, nil)
	if err != nil {
		return ""
	}
	base, err := url.Parse(c.api.Base() + "/")
	if err != nil {
		return ""
	}
	target := base
	if res.URL != nil {
		target = res.URL
	}
	if location := res.Header.Get("Location"); location != "" {
		next, err := target.Parse(location)
		if err != nil {
			return ""
		}
		target = next
	}
	path := strings.TrimRight(target.Path, "/")
	for _, page := range []string{"/graph", "/query", "/classic/graph"} {
		path = strings.TrimSuffix(path, page)
	}
	if target.Host != base.Host || path == strings.TrimRight(base.Path, "/") || strings.HasSuffix(path, "/login") {
		return ""
	}
	return base.Scheme + "://" + base.Host + path
}
