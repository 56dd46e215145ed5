// Package config is what oncall knows of its user's wishes: contexts, settings
// and secrets, from flags, the environment and files. It is the only user of
// viper and prints nothing itself; what a person should know comes back as
// errors and as Warnings.
package config

import (
	"slices"
	"strings"
	"sync"
)

// Kind is what a setting's text must look like.
type Kind int

// Kinds of settings.
const (
	String   Kind = iota // any text on one line
	Bool                 // true, false, yes, no, on, off, 1, 0
	Duration             // Go's notation, above zero: 30s, 2m
	Secret               // literal from the environment only, in a file a reference
	URL                  // http or https with a host, without credentials
	Enum                 // one of Option.Values
	Path                 // a file; ~/ is the home folder, relative to the file it is written in
	Zone                 // a time zone of the IANA list, UTC, or local
)

// Scope says where in the config file a setting may stand.
type Scope int

// Scopes.
const (
	Nowhere    Scope = iota // flag and environment only
	TopLevel                // at the top of the file
	InContext               // in a context
	Everywhere              // in a context, and at the top as the default of every context
)

// Option is one setting, declared once: flags, environment, file keys,
// `config view` and the reference derive from it.
type Option struct {
	Key      string // name in oncall: "victorops.api-key"; in a file the dot is a level
	FileKey  string // name in the file where it differs from Key: "current-context"
	Env      string // environment variable, "" when there is none
	Flag     string // global flag without dashes, "" when there is none
	Short    string // one-letter flag
	Default  string
	Demo     string // value in the built-in demo context
	Help     string // one line, lower case, no full stop
	Kind     Kind
	Values   []string // of an Enum, in the order of help
	Scope    Scope
	Service  string // block it belongs to, "" for a global setting
	Required bool   // the service cannot be used without it
}

// Sensitive reports whether the value must never be shown.
func (o Option) Sensitive() bool { return o.Kind == Secret }

// InFile is the setting's key in a file.
func (o Option) InFile() string {
	if o.FileKey != "" {
		return o.FileKey
	}
	return o.Key
}

// Formats are the values of output.
func Formats() []string { return []string{"table", "wide", "json", "jsonl", "yaml", "name", "md"} }

func globals() []Option {
	return []Option{
		{Key: "context", FileKey: "current-context", Env: "ONCALL_CONTEXT", Flag: "context", Short: "c", Scope: TopLevel,
			Help: "context to work in: demo, or one of the config file"},
		{Key: "config", Env: "ONCALL_CONFIG", Flag: "config", Kind: Path, Help: "config file"},
		{Key: "definitions", Env: "ONCALL_DEFINITIONS", Kind: Path, Scope: TopLevel,
			Help: "second file with definitions that a team shares; data only"},
		{Key: "environment", Scope: InContext, Demo: "demo", Help: "environment the context stands for, named in plans: production"},
		{Key: "user", Env: "ONCALL_USER", Scope: Everywhere, Demo: "you", Help: "your user name in the pager"},
		{Key: "protected", Env: "ONCALL_PROTECTED", Kind: Bool, Default: "true", Scope: Everywhere,
			Help: "ask before a public or production change"},
		{Key: "read-only", Env: "ONCALL_READ_ONLY", Flag: "read-only", Kind: Bool, Default: "false", Scope: Everywhere,
			Help: "send nothing that changes anything"},
		{Key: "no-input", Env: "ONCALL_NO_INPUT", Flag: "no-input", Kind: Bool, Default: "false", Scope: Everywhere,
			Help: "never ask, as if there were no terminal"},
		{Key: "output", Env: "ONCALL_OUTPUT", Flag: "output", Short: "o", Kind: Enum, Values: Formats(), Default: "table", Scope: Everywhere,
			Help: "output format"},
		{Key: "timeout", Env: "ONCALL_TIMEOUT", Flag: "timeout", Kind: Duration, Default: "30s", Scope: Everywhere,
			Help: "longest that a request, or a command that waits, may take"},
		{Key: "color", Env: "ONCALL_COLOR", Flag: "color", Kind: Enum, Values: []string{"auto", "always", "never"}, Default: "auto", Scope: Everywhere,
			Help: "colour the output"},
		{Key: "tz", Env: "ONCALL_TZ", Flag: "tz", Kind: Zone, Default: "local", Scope: Everywhere,
			Help: "time zone in which people see times"},
	}
}

// services lists the blocks of a context, with the settings each has of its own.
func services() []serviceBlock {
	return []serviceBlock{
		{"victorops", []Option{
			{Key: "url", Kind: URL, Default: "https://api.victorops.com", Demo: demoBase + "victorops", Help: "base of the API"},
			{Key: "api-id", Kind: Secret, Demo: demoSecret, Required: true, Help: "API id"},
			{Key: "api-key", Kind: Secret, Demo: demoSecret, Required: true, Help: "API key"},
			{Key: "alert-url", Kind: URL, Default: "https://alert.victorops.com", Demo: demoBase + "victorops", Help: "base of the alert endpoint"},
			{Key: "rest-key", Kind: Secret, Demo: demoSecret, Help: "key of the REST alert integration, for trigger --routing-key"},
			{Key: "org", Demo: "demo", Help: "organisation slug, for links to the portal"},
		}},
		{"statuspage", []Option{
			{Key: "url", Kind: URL, Default: "https://api.statuspage.io/v1", Demo: demoBase + "statuspage", Help: "base of the API"},
			{Key: "api-key", Kind: Secret, Demo: demoSecret, Required: true, Help: "API key"},
			{Key: "page-id", Demo: "demo", Help: "id of the page, when the key reaches more than one"},
			{Key: "public-url", Kind: URL, Demo: demoBase + "statuspage", Help: "the public page, readable without a key"},
		}},
		{"jenkins", []Option{
			{Key: "url", Kind: URL, Demo: demoBase + "jenkins", Required: true, Help: "root of Jenkins, with its context path"},
			{Key: "user", Demo: "you", Required: true, Help: "user the token belongs to"},
			{Key: "token", Kind: Secret, Demo: demoSecret, Required: true, Help: "API token"},
			{Key: "e2e-job", Demo: "balena-e2e-ephemeral", Help: "job of the e2e tests: folder/job"},
			{Key: "deploy-job", Demo: "Deploy-Component-To-Production", Help: "job that deploys: folder/job"},
		}},
		{"loki", []Option{
			{Key: "url", Kind: URL, Demo: demoBase + "loki", Help: "what stands before /loki/api/v1; not needed with data-source"},
			{Key: "token", Kind: Secret, Demo: demoSecret, Help: "bearer token"},
			{Key: "tenant", Help: "tenant, sent as X-Scope-OrgID"},
			{Key: "data-source", Help: "name or uid of Grafana's data source: go through Grafana, with its URL and token"},
		}},
		{"prometheus", []Option{
			{Key: "url", Kind: URL, Demo: demoBase + "prometheus", Help: "what stands before /api/v1; not needed with data-source"},
			{Key: "token", Kind: Secret, Demo: demoSecret, Help: "bearer token"},
			{Key: "data-source", Help: "name or uid of Grafana's data source: go through Grafana, with its URL and token"},
		}},
		{"grafana", []Option{
			{Key: "url", Kind: URL, Demo: demoBase + "grafana", Required: true, Help: "root of Grafana"},
			{Key: "token", Kind: Secret, Demo: demoSecret, Required: true, Help: "service account token"},
			{Key: "org-id", Help: "organisation, sent as X-Grafana-Org-Id; the token's own without it"},
		}},
		{"healthchecks", []Option{
			{Key: "url", Kind: URL, Default: "https://healthchecks.io/api/v3", Demo: demoBase + "healthchecks", Help: "base of the API"},
			{Key: "api-key", Kind: Secret, Demo: demoSecret, Required: true, Help: "API key of the project"},
			{Key: "ping-url", Kind: URL, Default: "https://hc-ping.com", Demo: demoBase + "hc-ping", Help: "base of ping URLs"},
			{Key: "ping-key", Kind: Secret, Demo: demoSecret, Help: "ping key of the project, for pings by slug"},
		}},
		{"nodeping", []Option{
			{Key: "url", Kind: URL, Default: "https://api.nodeping.com/api/1", Demo: demoBase + "nodeping", Help: "base of the API"},
			{Key: "token", Kind: Secret, Demo: demoSecret, Required: true, Help: "API token"},
			{Key: "account", Help: "id of a sub-account, whose checks the token of its parent may read"},
		}},
		{"balena", []Option{
			{Key: "url", Kind: URL, Default: "https://api.balena-cloud.com", Demo: demoBase + "balena", Help: "base of the API"},
			{Key: "token", Kind: Secret, Demo: demoSecret, Required: true, Help: "API token"},
		}},
		{"deploy", []Option{
			{Key: "component-param", Default: "COMPONENT", Help: "parameter of the deploy job for the component, where none is defined"},
			{Key: "version-param", Default: "VERSION", Help: "parameter of the deploy job for the version, where none is defined"},
		}},
		{"registry", []Option{
			{Key: "url", Kind: URL, Demo: demoBase + "registry", Help: "registry to ask about images instead of the one that an image names"},
		}},
	}
}

// demoBase is where the simulator's in-memory connection answers; the name
// cannot resolve (RFC 2606), so a mistake dials nobody.
const (
	demoBase   = "http://demo.invalid/"
	demoSecret = "demo-secret"
)

type serviceBlock struct {
	name    string
	options []Option
}

// options is the table, made when it is first asked for.
var options = sync.OnceValue(func() []Option {
	all := globals()
	for _, s := range services() {
		own := append(s.options,
			Option{Key: "ca-file", Kind: Path, Help: "PEM file with the authorities to trust, for a private CA"},
			Option{Key: "cert-file", Kind: Path, Help: "PEM file with the client certificate"},
			Option{Key: "key-file", Kind: Path, Help: "PEM file with the key of the client certificate"})
		for _, o := range own {
			o.Env = "ONCALL_" + strings.ToUpper(s.name) + "_" + strings.ToUpper(strings.ReplaceAll(o.Key, "-", "_"))
			o.Service, o.Scope, o.Key = s.name, InContext, s.name+"."+o.Key
			all = append(all, o)
		}
	}
	return all
})

var byKey = sync.OnceValue(func() map[string]*Option {
	index := map[string]*Option{}
	for i, o := range options() {
		index[o.Key] = &options()[i]
	}
	return index
})

// Options returns the table of every setting, globals first, then service by service.
func Options() []Option { return slices.Clone(options()) }

// Lookup returns the option of a key.
func Lookup(key string) (Option, bool) {
	if o := byKey()[key]; o != nil {
		return *o, true
	}
	return Option{}, false
}

// optionOf is Lookup of a key that is known; of another one it is empty.
func optionOf(key string) Option {
	o, _ := Lookup(key)
	return o
}

// Services returns the names of the blocks a context may have, in the order of
// the reference.
func Services() []string {
	blocks := services()
	out := make([]string, len(blocks))
	for i, b := range blocks {
		out[i] = b.name
	}
	return out
}

// ServiceOptions returns the settings of one service.
func ServiceOptions(service string) []Option {
	var out []Option
	for _, o := range options() {
		if o.Service == service {
			out = append(out, o)
		}
	}
	return out
}

// Flags returns the settings that have a global flag.
func Flags() []Option {
	return slices.DeleteFunc(globals(), func(o Option) bool { return o.Flag == "" })
}

// LookupFlag returns the option of a global flag.
func LookupFlag(flag string) (Option, bool) {
	for _, o := range Flags() {
		if o.Flag == flag {
			return o, true
		}
	}
	return Option{}, false
}
