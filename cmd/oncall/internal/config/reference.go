package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// refForms is how a secret is written in a file.
const refForms = "{env: NAME}, {file: PATH}, {exec: [COMMAND, ARG]} or {keyring: NAME}"

// reference is where a secret is kept.
type reference struct {
	kind string // env, file, exec, keyring
	arg  string // variable, path as written, or keyring entry
	argv []string
	base string // folder of the file it is written in
}

// String is the reference as one would write it. Arguments of a command are
// left out, as they may say more than they should.
func (r *reference) String() string {
	if r.kind == "exec" {
		if len(r.argv) > 1 {
			return "{exec: [" + r.argv[0] + ", ...]}"
		}
		return "{exec: [" + r.argv[0] + "]}"
	}
	return "{" + r.kind + ": " + r.arg + "}"
}

// parseReference reads a secret's value in a file. A literal is refused, and no
// error repeats any of it.
func parseReference(n *yaml.Node, base string) (*reference, error) {
	if n.Kind != yaml.MappingNode {
		return nil, errors.New("a secret is not written in a file; write where it is kept: " + refForms + " (oncall auth login does it for you)")
	}
	if len(n.Content) != 2 || n.Content[0].Kind != yaml.ScalarNode {
		return nil, errors.New("a secret's reference is one of " + refForms)
	}
	kind, v := n.Content[0].Value, resolved(n.Content[1])
	r := &reference{kind: kind, base: base}
	switch kind {
	case "env", "file", "keyring":
		if v.Kind != yaml.ScalarNode || strings.TrimSpace(v.Value) == "" || isNull(v) {
			return nil, fmt.Errorf("{%s: ...} takes one word", kind)
		}
		r.arg = v.Value
	case "exec":
		argv, err := parseArgv(v)
		if err != nil {
			return nil, err
		}
		r.argv = argv
	default:
		return nil, errors.New("a secret's reference is one of " + refForms)
	}
	for _, text := range append([]string{r.arg}, r.argv...) {
		if strings.ContainsFunc(text, unicode.IsControl) {
			return nil, errors.New("a secret's reference has no control characters")
		}
	}
	return r, nil
}

// parseArgv reads the list of {exec: ...}. The program is found on the PATH or
// by its whole path, never in whatever folder oncall happens to run.
func parseArgv(n *yaml.Node) ([]string, error) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return nil, errors.New("{exec: [COMMAND, ARG]} takes a list; no shell reads it")
	}
	var argv []string
	for _, item := range n.Content {
		item = resolved(item)
		if item.Kind != yaml.ScalarNode {
			return nil, errors.New("{exec: [COMMAND, ARG]} takes a list of words")
		}
		argv = append(argv, item.Value)
	}
	program := argv[0]
	_, home := cutHome(program)
	switch {
	case strings.TrimSpace(program) == "":
		return nil, errors.New("{exec: [COMMAND, ARG]} names no command")
	case strings.ContainsAny(program, `/\`) && !home && !filepath.IsAbs(program):
		return nil, errors.New("the command of {exec: [COMMAND, ARG]} is a name on the PATH or a whole path")
	}
	return argv, nil
}

// referencedEnv lists the variables that {env: NAME} names anywhere in the file.
func (d *document) referencedEnv() []string {
	var out []string
	take := func(settings map[string]entry) {
		for _, e := range settings {
			if e.ref != nil && e.ref.kind == "env" {
				out = append(out, e.ref.arg)
			}
		}
	}
	take(d.settings)
	for _, b := range d.contexts {
		take(b.settings)
	}
	return out
}
