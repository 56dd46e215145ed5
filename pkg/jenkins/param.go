package jenkins

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nearest"
)

// Parameter is one value that a build was or is to be started with.
type Parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"` // as a form takes it: "api", "true"
	// Secret marks a value that Jenkins does not hand out (password, file).
	Secret bool `json:"secret,omitempty"`
}

// paramWire is a parameter as Jenkins exports it: the value is a string, a
// bool, a number, or absent (contract section 4).
type paramWire struct {
	Class string          `json:"_class"`
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

func (w paramWire) parameter() Parameter {
	v, known := scalar(w.Value)
	return Parameter{Name: w.Name, Value: v, Secret: !known}
}

// scalar reads a JSON scalar as form text; false when there is none.
func scalar(raw json.RawMessage) (string, bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return "", false
	}
	var s string
	if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return s, true
	}
	return string(raw), true
}

// Definition is a parameter that a job declares.
type Definition struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`        // "ChoiceParameterDefinition"; plugins have their own
	Description string   `json:"description"` // HTML or text, may be empty
	Choices     []string `json:"choices"`     // only of a ChoiceParameterDefinition
	Default     string   `json:"default"`
	HasDefault  bool     `json:"hasDefault"` // false: none, or a secret one
	// Offered are the values that a plugin lists (git parameters); the server
	// does not check against them.
	Offered []string `json:"offered,omitempty"`
}

type definitionWire struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Description *string  `json:"description"`
	Choices     []string `json:"choices"`
	Default     *struct {
		Value json.RawMessage `json:"value"`
	} `json:"defaultParameterValue"`
	All *struct {
		Values []struct {
			Value string `json:"value"`
		} `json:"values"`
	} `json:"allValueItems"`
}

func (w definitionWire) definition() Definition {
	d := Definition{Name: w.Name, Type: w.Type, Choices: w.Choices}
	if w.Description != nil {
		d.Description = *w.Description
	}
	if w.Default != nil {
		d.Default, d.HasDefault = scalar(w.Default.Value)
	}
	if w.All != nil {
		for _, v := range w.All.Values {
			d.Offered = append(d.Offered, v.Value)
		}
	}
	if d.Choices == nil {
		d.Choices = []string{}
	}
	return d
}

// Secret reports whether values of d cannot be read back.
func (d Definition) Secret() bool {
	return strings.Contains(d.Type, "Password") || strings.Contains(d.Type, "FileParameter") || strings.Contains(d.Type, "Credentials")
}

func (d Definition) boolean() bool { return d.Type == "BooleanParameterDefinition" }

// Effective returns the whole set that a build started with given will run
// with, in the order of the definitions: what is not given takes its default.
//
// It refuses, with apierr.ErrUsage and before anything is sent, what Jenkins
// would swallow: a name that the job does not define (the server ignores it and
// uses the default), a value that is not among the choices (the server answers
// 500), a name given twice, a boolean that is neither true nor false.
func (j Job) Effective(given []Parameter) ([]Parameter, error) {
	op := "start " + j.Name.String()
	values := map[string]Parameter{}
	for _, p := range given {
		if _, twice := values[p.Name]; twice {
			return nil, fail(apierr.ErrUsage, op, "the parameter %s is given twice", p.Name)
		}
		values[p.Name] = p
	}
	out := make([]Parameter, 0, len(j.Parameters))
	for _, d := range j.Parameters {
		p, ok := values[d.Name]
		delete(values, d.Name)
		if !ok {
			out = append(out, Parameter{Name: d.Name, Value: d.Default, Secret: !d.HasDefault && d.Secret()})
			continue
		}
		if err := d.check(op, &p); err != nil {
			return nil, err
		}
		p.Secret = p.Secret || d.Secret()
		out = append(out, p)
	}
	for _, p := range given { // in the order given, so that the message is always the same
		if _, unknown := values[p.Name]; unknown {
			return nil, j.unknownParameter(op, p.Name)
		}
	}
	return out, nil
}

func (d Definition) check(op string, p *Parameter) error {
	if d.boolean() {
		switch v := strings.ToLower(strings.TrimSpace(p.Value)); v {
		case "true", "false":
			p.Value = v
		default:
			return fail(apierr.ErrUsage, op, "%s is true or false, not %q", d.Name, p.Value)
		}
	}
	if len(d.Choices) == 0 || slices.Contains(d.Choices, p.Value) {
		return nil
	}
	e := fail(apierr.ErrUsage, op, "%s=%s is not offered", d.Name, p.Value)
	if near := nearest.Of(p.Value, d.Choices); len(near) > 0 {
		return e.WithHint("did you mean %s=%s? offered: %s", d.Name, near[0], list(d.Choices))
	}
	return e.WithHint("offered: %s", list(d.Choices))
}

func (j Job) unknownParameter(op, name string) error {
	names := make([]string, len(j.Parameters))
	for i, d := range j.Parameters {
		names[i] = d.Name
	}
	if len(names) == 0 {
		return fail(apierr.ErrUsage, op, "the job takes no parameters, %s neither", name)
	}
	e := fail(apierr.ErrUsage, op, "the job has no parameter %q; Jenkins would ignore it and use the defaults", name)
	if near := nearest.Of(name, names); len(near) > 0 {
		return e.WithHint("did you mean %s? it takes: %s", near[0], list(names))
	}
	return e.WithHint("it takes: %s", list(names))
}

func list(s []string) string {
	const most = 20
	if len(s) > most {
		return strings.Join(s[:most], ", ") + fmt.Sprintf(" and %d more", len(s)-most)
	}
	return strings.Join(s, ", ")
}

// SameParameters reports whether a build with values a and one with values b
// ran with equal parameters. Order does not matter. A secret value is not
// known, so a set that holds one is equal to nothing.
func SameParameters(a, b []Parameter) bool {
	if len(a) != len(b) {
		return false
	}
	values := make(map[string]string, len(a))
	for _, p := range a {
		if p.Secret {
			return false
		}
		values[p.Name] = p.Value
	}
	for _, p := range b {
		v, ok := values[p.Name]
		if !ok || p.Secret || v != p.Value {
			return false
		}
		delete(values, p.Name)
	}
	return len(values) == 0
}
