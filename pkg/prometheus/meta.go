package prometheus

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

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
	return c.api.Decode(op, env.Data, out)
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
