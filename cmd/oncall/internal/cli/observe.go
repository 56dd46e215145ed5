package cli

import (
	"context"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/grafana"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/loki"
	"github.com/balena-io/oncall/pkg/prometheus"
	"github.com/balena-io/oncall/pkg/secret"
)

// dataSource is how Loki or Prometheus is reached: by itself, or through
// Grafana's data source proxy with Grafana's token.
type dataSource struct {
	http  httpx.Config
	token secret.String
	uid   string // or name
	org   string
	find  func(ctx context.Context, name string) (uid string, err error)
}

func (f *Factory) dataSource(ctx context.Context, service string) (dataSource, error) {
	h, cfg, err := f.HTTP(service)
	if err != nil {
		return dataSource{}, err
	}
	d := dataSource{http: h, uid: cfg.String(service + ".data-source")}
	key := service + ".token"
	switch {
	case d.uid != "":
		if d.http, _, err = f.HTTP("grafana"); err != nil {
			return d, err
		}
		if d.http.BaseURL == "" {
			return d, apierr.New(apierr.ErrUsage, service, "", "a data source is set, but not the Grafana that it belongs to").
				WithHint("set ONCALL_GRAFANA_URL, or url in the context's grafana block")
		}
		d.http.Vendor, d.org, key = service, cfg.String("grafana.org-id"), "grafana.token"
		d.find = func(ctx context.Context, name string) (string, error) {
			c, err := f.Grafana(ctx)
			if err != nil {
				return "", err
			}
			found, err := c.DataSourceOf(ctx, service, name)
			return found.UID, err
		}
	case h.BaseURL == "":
		return d, apierr.New(apierr.ErrUsage, service, "", "no URL is set").
			WithHint("set ONCALL_%s_URL, or ONCALL_%s_DATA_SOURCE to go through Grafana; without an account: oncall --context demo", upper(service), upper(service))
	}
	d.http.LoginHint = "" // the client tells the way to a token
	s, err := secrets(ctx, cfg, key)
	if err != nil {
		return d, err
	}
	d.token = s[0]
	return d, nil
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// Prometheus makes the client of the metrics' server.
func (f *Factory) Prometheus(ctx context.Context) (*prometheus.Client, error) {
	d, err := f.dataSource(ctx, "prometheus")
	if err != nil {
		return nil, err
	}
	return prometheus.New(prometheus.Config{HTTP: d.http, Token: d.token, DataSource: d.uid, FindSource: d.find, OrgID: d.org})
}

// Loki makes the client of the logs' server.
func (f *Factory) Loki(ctx context.Context) (*loki.Client, error) {
	d, err := f.dataSource(ctx, "loki")
	if err != nil {
		return nil, err
	}
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	return loki.New(loki.Config{HTTP: d.http, Token: d.token, DataSource: d.uid, FindSource: d.find, OrgID: d.org, Tenant: cfg.String("loki.tenant")})
}

// Grafana makes the client of the dashboards' server.
func (f *Factory) Grafana(ctx context.Context) (*grafana.Client, error) {
	h, cfg, err := f.HTTP("grafana")
	if err != nil {
		return nil, err
	}
	if h.BaseURL == "" {
		return nil, apierr.New(apierr.ErrUsage, "grafana", "", "no URL is set").
			WithHint("set ONCALL_GRAFANA_URL, or url in the context's grafana block; without an account: oncall --context demo")
	}
	h.LoginHint = ""
	s, err := secrets(ctx, cfg, "grafana.token")
	if err != nil {
		return nil, err
	}
	return grafana.New(grafana.Config{HTTP: h, Token: s[0], OrgID: cfg.String("grafana.org-id")})
}
