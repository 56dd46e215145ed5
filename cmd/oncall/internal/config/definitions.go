package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/balena-io/oncall/pkg/gitops"
)

// definitionHelp names the top-level structures. They are typed by the command
// that reads them.
var definitionHelp = map[string]string{
	"components":   "what can be deployed, rolled back and verified",
	"queries":      "named metric queries with their thresholds",
	"logs":         "labels and fields of log lines, and the parser that finds them",
	"heartbeats":   "checks of the dead man's switch, and the Jenkins job behind each",
	"hosts":        "named hosts",
	"repositories": "git repositories by name",
}

// Definition decodes the top-level structure called name into the value that
// into points at, first from the definitions file, then from the config file:
// maps are joined key by key, lists and single values of the config file win.
// into stays as it is when neither has it. Unknown keys and wrong types are
// errors with file and line.
func (c *Config) Definition(name string, into any) error {
	if _, known := definitionHelp[name]; !known {
		return usage("there is no definition called %s%s", name, didYouMean(name, Definitions()))
	}
	for _, d := range []*document{c.team, c.doc} {
		if def, ok := d.definitions[name]; ok {
			if err := d.decode(def.node, into); err != nil {
				return err
			}
		}
	}
	return nil
}

// readDefinitions reads the file of `definitions`, if any.
func (c *Config) readDefinitions() error {
	path, base := c.src.env("ONCALL_DEFINITIONS"), ""
	who := "ONCALL_DEFINITIONS"
	if path == "" {
		e, ok := c.doc.settings["definitions"]
		if !ok {
			return nil
		}
		path, base, who = e.text, filepath.Dir(c.doc.path), at(c.doc.path, e.line)
	}
	path = c.src.expand(path, base)
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return usage("%s: the definitions file %s does not exist", who, path)
	}
	if err != nil {
		return unreadable("definitions file", err)
	}
	c.team, err = parseDefinitions(path, data)
	return err
}

// parseDefinitions reads a definitions file. It comes out of a repository that
// many can write to, so it is data: nothing in it reaches a credential, a
// service or a program.
func parseDefinitions(path string, data []byte) (*document, error) {
	d := &document{path: path, definitions: map[string]definition{}}
	root, err := parseRoot(path, data)
	if err != nil || root == nil {
		return d, err
	}
	d.root = root
	for _, p := range d.pairs(root, "") {
		if _, known := definitionHelp[p.key]; known {
			d.inspect(p.value, p.key, 0, isRepositoryKey(p.key), true)
			if !isNull(p.value) {
				d.definitions[p.key] = definition{p.value, p.line}
			}
			continue
		}
		_, setting := topOption(p.key)
		if p.key == "contexts" || setting || isContextKey(p.key) {
			d.fail(p.line, "%q %s", p.key, notHere)
			continue
		}
		d.unknown(p, Definitions())
	}
	if len(d.errs) > 0 {
		return nil, together(d.errs)
	}
	return d, nil
}

// maxDepth bounds nesting.
const maxDepth = 12

// powers are keys, without dashes and in lower case, whose values run, unlock
// or redirect something.
var powers = []string{"exec", "command", "commands", "cmd", "program", "shell", "script", "run", "proxycommand", "keyring", "env",
	"token", "password", "passwd", "secret", "apikey", "apiid", "restkey", "pingkey", "credential", "credentials", "privatekey", "keyfile", "identityfile",
	"context", "contexts"}

// inspect refuses, anywhere below n, repositories that git would run something
// for and, in a file that is to be powerless, keys that hold power. repo says
// that n, the value of key, is a repository, or holds some by name or in a list.
func (d *document) inspect(n *yaml.Node, key string, depth int, repo, powerless bool) {
	n = resolved(n)
	if d.spent(n.Line) {
		return
	}
	if depth > maxDepth {
		d.fail(n.Line, "nested too deeply")
		return
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if !isNull(n) && (repo || strings.Contains(n.Value, "ext::") || strings.Contains(n.Value, "fd::")) {
			if err := gitops.CheckOrigin(n.Value); err != nil {
				d.fail(n.Line, "%s: %v", key, err)
			}
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			d.inspect(item, key, depth+1, repo, powerless)
		}
	case yaml.MappingNode:
		record := index(n, "url") >= 0 // {url: ..., path: ...}, else names of repositories
		for _, p := range d.pairs(n, "") {
			if powerless && d.power(key, p) {
				continue
			}
			below := isRepositoryKey(p.key) || repo && (p.key == "url" || !record)
			d.inspect(p.value, p.key, depth+1, below, powerless)
		}
	}
}

// power reports, as an error of the file, a key that holds power.
func (d *document) power(parent string, p pair) bool {
	plain := strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(p.key))
	switch {
	case slices.Contains(powers, plain):
		d.fail(p.line, "%q %s", p.key, notHere)
	case isService(parent) && strings.HasSuffix(plain, "url"):
		d.fail(p.line, "\"%s.%s\" %s", parent, p.key, notHere)
	default:
		return false
	}
	return true
}

const notHere = "cannot be set here: a definitions file is data; it sets no contexts, services, credentials or programs"

func isRepositoryKey(key string) bool {
	key = strings.ToLower(key)
	return key == "repo" || strings.HasSuffix(key, "repository") || strings.HasSuffix(key, "repositories")
}
