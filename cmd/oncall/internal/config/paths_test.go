package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	const home = "/home/alice"
	for _, c := range []struct {
		goos                       string
		env                        map[string]string
		config, state, cache, file string
	}{
		{"linux", nil, home + "/.config/oncall", home + "/.local/state/oncall", home + "/.cache/oncall", ""},
		{"darwin", nil, home + "/.config/oncall", home + "/.local/state/oncall", home + "/Library/Caches/oncall", ""},
		{"windows", map[string]string{"AppData": "/roam", "LocalAppData": "/local"}, "/roam/oncall", "/local/oncall/state", "/local/oncall/cache", ""},
		{"linux", map[string]string{"AppData": "/roam", "LocalAppData": "/local"}, home + "/.config/oncall", home + "/.local/state/oncall", home + "/.cache/oncall", ""},
		{"windows", nil, home + "/.config/oncall", home + "/.local/state/oncall", home + "/.cache/oncall", ""},
		{"darwin", map[string]string{"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/k"}, "/c/oncall", "/s/oncall", "/k/oncall", ""},
		{"linux", map[string]string{"XDG_CONFIG_HOME": "relative", "XDG_STATE_HOME": "", "XDG_CACHE_HOME": "./k"}, home + "/.config/oncall", home + "/.local/state/oncall", home + "/.cache/oncall", ""},
		{"linux", map[string]string{"ONCALL_CONFIG": "~/x.yaml"}, home + "/.config/oncall", home + "/.local/state/oncall", home + "/.cache/oncall", home + "/x.yaml"},
	} {
		p := Locate(Source{Home: home, GOOS: c.goos, LookupEnv: func(n string) (string, bool) { v, ok := c.env[n]; return v, ok }})
		if c.file == "" {
			c.file = c.config + "/config.yaml"
		}
		slash := filepath.ToSlash
		assert.Equal(t, c.config, slash(p.Config), "%s %v", c.goos, c.env)
		assert.Equal(t, c.state, slash(p.State), "%s %v", c.goos, c.env)
		assert.Equal(t, c.cache, slash(p.Cache), "%s %v", c.goos, c.env)
		assert.Equal(t, c.file, slash(p.File), "%s %v", c.goos, c.env)
		assert.Equal(t, c.config+"/secrets", slash(p.Secrets), "%s %v", c.goos, c.env)
	}
}

func TestOptionsAreDeclaredWell(t *testing.T) {
	t.Parallel()
	keys, envs, flags := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, o := range Options() {
		assert.False(t, keys[o.Key], "%s twice", o.Key)
		keys[o.Key] = true
		if o.Env != "" {
			assert.False(t, envs[o.Env], "%s twice", o.Env)
			envs[o.Env] = true
		}
		if o.Flag != "" {
			assert.False(t, flags[o.Flag], "--%s twice", o.Flag)
			flags[o.Flag] = true
			assert.NotEqual(t, Secret, o.Kind, "no flag takes a secret")
		}
		assert.NotEmpty(t, o.Help, o.Key)
		assert.False(t, strings.HasSuffix(o.Help, "."), o.Key)
		assert.Equal(t, strings.ToLower(o.Key), o.Key, "viper lower-cases keys")
		assert.NotContains(t, o.Key, keyDelimiter)
		if o.Default != "" {
			require.NoError(t, o.Check(o.Default), o.Key)
		}
		if o.Demo != "" {
			require.NoError(t, o.Check(o.Demo), o.Key)
		}
		if o.Kind == Enum {
			assert.NotEmpty(t, o.Values, o.Key)
		}
	}
	// The names that design.md fixes.
	fixed := "CONTEXT OUTPUT USER NO_INPUT READ_ONLY PROTECTED TIMEOUT CONFIG DEFINITIONS"
	for service, settings := range map[string]string{
		"VICTOROPS": "URL API_ID API_KEY ALERT_URL REST_KEY ORG", "STATUSPAGE": "URL API_KEY PAGE_ID PUBLIC_URL", "JENKINS": "URL USER TOKEN E2E_JOB DEPLOY_JOB",
		"LOKI": "URL TOKEN TENANT DATA_SOURCE", "PROMETHEUS": "URL TOKEN DATA_SOURCE", "GRAFANA": "URL TOKEN ORG_ID", "HEALTHCHECKS": "URL API_KEY PING_URL PING_KEY", "NODEPING": "URL TOKEN ACCOUNT", "BALENA": "URL TOKEN",
		"DEPLOY": "COMPONENT_PARAM VERSION_PARAM", "REGISTRY": "URL",
	} {
		for _, s := range strings.Fields(settings + " CA_FILE CERT_FILE KEY_FILE") {
			fixed += " " + service + "_" + s
		}
	}
	for _, name := range strings.Fields(fixed) {
		assert.True(t, envs["ONCALL_"+name], "ONCALL_%s is missing", name)
	}
	for name := range envs {
		assert.Contains(t, strings.Fields(fixed+" COLOR TZ"), strings.TrimPrefix(name, "ONCALL_"))
	}
	assert.Subset(t, flags, map[string]bool{"context": true, "config": true, "output": true, "timeout": true, "read-only": true, "no-input": true, "color": true, "tz": true})
	Options()[0].Key = "changed"
	assert.NotEqual(t, "changed", Options()[0].Key, "the table is not the caller's to change")
}

func TestServiceOptions(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"victorops", "statuspage", "jenkins", "loki", "prometheus", "grafana", "healthchecks", "nodeping", "balena", "deploy", "registry"}, Services())
	for _, s := range Services() {
		assert.GreaterOrEqual(t, len(ServiceOptions(s)), 4, s)
	}
	o, ok := Lookup("jenkins.e2e-job")
	assert.True(t, ok)
	assert.Equal(t, "ONCALL_JENKINS_E2E_JOB", o.Env)
}
