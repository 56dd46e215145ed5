package cli

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/balena-io/oncall/pkg/deploy"
	"github.com/balena-io/oncall/pkg/e2e"
	"github.com/balena-io/oncall/pkg/jenkins"
)

// Jenkins makes the client of the CI's controller.
func (f *Factory) Jenkins(ctx context.Context) (*jenkins.Client, error) {
	h, cfg, err := f.HTTP("jenkins")
	if err != nil {
		return nil, err
	}
	s, err := secrets(ctx, cfg, "jenkins.token")
	if err != nil {
		return nil, err
	}
	return jenkins.New(jenkins.Config{HTTP: h, User: cfg.String("jenkins.user"), Token: s[0]})
}

// DeployJobs are the jobs that deploy: the context's, and those of the components.
func (f *Factory) DeployJobs() ([]jenkins.JobName, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	out := []jenkins.JobName{}
	if name := cfg.String("jenkins.deploy-job"); name != "" {
		j, err := jenkins.ParseJobName(name)
		if err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	set, err := f.Components()
	if err != nil {
		return nil, err
	}
	for _, c := range set.All {
		if c.Backend == deploy.BackendJenkins && !slices.ContainsFunc(out, c.Job.Equal) {
			out = append(out, c.Job)
		}
	}
	return out, nil
}

// E2EReader finds out why builds failed. What it learns of finished builds is
// kept in the cache folder of the context.
func (f *Factory) E2EReader(c *jenkins.Client) (*e2e.Reader, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	return &e2e.Reader{Source: c, Cache: &e2e.Cache{
		Dir: filepath.Join(cfg.CacheDir(), "e2e"), Controller: c.Base(), Now: f.Clocked,
		Warn: func(err error) { f.IO.Warn("what consoles say is not remembered: %v", err) },
	}}, nil
}
