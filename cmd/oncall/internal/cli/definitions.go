package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/logs"
	"github.com/balena-io/oncall/pkg/metrics"
)

// QueryDefinition is one entry of `queries` in the configuration.
type QueryDefinition struct {
	Expr        string   `yaml:"expr"`
	Unit        string   `yaml:"unit"`
	Above       *float64 `yaml:"above"`
	Below       *float64 `yaml:"below"`
	Description string   `yaml:"description"`
}

// Queries are the named metric queries, sorted by name. In the demo they are the
// primer's, with windows that fit its seconds.
func (f *Factory) Queries() ([]metrics.Query, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	all := map[string]QueryDefinition{}
	if err := cfg.Definition("queries", &all); err != nil {
		return nil, err
	}
	if len(all) == 0 && cfg.Context().Demo {
		return metrics.DemoQueries(), nil
	}
	out := []metrics.Query{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		d := all[name]
		if d.Expr == "" {
			return nil, Usage("queries.%s: expr is missing", name)
		}
		out = append(out, metrics.Query{Name: name, Expr: d.Expr, Unit: d.Unit, Above: d.Above, Below: d.Below, Description: d.Description})
	}
	return out, nil
}

// LogDefinition is `logs` in the configuration: how words of the command line
// become labels and fields.
type LogDefinition struct {
	Labels  map[string]string `yaml:"labels"`  // flag (service, level, host) -> label
	Default []string          `yaml:"default"` // labels that every selector gets: env=production
	Parser  string            `yaml:"parser"`  // json, logfmt, pattern ..., regexp ...
	Parsers map[string]string `yaml:"parsers"` // by service, where they differ
	Fields  map[string]string `yaml:"fields"`  // word (path, status, trace) -> field
}

// Logs is the definition in force; what is not set is a label or field of the
// same name.
func (f *Factory) Logs() (LogDefinition, error) {
	d := LogDefinition{}
	cfg, err := f.Config()
	if err != nil {
		return d, err
	}
	if err := cfg.Definition("logs", &d); err != nil {
		return d, err
	}
	if cfg.Context().Demo && d.Parser == "" && len(d.Parsers) == 0 {
		d.Parser, d.Parsers = "logfmt", map[string]string{"registry": "json"}
	}
	for _, pair := range d.Default {
		if name, _, ok := strings.Cut(pair, "="); !ok || name == "" {
			return d, Usage("logs.default: %q is not NAME=VALUE", pair)
		}
	}
	for _, text := range slices.Concat([]string{d.Parser}, slices.Collect(maps.Values(d.Parsers))) {
		if _, err := logs.ParseParser(text); text != "" && err != nil {
			return d, err
		}
	}
	return d, nil
}

// Label is the label that a flag stands for.
func (d LogDefinition) Label(flag string) string {
	if l := d.Labels[flag]; l != "" {
		return l
	}
	return flag
}

// Field is the field that a word stands for.
func (d LogDefinition) Field(word string) string {
	if v := d.Fields[word]; v != "" {
		return v
	}
	if word == "trace" {
		return "trace_id"
	}
	return word
}

// ParserFor is the parser of a service's lines; zero when none is set.
func (d LogDefinition) ParserFor(service string) logs.Parser {
	text := d.Parser
	if v := d.Parsers[service]; v != "" {
		text = v
	}
	p, _ := logs.ParseParser(text) // Logs has checked it
	return p
}
