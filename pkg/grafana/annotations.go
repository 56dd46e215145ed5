package grafana

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Annotation is a mark on dashboards. Without Dashboard it is organisation-wide
// and found by its tags.
type Annotation struct {
	ID        int64     `json:"id"`
	Time      time.Time `json:"time"`
	TimeEnd   time.Time `json:"timeEnd"` // zero for a moment
	Text      string    `json:"text"`
	Tags      []string  `json:"tags"`
	Dashboard string    `json:"dashboardUID"` // uid, may be empty
	Panel     int64     `json:"panelId"`
	Login     string    `json:"login"` // who made it
}

type wireAnnotation struct {
	ID        int64    `json:"id,omitempty"`
	Time      int64    `json:"time"` // milliseconds
	TimeEnd   int64    `json:"timeEnd,omitempty"`
	Text      string   `json:"text"`
	Tags      []string `json:"tags"`
	Dashboard string   `json:"dashboardUID,omitempty"`
	Panel     int64    `json:"panelId,omitempty"`
	Login     string   `json:"login,omitempty"`
}

func (w wireAnnotation) annotation() Annotation {
	a := Annotation{ID: w.ID, Time: time.UnixMilli(w.Time).UTC(), Text: w.Text, Tags: w.Tags, Dashboard: w.Dashboard, Panel: w.Panel, Login: w.Login}
	if w.TimeEnd > w.Time {
		a.TimeEnd = time.UnixMilli(w.TimeEnd).UTC()
	}
	if a.Tags == nil {
		a.Tags = []string{}
	}
	return a
}

// Annotate makes a mark and returns its id. It needs the right
// annotations:create, in practice the role Editor. After a lost answer the marks
// of its time are read: one that is the same is taken for it, otherwise the error
// stays an apierr.ErrUnknownOutcome.
func (c *Client) Annotate(ctx context.Context, a Annotation) (id int64, err error) {
	w := wireAnnotation{Time: a.Time.UnixMilli(), Text: a.Text, Tags: a.Tags, Dashboard: a.Dashboard, Panel: a.Panel}
	if w.Tags == nil {
		w.Tags = []string{}
	}
	if !a.TimeEnd.IsZero() {
		w.TimeEnd = a.TimeEnd.UnixMilli()
	}
	var out struct {
		ID int64 `json:"id"`
	}
	err = c.do(ctx, httpx.Request{Op: "annotate", Method: "POST", Path: "/api/annotations", JSON: w}, &out)
	if err == nil || !errors.Is(err, apierr.ErrUnknownOutcome) {
		return out.ID, err
	}
	made, look := c.Annotations(ctx, a.Time, a.Time.Add(time.Millisecond), a.Tags)
	if look != nil {
		return 0, err
	}
	for _, m := range made {
		if m.Text == a.Text && m.Time.UnixMilli() == w.Time && m.Dashboard == a.Dashboard {
			return m.ID, nil
		}
	}
	return 0, err
}

// Annotations lists the marks of a span that have all tags, newest first, at most
// a thousand.
func (c *Client) Annotations(ctx context.Context, from, to time.Time, tags []string) ([]Annotation, error) {
	v := url.Values{"from": {itoa(from.UnixMilli())}, "to": {itoa(to.UnixMilli())}, "type": {"annotation"}, "limit": {strconv.Itoa(1000)}, "tags": tags}
	var wire []wireAnnotation
	if err := c.do(ctx, httpx.Request{Op: "list annotations", Path: "/api/annotations", Query: v}, &wire); err != nil {
		return nil, err
	}
	out := []Annotation{}
	for _, w := range wire {
		out = append(out, w.annotation())
	}
	return out, nil
}
