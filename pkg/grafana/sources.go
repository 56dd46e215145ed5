package grafana

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/nearest"
)

// DataSource is a server that Grafana reads from.
type DataSource struct {
	UID     string `json:"uid"`
	Name    string `json:"name"`
	Type    string `json:"type"` // loki, prometheus, ...
	Default bool   `json:"isDefault"`
}

// DataSources lists the data sources, sorted by name. Viewers have no right to the
// list by default; what Grafana tells its own pages is read then, which every
// account may.
//
// Source: contract note section 7; GET /api/frontend/settings as in mcp-grafana 1015.
func (c *Client) DataSources(ctx context.Context) ([]DataSource, error) {
	const op = "list data sources"
	out := []DataSource{}
	err := c.do(ctx, httpx.Request{Op: op, Path: "/api/datasources"}, &out)
	var e *apierr.Error
	if errors.As(err, &e) && e.Status == http.StatusForbidden {
		var settings struct {
			Sources map[string]struct {
				DataSource
				ID int64 `json:"id"`
			} `json:"datasources"`
			Default string `json:"defaultDatasource"` // a name
		}
		if c.do(ctx, httpx.Request{Op: op, Path: "/api/frontend/settings"}, &settings) != nil {
			return nil, err
		}
		err = nil
		for name, s := range settings.Sources {
			if s.ID <= 0 { // Grafana's own: -- Mixed --, -- Dashboard --
				continue
			}
			out = append(out, DataSource{UID: s.UID, Name: name, Type: s.Type, Default: name == settings.Default})
		}
	}
	slices.SortFunc(out, func(a, b DataSource) int { return cmp.Compare(a.Name, b.Name) })
	return out, err
}

// DataSourceOf finds the data source of a kind (loki, prometheus) by its uid or by
// its name, in any case. Without either it is Grafana's default, or the first one.
// Errors are apierr.ErrNotFound and apierr.ErrAmbiguous.
func (c *Client) DataSourceOf(ctx context.Context, kind, name string) (DataSource, error) {
	const op = "find the data source"
	all, err := c.DataSources(ctx)
	if err != nil {
		return DataSource{}, err
	}
	var names []string
	var folded []DataSource
	for _, d := range all {
		fits := strings.Contains(d.Type, kind) // Amazon's Prometheus is one too
		switch {
		case name != "" && (d.UID == name || d.Name == name):
			if !fits {
				return d, apierr.New(apierr.ErrNotFound, vendor, op, "%s is a data source of the type %s, not %s", d.Name, d.Type, kind)
			}
			return d, nil
		case !fits:
		case name == "" && d.Default:
			return d, nil
		default:
			names = append(names, d.Name)
			if name == "" || strings.EqualFold(d.Name, name) {
				folded = append(folded, d)
			}
		}
	}
	switch {
	case len(folded) > 0 && (name == "" || len(folded) == 1):
		return folded[0], nil
	case len(folded) > 1:
		return DataSource{}, apierr.New(apierr.ErrAmbiguous, vendor, op, "%q is the name of %d data sources", name, len(folded)).
			WithHint("write it as Grafana does, or use the uid: %s", strings.Join(names, ", "))
	case len(names) == 0:
		return DataSource{}, apierr.New(apierr.ErrNotFound, vendor, op, "Grafana lists no data source of the type %s", kind).
			WithHint("the token may have no right to it; its uid is at the end of its address in Grafana (Connections > Data sources)")
	}
	e := apierr.New(apierr.ErrNotFound, vendor, op, "there is none of the type %s with the uid or the name %q", kind, name)
	if near := nearest.Of(name, names); len(near) > 0 {
		return DataSource{}, e.WithHint("did you mean %s?", strings.Join(near, " or "))
	}
	return DataSource{}, e.WithHint("there are: %s", strings.Join(names, ", "))
}
