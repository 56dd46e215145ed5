package grafana

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/datasource"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Picture asks for a panel as a PNG.
type Picture struct {
	Dashboard Dashboard
	View      View // Panel is needed
	Width     int  // pixels; 0 is 1000
	Height    int  // pixels; 0 is 500
	Light     bool // theme; the default is dark
	Zone      string
}

// renderTime is how long a renderer may take: seconds to a minute.
const renderTime = 90 * time.Second

// pngMagic begins every PNG.
var pngMagic = []byte("\x89PNG\r\n\x1a\n")

// Render returns the PNG of one panel. A Grafana without its image renderer is
// an apierr.ErrUnsupported: it answers with a page or a small picture that says
// so, and neither is passed off as the panel.
func (c *Client) Render(ctx context.Context, p Picture) ([]byte, error) {
	const op = "render a panel"
	if p.View.Panel <= 0 {
		return nil, apierr.New(apierr.ErrUsage, vendor, op, "no panel is named")
	}
	v := p.View.values("panelId")
	set := func(name string, n, otherwise int) {
		if n <= 0 {
			n = otherwise
		}
		v.Set(name, strconv.Itoa(n))
	}
	set("width", p.Width, 1000)
	set("height", p.Height, 500)
	v.Set("theme", map[bool]string{true: "light", false: "dark"}[p.Light])
	if p.Zone != "" {
		v.Set("tz", p.Zone)
	}
	if c.org != "" {
		v.Set("orgId", c.org)
	}
	slug := "x"
	if i := strings.LastIndex(p.Dashboard.URL, "/"); i >= 0 && i+1 < len(p.Dashboard.URL) {
		slug = p.Dashboard.URL[i+1:]
	}
	res, err := c.api.Do(ctx, httpx.Request{Op: op, Path: "/render/d-solo/" + httpx.Segment(p.Dashboard.UID) + "/" + slug,
		Query: v, Header: c.api.Header, Accept: "image/png", AnyType: true, Timeout: renderTime}, nil)
	if err != nil {
		return nil, noRenderer(err)
	}
	switch {
	case datasource.IsHTML(res.Header, res.Body) && bytes.Contains(bytes.ToLower(res.Body), []byte("login")):
		return nil, c.api.Page(op, res.Status)
	case !bytes.HasPrefix(res.Body, pngMagic):
		return nil, missingRenderer(op, "it answered "+strconv.Quote(res.Header.Get("Content-Type"))+", not a PNG")
	case strings.Contains(res.Header.Get("Content-Disposition"), "rendering_plugin_not_installed"),
		strings.Contains(res.Header.Get("X-Grafana-Render"), "error"):
		return nil, missingRenderer(op, "it answered its own error picture")
	}
	return res.Body, nil
}

func missingRenderer(op, why string) error {
	return apierr.New(apierr.ErrUnsupported, vendor, op, "this Grafana makes no pictures: %s", why).
		WithHint("its image renderer is missing; `oncall metrics range EXPR --png FILE` draws one here")
}

// noRenderer tells a missing renderer from other failures.
func noRenderer(err error) error {
	text := strings.ToLower(err.Error())
	if strings.Contains(text, "render") && (strings.Contains(text, "plugin") || strings.Contains(text, "not installed") || strings.Contains(text, "no image renderer")) {
		return missingRenderer("render a panel", "no image renderer is installed")
	}
	return err
}
