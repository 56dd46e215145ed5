package loki

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/httpx"
)

// Span is a time range of a metadata query. Zero ends are the server's: the last
// hour.
type Span struct{ Start, End time.Time }

func (s Span) values() url.Values {
	v := url.Values{}
	if !s.Start.IsZero() {
		v.Set("start", ns(s.Start))
	}
	if !s.End.IsZero() {
		v.Set("end", ns(s.End))
	}
	return v
}

// get reads one endpoint. Some wrap their answer in {"status","data"}, some do
// not; a missing data key leaves out as it is.
func (c *Client) get(ctx context.Context, op, path string, v url.Values, bare bool, out any) error {
	body, err := c.read(ctx, op, path, v, 0)
	if err != nil {
		return err
	}
	if !bare {
		out = &struct {
			Data any `json:"data"`
		}{out}
	}
	return c.api.Decode(op, body, out)
}

// LabelNames lists the label names, sorted. query narrows by a selector; "" is all.
func (c *Client) LabelNames(ctx context.Context, query string, s Span) ([]string, error) {
	v := s.values()
	if query != "" {
		v.Set("query", query)
	}
	out := []string{}
	err := c.get(ctx, "list labels", "labels", v, false, &out)
	slices.Sort(out)
	return out, err
}

// LabelValues lists the values of one label, sorted; none for an unknown label,
// for which the server leaves the data key out.
func (c *Client) LabelValues(ctx context.Context, name, query string, s Span) ([]string, error) {
	v := s.values()
	if query != "" {
		v.Set("query", query)
	}
	out := []string{}
	err := c.get(ctx, "list values of "+name, "label/"+httpx.Segment(name)+"/values", v, false, &out)
	slices.Sort(out)
	return out, err
}

// Series lists the streams that match any of the selectors, sorted by their
// text. Without a selector it is all streams.
func (c *Client) Series(ctx context.Context, match []string, s Span) ([]Labels, error) {
	v := s.values()
	for _, m := range match {
		v.Add("match[]", m)
	}
	out := []Labels{}
	err := c.get(ctx, "list series", "series", v, false, &out)
	slices.SortFunc(out, func(a, b Labels) int { return strings.Compare(a.String(), b.String()) })
	return out, err
}

// Estimate is what a selector covers, by the index. It is an estimate, up to
// double the truth: lines that are being flushed count twice.
type Estimate struct {
	Streams int64 `json:"streams"`
	Chunks  int64 `json:"chunks"`
	Bytes   int64 `json:"bytes"`
	Entries int64 `json:"entries"`
}

// Estimate asks the index what a selector (matchers only) covers.
func (c *Client) Estimate(ctx context.Context, selector string, s Span) (Estimate, error) {
	v := s.values()
	v.Set("query", selector)
	var out Estimate
	return out, c.get(ctx, "estimate", "index/stats", v, true, &out)
}

// VolumeRequest asks how many bytes were logged, by series or by label.
type VolumeRequest struct {
	Selector     string
	Span         Span
	TargetLabels []string // group by these; empty is the labels of the selector
	ByLabels     bool     // one line for each label instead of for each series
	Limit        int      // groups at most; 0 is the server's default (100)
}

// Volume returns bytes by group, largest first.
func (c *Client) Volume(ctx context.Context, r VolumeRequest) ([]Sample, error) {
	const op = "read volume"
	v := r.Span.values()
	v.Set("query", r.Selector)
	if len(r.TargetLabels) > 0 {
		v.Set("targetLabels", strings.Join(r.TargetLabels, ","))
	}
	if r.ByLabels {
		v.Set("aggregateBy", "labels")
	}
	if r.Limit > 0 {
		v.Set("limit", strconv.Itoa(r.Limit))
	}
	body, err := c.read(ctx, op, "index/volume", v, 0)
	if err != nil {
		return nil, err
	}
	res, err := decodeResult(body)
	if err != nil {
		return nil, c.api.Unreadable(op, err)
	}
	SortDesc(res.Vector)
	return res.Vector, nil
}

// SortDesc sorts samples by value, largest first, then by labels: topk comes
// back unsorted.
func SortDesc(samples []Sample) {
	slices.SortFunc(samples, func(a, b Sample) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), strings.Compare(a.Labels.String(), b.Labels.String()))
	})
}

// Pattern is a group of similar lines as the server's pattern ingester saw it.
type Pattern struct {
	Pattern string     `json:"pattern"` // <_> stands for what varies
	Level   string     `json:"level"`   // may be empty
	Samples [][2]int64 `json:"samples"` // seconds since 1970, count
}

// Count is the number of lines in all samples.
func (p Pattern) Count() int64 {
	var n int64
	for _, s := range p.Samples {
		n += s[1]
	}
	return n
}

// Patterns asks the server for its patterns. Only servers with a pattern
// ingester have any: others answer apierr.ErrNotFound or nothing, and the
// ingester knows only the last hours.
func (c *Client) Patterns(ctx context.Context, selector string, s Span) ([]Pattern, error) {
	v := s.values()
	v.Set("query", selector)
	out := []Pattern{}
	return out, c.get(ctx, "list patterns", "patterns", v, false, &out)
}

// Field is a field that lines have, and the parser that finds it.
type Field struct {
	Label       string   `json:"label"`
	Type        string   `json:"type"` // string, int, float, bool, duration, bytes
	Cardinality int64    `json:"cardinality"`
	Parsers     []string `json:"parsers"` // json, logfmt; nil is structured metadata
}

// Fields lists what the server found in a sample of the lines.
func (c *Client) Fields(ctx context.Context, query string, s Span) ([]Field, error) {
	v := s.values()
	v.Set("query", query)
	var out struct {
		Fields []Field `json:"fields"`
	}
	err := c.get(ctx, "list fields", "detected_fields", v, true, &out)
	return out.Fields, err
}
