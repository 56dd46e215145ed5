package cli

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/deploy"
	"github.com/balena-io/oncall/pkg/gitops"
	"github.com/balena-io/oncall/pkg/jenkins"
	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/registry"
	"github.com/balena-io/oncall/pkg/simulator"
	"github.com/balena-io/oncall/pkg/when"
)

// ComponentDefinition is one entry of `components` in the configuration.
type ComponentDefinition struct {
	Name        string `yaml:"name"`        // in the job and the repository; the key without it
	Environment string `yaml:"environment"` // production without it
	Backend     string `yaml:"backend"`     // jenkins, fleet, none

	Job            string            `yaml:"job"`
	ComponentParam *string           `yaml:"component-param"` // "" is none
	VersionParam   string            `yaml:"version-param"`
	ReasonParam    string            `yaml:"reason-param"`
	HoldParam      string            `yaml:"hold-param"`
	Params         map[string]string `yaml:"params"`

	Fleet string `yaml:"fleet"`

	Repo     string `yaml:"repo"` // a name of `repositories`, or the repository itself
	Branch   string `yaml:"branch"`
	SyncTag  string `yaml:"sync-tag"`
	File     string `yaml:"file"`
	Format   string `yaml:"format"`
	Path     string `yaml:"path"`
	Image    string `yaml:"image"`
	Document string `yaml:"document"`

	Running struct {
		Query string `yaml:"query"`
		Label string `yaml:"label"`
		URL   string `yaml:"url"`
		Field string `yaml:"field"`
	} `yaml:"running"`
	// Kustomization is where that of Flux v2 is seen: applied comes from it.
	Kustomization struct {
		Query string `yaml:"query"` // metric with the state in its labels
		URL   string `yaml:"url"`   // of the object, as Kubernetes' API serves it
	} `yaml:"kustomization"`
	Verify    []string `yaml:"verify"`
	VerifyFor string   `yaml:"verify-for"`
}

// defaultVerifyFor is how long checks must hold when nothing is said.
const defaultVerifyFor = 5 * time.Minute

// demoComponents are those of the demo world.
func demoComponents() map[string]ComponentDefinition {
	out := map[string]ComponentDefinition{}
	base := ComponentDefinition{Environment: simulator.EnvironmentProduction, Backend: string(deploy.BackendJenkins), Repo: simulator.EnvironmentProduction}
	api := base
	api.File, api.Path = "kubernetes/balenacloud/api/deployment.yaml", "spec.template.spec.containers[api].image"
	api.Running.Query, api.Running.Label = `count by (version) (present_over_time(app_version_info{job="api"}[2s]))`, "version"
	api.Verify, api.VerifyFor = []string{"api-5xx"}, simulator.VerifyWindow.String()
	out["api"] = api
	staging := api
	staging.Name, staging.Environment, staging.Repo = "api", simulator.EnvironmentStaging, simulator.EnvironmentStaging
	staging.Job, staging.HoldParam, staging.ReasonParam = simulator.JobStaging, "HOLD", "REASON"
	staging.Running.Query, staging.Running.Label, staging.Verify = "", "", nil
	out["api-staging"] = staging
	ui, registry, builder := base, base, base
	ui.File, ui.Format, ui.Path = "kubernetes/balenacloud/ui/release.yaml", string(gitops.FormatHelm), "spec.values.image"
	registry.File, registry.Format, registry.Image = "kubernetes/balenacloud/registry/kustomization.yaml", string(gitops.FormatKustomize), "registry"
	builder.File, builder.Format, builder.Path = "kubernetes/balenacloud/builder/version.yaml", string(gitops.FormatFile), "image_tag"
	out["ui"], out["registry"], out["builder"] = ui, registry, builder
	out[simulator.FleetJelly] = ComponentDefinition{Environment: simulator.EnvironmentProduction, Fleet: simulator.BalenaFleetSlug, VerifyFor: simulator.VerifyWindow.String()}
	return out
}

// ComponentSet is what can be deployed, as configured.
type ComponentSet struct {
	All   []deploy.Component // sorted by key
	defs  map[string]ComponentDefinition
	repos map[string]string
	demo  bool // the components are the demo's own
	once  *gitops.Once
}

// FetchOnce makes each repository of the set be fetched one time from here on: for
// a command that looks at many components, and waits for none.
func (s *ComponentSet) FetchOnce() { s.once = &gitops.Once{} }

// Components reads the definitions. It sends nothing.
func (f *Factory) Components() (*ComponentSet, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	set := &ComponentSet{defs: map[string]ComponentDefinition{}, repos: map[string]string{}}
	if err := cfg.Definition("components", &set.defs); err != nil {
		return nil, err
	}
	if err := cfg.Definition("repositories", &set.repos); err != nil {
		return nil, err
	}
	if len(set.defs) == 0 && cfg.Context().Demo {
		set.defs, set.demo = demoComponents(), true
	}
	for _, key := range slices.Sorted(maps.Keys(set.defs)) {
		c, err := set.defs[key].component(key, cfg)
		if err != nil {
			return nil, err
		}
		set.All = append(set.All, c)
	}
	return set, nil
}

func (d ComponentDefinition) component(key string, cfg *config.Config) (deploy.Component, error) {
	c := deploy.Component{Key: key, Name: d.Name, Environment: d.Environment, Backend: deploy.Backend(d.Backend), Fleet: d.Fleet,
		ComponentParam: cfg.String("deploy.component-param"), VersionParam: d.VersionParam, ReasonParam: d.ReasonParam, HoldParam: d.HoldParam, Params: d.Params}
	bad := func(format string, args ...any) error {
		return Usage("components.%s: %s", key, fmt.Sprintf(format, args...))
	}
	if c.Name == "" {
		c.Name = key
	}
	if c.Environment == "" {
		c.Environment = simulator.EnvironmentProduction
	}
	if d.ComponentParam != nil {
		c.ComponentParam = *d.ComponentParam
	}
	if c.VersionParam == "" {
		c.VersionParam = cfg.String("deploy.version-param")
	}
	switch {
	case c.Backend == "" && d.Fleet != "":
		c.Backend = deploy.BackendFleet
	case c.Backend == "":
		c.Backend = deploy.BackendJenkins
	}
	switch c.Backend {
	case deploy.BackendNone:
	case deploy.BackendFleet:
		if d.Fleet == "" {
			return c, bad("fleet is missing, as in fleet: acme/chat")
		}
	case deploy.BackendJenkins:
		name := d.Job
		if name == "" {
			name = cfg.String("jenkins.deploy-job")
		}
		if name == "" {
			return c, bad("job is missing, and jenkins.deploy-job is not set")
		}
		var err error
		if c.Job, err = jenkins.ParseJobName(name); err != nil {
			return c, bad("%v", err)
		}
	default:
		return c, bad("backend %q is not one of jenkins, fleet, none", d.Backend)
	}
	if d.File != "" || d.Repo != "" {
		where := gitops.Location{File: d.File, Format: gitops.Format(d.Format), Path: d.Path, Image: d.Image, Document: d.Document}
		if err := where.Check(); err != nil {
			return c, bad("%v", err)
		}
		if d.Repo == "" {
			return c, bad("repo is missing beside file")
		}
		c.Where = &where
	}
	if err := d.idle(c.Backend); err != nil {
		return c, bad("%v", err)
	}
	c.VerifyFor = defaultVerifyFor
	if d.VerifyFor != "" {
		var err error
		if c.VerifyFor, err = when.Duration(d.VerifyFor); err != nil {
			return c, bad("verify-for: %v", err)
		}
	}
	return c, nil
}

// Component finds a component. One that is not defined is taken from the deploy
// job, if that offers it: then versions are those of its builds alone.
func (f *Factory) Component(ctx context.Context, set *ComponentSet, key string) (deploy.Component, error) {
	c, notFound := deploy.Find(set.All, key)
	if notFound == nil {
		return c, nil
	}
	cfg, err := f.Config()
	if err != nil {
		return c, err
	}
	name := cfg.String("jenkins.deploy-job")
	if name == "" {
		if len(set.All) == 0 {
			return c, Usage("no component is defined, and no job that deploys").
				WithHint("define components (docs/deploy.md), or set ONCALL_JENKINS_DEPLOY_JOB; without an account: oncall --context demo deploy list")
		}
		return c, notFound
	}
	if !deployName(key) {
		return c, Usage("%q is no name of a component", key)
	}
	c = deploy.Component{Key: key, Name: key, Environment: cfg.Context().Environment, Backend: deploy.BackendJenkins, VerifyFor: defaultVerifyFor,
		ComponentParam: cfg.String("deploy.component-param"), VersionParam: cfg.String("deploy.version-param")}
	if c.Job, err = jenkins.ParseJobName(name); err != nil {
		return c, err
	}
	j, err := f.Jenkins(ctx)
	if err != nil {
		return c, err
	}
	job, err := j.Job(ctx, c.Job)
	if err != nil {
		return c, err
	}
	return c, offered(job, c, set, notFound)
}

func deployName(key string) bool {
	return key != "" && !strings.HasPrefix(key, "-") && !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// offered checks the job's choices. A job that takes any text cannot tell a name
// from a slip of the pen, so then a name near a defined one is refused.
func offered(job jenkins.Job, c deploy.Component, set *ComponentSet, notFound error) error {
	for _, d := range job.Parameters {
		if d.Name != c.ComponentParam {
			continue
		}
		if slices.Contains(d.Choices, c.Name) || len(d.Choices) == 0 && len(set.All) == 0 {
			return nil
		}
		if len(d.Choices) == 0 {
			return notFound
		}
		e := apierr.New(apierr.ErrNotFound, "", "deploy", "there is no component called %q", c.Key)
		names := slices.Clone(d.Choices)
		for _, x := range set.All {
			if !slices.Contains(names, x.Key) {
				names = append(names, x.Key)
			}
		}
		if near := nearest.Of(c.Key, names); len(near) > 0 {
			return e.WithHint("did you mean %s?", strings.Join(near, " or "))
		}
		return e.WithHint("there are: %s", strings.Join(names, ", "))
	}
	return Usage("the job %s has no parameter %s for the component", c.Job, c.ComponentParam).WithHint("set ONCALL_DEPLOY_COMPONENT_PARAM")
}

// Deployer makes what works on a component. Sources that cannot be made are left
// out, with the reason: what they would tell is unknown. verify are further
// checks, by name or expression.
func (f *Factory) Deployer(ctx context.Context, set *ComponentSet, c deploy.Component, verify []string) (*deploy.Deployer, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	d := &deploy.Deployer{Component: c, Now: f.Clocked, Wait: f.Wait, Poll: 5 * time.Second}
	if cfg.Context().Demo {
		d.Poll = time.Second // its steps take seconds
	}
	switch c.Backend {
	case deploy.BackendJenkins:
		if d.Jenkins, err = f.Jenkins(ctx); err != nil {
			return nil, err
		}
	case deploy.BackendFleet:
		if d.Fleet, err = f.Balena(ctx); err != nil {
			return nil, err
		}
	case deploy.BackendNone:
	}
	def, defined := set.defs[c.Key]
	if c.Where != nil {
		m, err := f.mirror(ctx, cfg, set, def)
		if err != nil {
			d.RepoWhy = err
		} else {
			d.Repo = m
		}
	}
	if defined {
		d.Runner, d.RunnerWhy = f.runner(ctx, def)
		d.Sync = f.syncer(ctx, def)
	}
	if d.Image, err = f.registry(); err != nil {
		return nil, err
	}
	d.Checks, d.ChecksWhy, err = f.deployChecks(ctx, append(slices.Clone(def.Verify), verify...))
	return d, err
}

// Repository opens a repository by a defined name, a URL or a path, for a command
// that looks through it. In the demo "" is production's.
func (f *Factory) Repository(ctx context.Context, set *ComponentSet, repo, branch string) (*gitops.Mirror, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	if set.demo && repo == "" {
		repo = simulator.EnvironmentProduction
	}
	if set.demo && repo != simulator.EnvironmentProduction && repo != simulator.EnvironmentStaging {
		return nil, Usage("the demo has no repository %q", repo).WithHint("--repo production, or --repo staging")
	}
	return f.mirror(ctx, cfg, set, ComponentDefinition{Repo: repo, Branch: branch})
}

// mirror opens the repository of a component.
func (f *Factory) mirror(ctx context.Context, cfg *config.Config, set *ComponentSet, def ComponentDefinition) (*gitops.Mirror, error) {
	c := gitops.Config{Repository: def.Repo, Branch: def.Branch, SyncTag: def.SyncTag, Folder: filepath.Join(cfg.CacheDir(), "gitops"),
		Environ: f.Environ(), Now: f.Clocked, Once: set.once, Timeout: f.RequestLimit(cfg, gitops.DefaultTimeout)}
	if url, ok := set.repos[def.Repo]; ok {
		c.Repository = url
	}
	if set.demo {
		w, err := f.DemoWorld()
		if err != nil {
			return nil, err
		}
		if c.Repository, err = w.Repository(ctx, def.Repo); err != nil {
			return nil, err
		}
		c.Before = func(ctx context.Context) error { _, err := w.Repository(ctx, def.Repo); return err }
		c.Timeout = gitops.FirstTimeout // no network is on the way, and a busy machine is no reason to give up
	}
	return gitops.Open(ctx, c)
}

// registry makes what asks about images, with docker's credentials; the demo has
// none of anybody's.
func (f *Factory) registry() (*registry.Client, error) {
	h, cfg, err := f.HTTP("registry")
	if err != nil {
		return nil, err
	}
	c := registry.Config{HTTP: h}
	if !cfg.Context().Demo {
		folder := f.Env("DOCKER_CONFIG")
		if folder == "" {
			folder = filepath.Join(f.Home, ".docker")
		}
		c.Credentials = registry.DockerConfig{Path: filepath.Join(folder, "config.json"), Environ: f.Environ()}.Lookup
	}
	return registry.New(c), nil
}
