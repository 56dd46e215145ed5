package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/deploy"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/metrics"
	"github.com/balena-io/oncall/pkg/prometheus"
)

// How a component is seen: what runs, what Flux applied, whether its checks hold.

// idle says which key of a definition would have no effect; nil for none.
func (d ComponentDefinition) idle(b deploy.Backend) error {
	type key struct {
		name string
		set  bool
	}
	without := func(keys []key, why string) error {
		for _, k := range keys {
			if k.set {
				return fmt.Errorf("%s has no effect %s", k.name, why)
			}
		}
		return nil
	}
	job := []key{{"job", d.Job != ""}, {"component-param", d.ComponentParam != nil}, {"version-param", d.VersionParam != ""}, {"reason-param", d.ReasonParam != ""},
		{"hold-param", d.HoldParam != ""}, {"params", len(d.Params) > 0}}
	repo := []key{{"branch", d.Branch != ""}, {"sync-tag", d.SyncTag != ""}, {"format", d.Format != ""}, {"path", d.Path != ""}, {"image", d.Image != ""},
		{"document", d.Document != ""}, {"kustomization", d.Kustomization.Query+d.Kustomization.URL != ""}}
	running := []key{{"running.query", d.Running.Query != ""}, {"running.url", d.Running.URL != ""}}
	var errs []error
	switch b {
	case deploy.BackendFleet:
		why := "beside fleet: a fleet has neither job nor file, and its devices say what runs"
		errs = append(errs, without(job, why), without([]key{{"repo", d.Repo != ""}, {"file", d.File != ""}}, why), without(repo, why), without(running, why))
	case deploy.BackendNone:
		errs = append(errs, without(job, "beside backend: none"), without([]key{{"fleet", d.Fleet != ""}}, "beside backend: none"))
	case deploy.BackendJenkins:
		errs = append(errs, without([]key{{"fleet", d.Fleet != ""}}, "beside backend: jenkins"))
	}
	if d.File == "" {
		errs = append(errs, without(repo, "without repo and file"))
	}
	r := d.Running
	errs = append(errs,
		without([]key{{"running.label", r.Label != "" && r.Query == ""}}, "without running.query"),
		without([]key{{"running.field", r.Field != "" && r.URL == ""}}, "without running.url"),
		without([]key{{"running.url", r.Query != "" && r.URL != ""}}, "beside running.query"),
		without([]key{{"kustomization.url", d.Kustomization.Query != "" && d.Kustomization.URL != ""}}, "beside kustomization.query"),
		without([]key{{"sync-tag", d.SyncTag != "" && d.Kustomization.Query+d.Kustomization.URL != ""}}, "beside kustomization"))
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *Factory) runner(ctx context.Context, def ComponentDefinition) (deploy.Runner, string) {
	switch r := def.Running; {
	case r.Query != "":
		c, err := f.Prometheus(ctx)
		if err != nil {
			return nil, err.Error()
		}
		label := r.Label
		if label == "" {
			label = "version"
		}
		return deploy.MetricRunner{Metrics: c, Expr: r.Query, Label: label}, ""
	case r.URL != "":
		get, err := f.fetcher("version endpoint", "running version", r.URL, 64<<10)
		if err != nil {
			return nil, err.Error()
		}
		return deploy.HTTPRunner{Field: r.Field, Get: get}, ""
	}
	return nil, ""
}

// fetcher reads one address without credentials, at most so many bytes.
func (f *Factory) fetcher(vendor, op, url string, most int64) (func(context.Context) ([]byte, error), error) {
	h, _, err := f.HTTP("registry") // the same files of TLS
	if err != nil {
		return nil, err
	}
	h.Vendor, h.BaseURL, h.LoginHint = vendor, url, ""
	c, err := httpx.New(h)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) ([]byte, error) {
		res, err := c.Do(ctx, httpx.Request{Op: op, AnyType: true, Accept: "*/*", MaxBody: most}, nil)
		if err != nil {
			return nil, err
		}
		return res.Body, nil
	}, nil
}

// maxObject bounds a Kustomization: its inventory lists every object it made.
const maxObject = 8 << 20

// syncer reads the Kustomization of a component; nil when none is configured. A
// source that cannot be made is one whose answer is not known.
func (f *Factory) syncer(ctx context.Context, def ComponentDefinition) deploy.Syncer {
	switch k := def.Kustomization; {
	case k.Query != "":
		c, err := f.Prometheus(ctx)
		if err != nil {
			return brokenSync{err}
		}
		return deploy.MetricSync{Metrics: c, Expr: k.Query, Now: f.Clocked}
	case k.URL != "":
		get, err := f.fetcher("kustomization", "read it", k.URL, maxObject)
		if err != nil {
			return brokenSync{err}
		}
		return deploy.ObjectSync{Get: func(ctx context.Context) ([]byte, time.Time, error) {
			at := f.Clocked()
			data, err := get(ctx)
			return data, at, err
		}}
	}
	return nil
}

type brokenSync struct{ err error }

func (b brokenSync) Sync(context.Context) (deploy.Sync, error) { return deploy.Sync{}, b.err }

// KustomizationFile reads the object that kubectl wrote into a file, or on
// standard input for "-". Its age is the file's.
func (f *Factory) KustomizationFile(path string) (deploy.Syncer, error) {
	read := func() (data []byte, at time.Time, err error) {
		r := f.IO.In
		at = f.Clocked()
		if path != "-" {
			file, err := os.Open(path)
			if err != nil {
				return nil, at, err
			}
			defer func() { _ = file.Close() }()
			info, err := file.Stat()
			if err != nil {
				return nil, at, err
			}
			r, at = file, info.ModTime()
		}
		if data, err = io.ReadAll(io.LimitReader(r, maxObject+1)); err == nil && len(data) > maxObject {
			err = errors.New("it is larger than any Kustomization")
		}
		return data, at, err
	}
	data, at, err := read()
	if err == nil {
		_, err = deploy.ParseKustomization(data)
	}
	if err != nil {
		return nil, Usage("--kustomization: %v", err).WithHint("kubectl -n flux-system get kustomization NAME -o json > FILE")
	}
	return deploy.ObjectSync{Get: func(context.Context) ([]byte, time.Time, error) { return data, at, nil }}, nil
}

// deployChecks makes checks of named queries and of expressions. Of a named one
// no value is beyond its limits; an expression holds when it finds something.
// No data is not good.
func (f *Factory) deployChecks(ctx context.Context, names []string) ([]deploy.Check, string, error) {
	if len(names) == 0 {
		return nil, "", nil
	}
	all, err := f.Queries()
	if err != nil {
		return nil, "", err
	}
	c, err := f.Prometheus(ctx)
	if err != nil {
		return nil, err.Error(), nil
	}
	out := []deploy.Check{}
	for _, name := range names {
		i := slices.IndexFunc(all, func(q metrics.Query) bool { return q.Name == name })
		if i < 0 && !strings.ContainsAny(name, "({<>= ") {
			_, err := metrics.Find(all, name)
			return nil, "", err
		}
		if i < 0 {
			out = append(out, expressionCheck(c, name))
			continue
		}
		out = append(out, namedCheck(c, all[i], f.Clocked))
	}
	return out, "", nil
}

func namedCheck(c *prometheus.Client, q metrics.Query, now func() time.Time) deploy.Check {
	return deploy.Check{Name: q.Name, Look: func(ctx context.Context) (bool, string, error) {
		readings, _, err := metrics.Get(ctx, c, q, now())
		if err != nil {
			return false, "", err
		}
		worst := readings[0] // bad ones come first
		if worst.State == metrics.NoData {
			return false, q.Name + " has no data", nil
		}
		return worst.State != metrics.Over, q.Name + " " + metrics.Format(worst.Float(), q.Unit), nil
	}}
}

func expressionCheck(c *prometheus.Client, expr string) deploy.Check {
	return deploy.Check{Name: expr, Look: func(ctx context.Context) (bool, string, error) {
		res, err := c.Query(ctx, prometheus.Query{Expr: expr})
		if err != nil {
			return false, "", err
		}
		if len(metrics.Samples(res)) == 0 {
			return false, expr + " finds nothing", nil
		}
		return true, expr + " holds", nil
	}}
}
