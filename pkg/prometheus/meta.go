package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Selection narrows a metadata query. The zero value is everything the server
// holds by its own default span. Answers are approximate: a label value without
// samples in the span can appear.
type Selection struct {
	Match      []string  // series selectors, ORed
	Start, End time.Time // zero is the server's default
	Limit      int       // 0 is all; older servers ignore it
}

func (s Selection) values() url.Values {
	v := url.Values{}
	for _, m := range s.Match {
		v.Add("match[]", m)
	}
	if !s.Start.IsZero() {
		v.Set("start", wireTime(s.Start))
	}
	if !s.End.IsZero() {
		v.Set("end", wireTime(s.End))
	}
	if s.Limit > 0 {
		v.Set("limit", strconv.Itoa(s.Limit))
	}
	return v
}

// get reads one endpoint into out.
func (c *Client) get(ctx context.Context, op, path string, v url.Values, form bool, out any) error {
	env, err := c.read(ctx, op, path, v, form)
	if err != nil {
		return err
	}
	if len(env.Data) == 0 {
		return nil
	}
	if err := json.Unmarshal(env.Data, out); err != nil {
		return &apierr.Error{Vendor: vendor, Op: op, Kind: []error{apierr.ErrUnavailable}, Err: err,
			Message: "the answer of " + c.host + " cannot be read: " + err.Error()}
	}
	return nil
}

// LabelNames lists the label names, sorted.
func (c *Client) LabelNames(ctx context.Context, s Selection) ([]string, error) {
	out := []string{}
	return out, c.get(ctx, "list labels", "labels", s.values(), true, &out)
}

// LabelValues lists the values of one label, sorted. An unknown label has none.
// It is always a GET: Grafana refuses the POST.
func (c *Client) LabelValues(ctx context.Context, name string, s Selection) ([]string, error) {
	out := []string{}
	err := c.get(ctx, "list values of "+name, "label/"+httpx.Segment(escapeLabel(name))+"/values", s.values(), false, &out)
	return out, err
}

// escapeLabel writes a name that is not [a-zA-Z_][a-zA-Z0-9_]* as U__ with
// _HEX_ for each odd rune, as version 3 wants it in a path.
func escapeLabel(name string) string {
	plain := func(i int, r rune) bool {
		return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9'
	}
	odd := false
	for i, r := range name {
		odd = odd || !plain(i, r)
	}
	if !odd {
		return name
	}
	var b strings.Builder
	b.WriteString("U__")
	for i, r := range name {
		switch {
		case r == '_':
			b.WriteString("__")
		case plain(i, r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "_%x_", r)
		}
	}
	return b.String()
}

// SeriesOf lists the label sets that match; at least one selector is needed.
func (c *Client) SeriesOf(ctx context.Context, s Selection) ([]Labels, error) {
	if len(s.Match) == 0 {
		return nil, apierr.New(apierr.ErrUsage, vendor, "list series", "no selector is given")
	}
	out := []Labels{}
	return out, c.get(ctx, "list series", "series", s.values(), true, &out)
}

// Format returns the query as the server would write it. Comments are lost.
func (c *Client) Format(ctx context.Context, expr string) (string, error) {
	var out string
	err := c.get(ctx, "format the query", "format_query", url.Values{"query": {expr}}, false, &out)
	return out, markPlace(err, expr)
}

// Metadata is what an exporter says of a metric.
type Metadata struct {
	Type string `json:"type"` // gauge, counter, histogram, summary, ...
	Help string `json:"help"`
	Unit string `json:"unit"` // mostly empty
}

// MetadataOf returns what the targets say of one metric; targets may disagree.
func (c *Client) MetadataOf(ctx context.Context, metric string) ([]Metadata, error) {
	out := map[string][]Metadata{}
	err := c.get(ctx, "read metadata of "+metric, "metadata", url.Values{"metric": {metric}}, false, &out)
	return out[metric], err
}

// Build is the server's version.
type Build struct {
	Version   string `json:"version"`
	Revision  string `json:"revision"`
	BuildDate string `json:"buildDate"`
	GoVersion string `json:"goVersion"`
}

// Build reads the server's version: the cheapest proof that URL and credential
// are right.
func (c *Client) Build(ctx context.Context) (Build, error) {
	var out Build
	return out, c.get(ctx, "read the version", "status/buildinfo", nil, false, &out)
}

// Ready reports whether the server answers queries: nil, or an error with its
// reason. The endpoint is outside /api/v1 and is text.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.http.Do(ctx, httpx.Request{Op: "ask whether it is ready", Method: http.MethodGet, Path: "/-/ready", Header: c.header, AnyType: true, Accept: "*/*"}, nil)
	return err
}
