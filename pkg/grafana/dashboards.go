package grafana

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/balena-io/oncall/pkg/httpx"
)

// Dashboard is one found by Search.
type Dashboard struct {
	UID    string   `json:"uid"`
	Title  string   `json:"title"`
	URL    string   `json:"url"` // whole, below Grafana's own address
	Folder string   `json:"folderTitle"`
	Tags   []string `json:"tags"`
}

// SearchRequest narrows a search. The zero value is every dashboard.
type SearchRequest struct {
	Query   string   // part of the title
	Tags    []string // all of them
	Starred bool
	Limit   int // 0 is all
}

// searchPage is the largest page that Grafana gives.
const searchPage = 5000

// Search lists dashboards in Grafana's order, by title. It reads page by page,
// as there is no total, until a short one.
func (c *Client) Search(ctx context.Context, r SearchRequest) ([]Dashboard, error) {
	size := searchPage
	if r.Limit > 0 {
		size = min(size, r.Limit)
	}
	v := url.Values{"type": {"dash-db"}, "limit": {strconv.Itoa(size)}, "tag": r.Tags}
	if r.Query != "" {
		v.Set("query", r.Query)
	}
	if r.Starred {
		v.Set("starred", "true")
	}
	out := []Dashboard{}
	seen := map[string]bool{}
	for page := 1; ; page++ {
		v.Set("page", strconv.Itoa(page))
		var got []Dashboard
		if err := c.do(ctx, httpx.Request{Op: "search dashboards", Path: "/api/search", Query: v}, &got); err != nil {
			return nil, err
		}
		fresh := 0
		for _, d := range got {
			if seen[d.UID] {
				continue
			}
			seen[d.UID] = true
			fresh++
			d.URL = c.resolve(d.URL)
			if d.Tags == nil {
				d.Tags = []string{}
			}
			out = append(out, d)
		}
		if r.Limit > 0 && len(out) >= r.Limit {
			return out[:r.Limit], nil
		}
		// A server that knows no pages gives the same one again.
		if len(got) < size || fresh == 0 {
			return out, nil
		}
	}
}

// Panel is one picture of a dashboard.
type Panel struct {
	ID    int64  `json:"id"`
	Title string `json:"title"`
	Type  string `json:"type"` // timeseries, stat, row, ...
}

// Variable is a setting of a dashboard, var-NAME in its address.
type Variable struct {
	Name    string `json:"name"`
	Label   string `json:"label"`
	Current string // the value it is saved with, "" when it has several or none
}

// Detail is a dashboard with its panels in order, those of collapsed rows too.
type Detail struct {
	Dashboard
	Slug      string
	Panels    []Panel
	Variables []Variable
	From, To  string // the range it opens with: "now-6h", "now"
}

// Get returns one dashboard.
func (c *Client) Get(ctx context.Context, uid string) (Detail, error) {
	type panel struct {
		Panel
		Panels []Panel `json:"panels"`
	}
	var wire struct {
		Dashboard struct {
			UID        string   `json:"uid"`
			Title      string   `json:"title"`
			Tags       []string `json:"tags"`
			Panels     []panel  `json:"panels"`
			Templating struct {
				List []struct {
					Variable
					Current struct {
						Value any `json:"value"`
					} `json:"current"`
				} `json:"list"`
			} `json:"templating"`
			Time struct{ From, To string } `json:"time"`
		} `json:"dashboard"`
		Meta struct {
			URL    string `json:"url"`
			Slug   string `json:"slug"`
			Folder string `json:"folderTitle"`
		} `json:"meta"`
	}
	if err := c.do(ctx, httpx.Request{Op: "get dashboard " + uid, Path: "/api/dashboards/uid/" + httpx.Segment(uid)}, &wire); err != nil {
		return Detail{}, err
	}
	d := wire.Dashboard
	out := Detail{Dashboard: Dashboard{UID: d.UID, Title: d.Title, Tags: slices.Concat([]string{}, d.Tags), Folder: wire.Meta.Folder, URL: c.resolve(wire.Meta.URL)},
		Slug: wire.Meta.Slug, Panels: []Panel{}, Variables: []Variable{}, From: d.Time.From, To: d.Time.To}
	for _, p := range d.Panels {
		if p.Type != "row" {
			out.Panels = append(out.Panels, p.Panel)
		}
		out.Panels = append(out.Panels, p.Panels...)
	}
	for _, v := range d.Templating.List {
		text, _ := v.Current.Value.(string)
		v.Variable.Current = strings.TrimPrefix(text, "$__all")
		out.Variables = append(out.Variables, v.Variable)
	}
	return out, nil
}
