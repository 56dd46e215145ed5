package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/pkg/healthchecks"
	"github.com/balena-io/oncall/pkg/heartbeat"
	"github.com/balena-io/oncall/pkg/jenkins"
	"github.com/balena-io/oncall/pkg/simulator"
)

// Healthchecks makes the client of the dead man's switch.
func (f *Factory) Healthchecks(ctx context.Context) (*healthchecks.Client, error) {
	h, cfg, err := f.HTTP(healthchecks.Vendor)
	if err != nil {
		return nil, err
	}
	s, err := secrets(ctx, cfg, "healthchecks.api-key", "healthchecks.ping-key")
	if err != nil {
		return nil, err
	}
	f.pace(&h, cfg, s[0], healthchecks.Limits()...)
	return healthchecks.New(healthchecks.Config{HTTP: h, APIKey: s[0], PingURL: cfg.String("healthchecks.ping-url"), PingKey: s[1]})
}

// Heartbeat makes the dead man's switch as the team uses it, with the pauses
// that the journal of this context remembers.
func (f *Factory) Heartbeat(ctx context.Context) (*heartbeat.Monitor, error) {
	c, err := f.Healthchecks(ctx)
	if err != nil {
		return nil, err
	}
	j, err := f.Journal()
	if err != nil {
		return nil, err
	}
	pauses, err := heartbeat.Pauses(j.All())
	if err != nil {
		f.IO.Warn("when pauses were meant to end is not known: %v", err)
	}
	return &heartbeat.Monitor{Client: c, Now: f.Clocked, Pauses: pauses}, nil
}

// HeartbeatDefinition is one entry of `heartbeats` in the configuration, by the
// name of a check.
type HeartbeatDefinition struct {
	Job string `yaml:"job"` // the Jenkins job behind the check: folder/job
}

// HeartbeatJob is the Jenkins job behind a check; "" when none is configured.
func (f *Factory) HeartbeatJob(c heartbeat.Check) (string, error) {
	cfg, err := f.Config()
	if err != nil {
		return "", err
	}
	all := map[string]HeartbeatDefinition{}
	if err := cfg.Definition("heartbeats", &all); err != nil {
		return "", err
	}
	if len(all) == 0 && cfg.Context().Demo {
		all[simulator.CheckE2E] = HeartbeatDefinition{Job: cfg.String("jenkins.e2e-job")}
	}
	for name, d := range all {
		if name == c.Label() || strings.EqualFold(name, c.Name) || c.Slug != "" && name == c.Slug {
			return d.Job, nil
		}
	}
	return "", nil
}

// heartbeatBuilds is how many builds are looked at for why a check is down.
const heartbeatBuilds = 8

// JobBuilds reads the latest builds of a Jenkins job as evidence for `heartbeat why`.
func (f *Factory) JobBuilds(ctx context.Context, job string) ([]heartbeat.Build, error) {
	name, err := jenkins.ParseJobName(job)
	if err != nil {
		return nil, err
	}
	c, err := f.Jenkins(ctx)
	if err != nil {
		return nil, err
	}
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	all, err := c.Builds(ctx, name, 0, heartbeatBuilds)
	if err != nil {
		return nil, err
	}
	out := []heartbeat.Build{}
	for _, b := range all {
		x := heartbeat.Build{Name: "#" + strconv.Itoa(b.Number), Queued: b.Queued, Usual: b.Estimate(), URL: b.URL}
		if b.Finished() {
			// Jenkins tells when a build was queued and how long it took.
			x.Result, x.Ended = string(b.Result), b.Queued.Add(b.Duration())
		}
		if job == cfg.String("jenkins.e2e-job") {
			x.Command = "oncall e2e why " + strconv.Itoa(b.Number)
		}
		out = append(out, x)
	}
	return out, nil
}

// CompleteHeartbeats offers the checks by name.
func CompleteHeartbeats(f *Factory) cobra.CompletionFunc {
	return Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		m, err := f.Heartbeat(ctx)
		if err != nil {
			return nil, err
		}
		all, err := m.List(ctx, heartbeat.Filter{})
		out := []cobra.Completion{}
		for _, c := range all {
			out = append(out, cobra.CompletionWithDesc(c.Label(), string(c.State)+", "+c.Schedule.Words))
		}
		return out, err
	})
}

// BriefTimeout bounds what a command asks on the side of the work it was started
// for.
const BriefTimeout = 10 * time.Second
