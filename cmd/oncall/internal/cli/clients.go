package cli

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/victorops"
)

// HTTP returns the transport settings of a service, without its credentials and
// without pacing.
func (f *Factory) HTTP(service string) (httpx.Config, *config.Config, error) {
	cfg, err := f.Config()
	if err != nil {
		return httpx.Config{}, nil, err
	}
	h := httpx.Config{
		Vendor:    service,
		BaseURL:   cfg.String(service + ".url"),
		UserAgent: "oncall/" + f.Version,
		Masker:    f.Masker,
		TLS: httpx.TLS{CAFile: cfg.Path(service + ".ca-file"),
			CertFile: cfg.Path(service + ".cert-file"), KeyFile: cfg.Path(service + ".key-file")},
		Proxy:     httpx.ProxyFromEnv(f.Env),
		Timeout:   min(httpx.DefaultTimeout, cfg.Duration("timeout")),
		OnFence:   f.keepFenced,
		Trace:     httpx.Trace{W: f.IO.Err, Level: f.Verbose},
		LoginHint: "oncall auth status " + service,
		Now:       f.Clocked,
		Sleep:     f.Sleep,
	}
	switch {
	case f.Change.DryRun:
		h.Mode = httpx.DryRun
	case cfg.Context().ReadOnly:
		h.Mode = httpx.ReadOnly
	}
	if cfg.Context().Demo {
		w, err := f.DemoWorld()
		if err != nil {
			return httpx.Config{}, nil, err
		}
		h.Transport = w.Transport()
	}
	return h, cfg, nil
}

// pace makes every oncall process that uses the same credential keep a vendor's
// limits together.
func (f *Factory) pace(h *httpx.Config, cfg *config.Config, credential secret.String, limits ...httpx.Limit) {
	if f.unpaced() {
		return
	}
	warn := func(err error) { f.IO.Warn("%s: requests are paced in this process alone: %v", h.Vendor, err) }
	h.Pacer = httpx.NewFilePacer(filepath.Join(cfg.CacheDir(), "pacing"), httpx.PacerKey(h.Vendor, credential), warn, limits...)
}

// secrets resolves several secrets at once, as each may run a password manager.
// One that nobody set is the zero String: the client says so in the call that
// needs it.
func secrets(ctx context.Context, cfg *config.Config, keys ...string) ([]secret.String, error) {
	out := make([]secret.String, len(keys))
	errs := make([]error, len(keys))
	var wg sync.WaitGroup
	for i, key := range keys {
		if cfg.HasSecret(key) {
			wg.Go(func() { out[i], errs[i] = cfg.Secret(ctx, key) })
		}
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// VictorOps makes the pager's client.
func (f *Factory) VictorOps(ctx context.Context) (*victorops.Client, error) {
	h, cfg, err := f.HTTP(victorops.Vendor)
	if err != nil {
		return nil, err
	}
	s, err := secrets(ctx, cfg, "victorops.api-id", "victorops.api-key", "victorops.rest-key")
	if err != nil {
		return nil, err
	}
	f.pace(&h, cfg, s[1], victorops.Limits()...)
	return victorops.New(victorops.Config{HTTP: h, APIID: s[0], APIKey: s[1], RESTKey: s[2], AlertURL: cfg.String("victorops.alert-url")})
}

// Pager makes the pager for the user of the context.
func (f *Factory) Pager(ctx context.Context) (*pager.Pager, error) {
	vo, err := f.VictorOps(ctx)
	if err != nil {
		return nil, err
	}
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	return &pager.Pager{Client: vo, User: cfg.Context().User, Org: cfg.String("victorops.org"), Now: f.Clocked, Wait: f.Wait}, nil
}
