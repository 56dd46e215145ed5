package deploy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/deploy"
	"github.com/balena-io/oncall/pkg/gitops"
	"github.com/balena-io/oncall/pkg/prometheus"
)

var (
	oldCommit = strings.Repeat("a", 40)
	newCommit = strings.Repeat("b", 40)
)

// object is a Kustomization as kubectl writes it.
func object(applied, attempted, ready, more string) string {
	return `{"apiVersion":"kustomize.toolkit.fluxcd.io/v1","kind":"Kustomization","metadata":{"name":"apps","namespace":"flux-system","generation":4},
"spec":{"interval":"10m0s","prune":true` + more + `},"status":{"observedGeneration":4,"lastAppliedRevision":"` + applied + `","lastAttemptedRevision":"` + attempted + `",
"conditions":[{"type":"Healthy","status":"True"},{"type":"Ready","status":"` + ready + `","reason":"HealthCheckFailed","message":"timeout waiting for: Deployment/api\nand more"}]}}`
}

func TestParseKustomization(t *testing.T) {
	t.Parallel()
	good := object("master@sha1:"+oldCommit, "master@sha1:"+newCommit, "False", "")
	for name, c := range map[string]struct {
		text string
		want deploy.Sync
		says string
	}{
		"stuck":           {good, deploy.Sync{Name: "flux-system/apps", Applied: oldCommit, Attempted: newCommit, Ready: "False", Why: "HealthCheckFailed: timeout waiting for: Deployment/api"}, ""},
		"an older flux":   {object("master/"+oldCommit, "", "True", ""), deploy.Sync{Name: "flux-system/apps", Applied: oldCommit, Ready: "True", Why: "HealthCheckFailed: timeout waiting for: Deployment/api"}, ""},
		"a branch's path": {object("refs/heads/a/b@sha1:"+oldCommit, "", "True", ""), deploy.Sync{Name: "flux-system/apps", Applied: oldCommit, Ready: "True", Why: "HealthCheckFailed: timeout waiting for: Deployment/api"}, ""},
		"suspended":       {object("", "", "", `,"suspend":true`), deploy.Sync{Name: "flux-system/apps", Suspended: true, Why: "HealthCheckFailed: timeout waiting for: Deployment/api"}, ""},
		"a list of one":   {`{"kind":"List","items":[` + good + `]}`, deploy.Sync{Name: "flux-system/apps", Applied: oldCommit, Attempted: newCommit, Ready: "False", Why: "HealthCheckFailed: timeout waiting for: Deployment/api"}, ""},
		"new":             {`{"kind":"Kustomization","metadata":{"name":"x","generation":1}}`, deploy.Sync{Name: "x", Old: true}, ""},
		"a list of two":   {`{"kind":"KustomizationList","items":[{},{}]}`, deploy.Sync{}, "a list of 2 objects"},
		"an empty list":   {`{"kind":"List","items":[]}`, deploy.Sync{}, "a list of 0 objects"},
		"an artifact":     {object("latest@sha256:"+strings.Repeat("c", 64), "", "True", ""), deploy.Sync{}, "is no commit"},
		"another kind":    {`{"kind":"Deployment"}`, deploy.Sync{}, "not a Kustomization"},
		"a refusal":       {`{"kind":"Status","status":"Failure","code":403}`, deploy.Sync{}, "not the JSON of a Kustomization"},
		"a page":          {`<!doctype html><title>Sign in</title>secret-of-somebody`, deploy.Sync{}, "not the JSON of a Kustomization"},
		"nothing":         {``, deploy.Sync{}, "not the JSON"},
		"YAML":            {"kind: Kustomization\n", deploy.Sync{}, "not the JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := deploy.ParseKustomization([]byte(c.text))
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				assert.NotContains(t, err.Error(), "secret-of-somebody")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func FuzzParseKustomization(f *testing.F) {
	f.Add(object("master@sha1:"+oldCommit, "", "True", ""))
	f.Add(`{"kind":"List","items":[{}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := deploy.ParseKustomization([]byte(text))
		if err == nil && s.Applied != "" && len(s.Applied) != 40 {
			t.Errorf("%q is no commit", s.Applied)
		}
	})
}

// shelf is a repository of two commits.
type shelf struct{ versions map[string]string }

func (s shelf) Refresh(context.Context) (gitops.Snapshot, error) {
	return gitops.Snapshot{Commit: newCommit, FetchedAt: now}, nil
}

func (s shelf) Declared(_ context.Context, commit string, _ gitops.Location) (gitops.Declared, error) {
	v, ok := s.versions[commit]
	if !ok {
		return gitops.Declared{}, errors.New("there is no such file at " + commit[:7])
	}
	return gitops.Declared{Value: gitops.Value{Version: v}, Blob: commit}, nil
}

func (s shelf) History(context.Context, gitops.Snapshot, gitops.Location, int) (gitops.History, error) {
	return gitops.History{Changes: []gitops.Change{{Value: gitops.Value{Version: "17.4.1"}, Commit: gitops.Commit{ID: newCommit, Author: "robin", Time: now}}}}, nil
}

func (s shelf) Applied(context.Context, string) (gitops.Applied, error) {
	return gitops.Applied{}, apierr.New(apierr.ErrNotFound, "git", "", "there is no tag")
}

func (s shelf) Diff(context.Context, string, string, string) (gitops.Difference, error) {
	return gitops.Difference{}, nil
}

var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// states answers with one state after the other, the last for ever.
type states []deploy.Sync

func (s *states) Sync(context.Context) (deploy.Sync, error) {
	x := (*s)[0]
	if len(*s) > 1 {
		*s = (*s)[1:]
	}
	return x, nil
}

func deployer(sync deploy.Syncer) *deploy.Deployer {
	return &deploy.Deployer{Component: deploy.Component{Key: "api", Where: &gitops.Location{File: "api.yaml"}}, Sync: sync,
		Repo: shelf{map[string]string{oldCommit: "17.5.0", newCommit: "17.4.1"}},
		Now:  func() time.Time { return now }, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

func applied(t *testing.T, d *deploy.Deployer) deploy.Fact {
	t.Helper()
	s, err := d.Look(t.Context())
	require.NoError(t, err)
	return d.Facts(t.Context(), s, "17.4.1")[1]
}

func TestAppliedByAKustomization(t *testing.T) {
	t.Parallel()
	at := now.Add(-time.Minute)
	for name, c := range map[string]struct {
		sync     deploy.Sync
		answer   deploy.Answer
		version  string
		evidence string
	}{
		"applied":       {deploy.Sync{Applied: newCommit, Attempted: newCommit, Ready: "True"}, deploy.Yes, "17.4.1", "flux-system/apps at bbbbbbb"},
		"not yet":       {deploy.Sync{Applied: oldCommit, Ready: "True"}, deploy.No, "17.5.0", "flux-system/apps at aaaaaaa"},
		"stuck":         {deploy.Sync{Applied: oldCommit, Attempted: newCommit, Ready: "False", Why: "BuildFailed: no"}, deploy.No, "17.5.0", "flux-system/apps at aaaaaaa, tried bbbbbbb, not ready (BuildFailed: no)"},
		"never":         {deploy.Sync{}, deploy.No, "", "flux-system/apps has applied nothing yet"},
		"suspended":     {deploy.Sync{Applied: oldCommit, Suspended: true}, deploy.No, "17.5.0", "flux-system/apps at aaaaaaa, suspended"},
		"an old status": {deploy.Sync{Applied: newCommit, Old: true}, deploy.Yes, "17.4.1", "flux-system/apps at bbbbbbb, a status from before its last change"},
		"another's":     {deploy.Sync{Applied: strings.Repeat("c", 40)}, deploy.Unknown, "", "flux-system/apps applied ccccccc: there is no such file at ccccccc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.sync.Name, c.sync.At = "flux-system/apps", at
			assert.Equal(t, deploy.Fact{Name: deploy.Applied, Answer: c.answer, Version: c.version, Evidence: c.evidence, At: at}, applied(t, deployer(&states{c.sync})))
		})
	}
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		d := deployer(deploy.ObjectSync{Get: func(context.Context) ([]byte, time.Time, error) { return nil, now, errors.New("refused") }})
		assert.Equal(t, deploy.Fact{Name: deploy.Applied, Answer: deploy.Unknown, Evidence: "refused", At: now}, applied(t, d))
	})
}

func TestWaitingForAKustomization(t *testing.T) {
	t.Parallel()
	before, after := deploy.Sync{Name: "flux-system/apps", Applied: oldCommit}, deploy.Sync{Name: "flux-system/apps", Applied: newCommit}
	tell := func(deploy.Event) {}
	facts, err := deployer(&states{before, before, after}).Settle(t.Context(), "17.4.1", time.Time{}, tell)
	require.NoError(t, err)
	assert.Equal(t, deploy.Yes, facts[1].Answer)

	// One that is suspended meanwhile has no end to wait for.
	halted := before
	halted.Suspended = true
	facts, err = deployer(&states{before, halted}).Settle(t.Context(), "17.4.1", time.Time{}, tell)
	require.ErrorIs(t, err, deploy.ErrSuspended)
	assert.Equal(t, "flux -n flux-system resume kustomization apps, then: oncall deploy watch --component api", apierr.HintOf(err))
	assert.Equal(t, deploy.No, facts[1].Answer)
	after.Suspended = true
	_, err = deployer(&states{after}).Settle(t.Context(), "17.4.1", time.Time{}, tell)
	require.NoError(t, err, "what is applied already needs nobody to resume it")
}

type vector []prometheus.Sample

func (v vector) Query(context.Context, prometheus.Query) (*prometheus.Result, error) {
	return &prometheus.Result{Vector: v}, nil
}

func TestAKustomizationInAMetric(t *testing.T) {
	t.Parallel()
	series := func(value float64, more ...string) prometheus.Sample {
		m := map[string]string{"customresource_kind": "Kustomization", "exported_namespace": "flux-system", "name": "apps", "ready": "True", "suspended": "false",
			"revision": "master@sha1:" + newCommit}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return prometheus.Sample{Metric: m, Value: prometheus.Value(value)}
	}
	bare := series(1)
	delete(bare.Metric, "revision")
	for name, c := range map[string]struct {
		v    vector
		want string
		says string
	}{
		"one":                {vector{series(1)}, newCommit, ""},
		"two replicas":       {vector{series(1, "instance", "a"), series(1, "instance", "b")}, newCommit, ""},
		"one that is over":   {vector{series(0, "revision", "master@sha1:"+oldCommit), series(1)}, newCommit, ""},
		"none":               {vector{}, "", "finds no Kustomization"},
		"several":            {vector{series(1), series(1, "name", "infra")}, "", "several Kustomizations"},
		"two states":         {vector{series(1), series(1, "revision", "master@sha1:"+oldCommit)}, "", "several states"},
		"without a revision": {vector{bare}, "", "no label revision"},
		"an artifact":        {vector{series(1, "revision", "latest@sha256:"+strings.Repeat("c", 64))}, "", "is no commit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := deploy.MetricSync{Metrics: c.v, Expr: "gotk_resource_info", Now: func() time.Time { return now }}.Sync(t.Context())
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, deploy.Sync{Name: "flux-system/apps", Applied: c.want, Ready: "True", At: now}, s)
		})
	}
	s, err := deploy.MetricSync{Metrics: vector{series(1, "suspended", "True"), series(1)}, Now: func() time.Time { return now }}.Sync(t.Context())
	require.NoError(t, err)
	assert.True(t, s.Suspended)
}
