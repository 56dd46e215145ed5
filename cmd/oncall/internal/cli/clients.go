package cli

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/pkg/apierr"
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
		Timeout:   f.RequestLimit(cfg, httpx.DefaultTimeout),
		OnFence:   f.keepFenced,
		OnWait:    f.tellWait,
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

// tellWait says why nothing happens: a vendor asked to wait. Pauses that oncall
// chooses by itself are short, and whoever watches tells of a lost network.
func (f *Factory) tellWait(d time.Duration, err *apierr.Error) {
	if err.RetryAfter > 0 {
		f.IO.Note("%s asks to wait %s", err.Vendor, d.Round(time.Second))
	}
}

// pace makes every oncall process that uses the same credential keep a vendor's
// limits together.
func (f *Factory) pace(h *httpx.Config, cfg *config.Config, credential secret.String, limits ...httpx.Limit) {
	if p := f.pacer(h.Vendor, httpx.PacerKey(h.Vendor, credential), cfg, limits...); p != nil {
		h.Pacer = p
	}
}

// pacer makes a pacer through the file of that key, nil when nothing is paced.
func (f *Factory) pacer(vendor, key string, cfg *config.Config, limits ...httpx.Limit) httpx.Pacer {
	if f.unpaced(cfg) {
		return nil
	}
	warn := func(err error) { f.IO.Warn("%s: requests are paced in this process alone: %v", vendor, err) }
	if cfg.Paths().Cache == "" {
		warn(errors.New("there is no home folder, and no XDG_CACHE_HOME"))
		return httpx.NewPacer(limits...)
	}
	return httpx.NewFilePacer(filepath.Join(cfg.CacheDir(), "pacing"), key, warn, limits...)
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
	slow := f.pacer(victorops.Vendor, httpx.PacerKey(victorops.Vendor, s[1])+"-slow", cfg, victorops.SlowLimits()...)
	return victorops.New(victorops.Config{HTTP: h, Slow: slow, APIID: s[0], APIKey: s[1], RESTKey: s[2], AlertURL: cfg.String("victorops.alert-url"),
		SignHint: cfg.SecretHint("victorops.api-id", "victorops.api-key"), RESTHint: cfg.SecretHint("victorops.rest-key")})
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
