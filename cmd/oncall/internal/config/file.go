package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a config or definitions file; a larger one is a mistake.
const maxFile = 1 << 20

// entry is a setting as it is written in a file.
type entry struct {
	text string     // as written: an unquoted 0123 stays 0123
	ref  *reference // a secret's reference, nil for any other setting
	line int
}

// block is a context as it is written.
type block struct {
	name     string
	line     int
	settings map[string]entry
}

// document is a config or definitions file that was read.
type document struct {
	path        string
	root        *yaml.Node // the top mapping, nil when the file is empty
	settings    map[string]entry
	contexts    []block
	definitions map[string]definition
	errs        []error
	nodes       int  // values looked at
	tooMuch     bool // too many, and told
}

type definition struct {
	node *yaml.Node
	line int
}

// readFile reads a file whole, within maxFile.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("is a folder")}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("is larger than %d KiB", maxFile>>10)}
	}
	return data, nil
}

// parseConfig reads a config file's text. All that is wrong with it comes back
// in one error, each with its line.
func parseConfig(path string, data []byte) (*document, error) {
	d := &document{path: path, settings: map[string]entry{}, definitions: map[string]definition{}}
	root, err := parseRoot(path, data)
	if err != nil || root == nil {
		return d, err
	}
	d.root = root
	for _, p := range d.pairs(root, "") {
		d.top(p)
	}
	d.checkNames()
	if len(d.errs) > 0 {
		return nil, together(d.errs)
	}
	return d, nil
}

// parseRoot returns the top mapping of a YAML text, nil when it is empty.
func parseRoot(path string, data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, yamlError(path, data, err)
	}
	var more yaml.Node
	switch err := dec.Decode(&more); {
	case err == nil:
		return nil, usage("%s: a second document starts here; put everything in one", at(path, max(more.Line, 1)))
	case !errors.Is(err, io.EOF):
		return nil, yamlError(path, data, err)
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return nil, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, usage("%s: the file must be a mapping of keys to values", at(path, root.Line))
	}
	return root, nil
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// pair is a key of a mapping with its value, aliases followed.
type pair struct {
	key   string
	line  int
	value *yaml.Node
}

// maxNodes bounds the values looked at, as aliases within aliases can make few
// lines stand for very many.
const maxNodes = 50_000

// spent counts one more value and reports, once as an error, that there are too many.
func (d *document) spent(line int) bool {
	if d.nodes++; d.nodes <= maxNodes {
		return false
	}
	if !d.tooMuch {
		d.tooMuch = true
		d.fail(line, "aliases repeat too much here")
	}
	return true
}

// pairs lists a mapping's keys in file order. A key written twice is an error;
// the keys of a merge (<<) are taken where the mapping itself has none.
func (d *document) pairs(m *yaml.Node, where string) []pair {
	var out []pair
	lines := map[string]int{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], resolved(m.Content[i+1])
		if d.spent(k.Line) {
			return nil
		}
		if k.ShortTag() == "!!merge" {
			merged = append(merged, v)
			continue
		}
		if k.Kind != yaml.ScalarNode {
			d.fail(k.Line, "a key must be a word")
			continue
		}
		if first, twice := lines[k.Value]; twice {
			d.fail(k.Line, "%s%q is set a second time (first on line %d)", where, k.Value, first)
			continue
		}
		lines[k.Value] = k.Line
		out = append(out, pair{k.Value, k.Line, v})
	}
	for _, v := range merged {
		for _, p := range d.mergedPairs(v, where) {
			if _, own := lines[p.key]; !own {
				lines[p.key] = p.line
				out = append(out, p)
			}
		}
	}
	return out
}

// mergedPairs lists the keys of a merge's value: a mapping or a list of them.
func (d *document) mergedPairs(v *yaml.Node, where string) []pair {
	list := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode {
		list = v.Content
	}
	var out []pair
	for _, one := range list {
		one = resolved(one)
		if one.Kind != yaml.MappingNode {
			d.fail(v.Line, "<< merges mappings only")
			continue
		}
		out = append(out, d.pairs(one, where)...)
	}
	return out
}

func (d *document) fail(line int, format string, args ...any) {
	d.errs = append(d.errs, usage("%s: %s", at(d.path, line), fmt.Sprintf(format, args...)))
}

// top reads one key of the file's top level.
func (d *document) top(p pair) {
	if p.key == "contexts" {
		d.contextList(p)
		return
	}
	if _, known := definitionHelp[p.key]; known {
		d.inspect(p.value, p.key, 0, isRepositoryKey(p.key), false)
		if !isNull(p.value) {
			d.definitions[p.key] = definition{p.value, p.line}
		}
		return
	}
	if o, ok := topOption(p.key); ok {
		d.setting(d.settings, o, p)
		return
	}
	if isContextKey(p.key) {
		d.fail(p.line, "%q belongs in a context: below contexts, in the item with its name", p.key)
		return
	}
	d.unknown(p, topKeys())
}

func (d *document) unknown(p pair, known []string) {
	d.fail(p.line, "unknown key %q%s", p.key, didYouMean(p.key, known))
}

func (d *document) contextList(p pair) {
	if isNull(p.value) {
		return
	}
	if p.value.Kind != yaml.SequenceNode {
		d.fail(p.line, "contexts is a list: each item starts with - name: NAME")
		return
	}
	for _, item := range p.value.Content {
		line := item.Line
		item = resolved(item)
		if item.Kind != yaml.MappingNode {
			d.fail(line, "a context is a mapping that starts with name: NAME")
			continue
		}
		d.context(item, line)
	}
}

func (d *document) context(item *yaml.Node, line int) {
	b := block{line: line, settings: map[string]entry{}}
	named := false
	for _, p := range d.pairs(item, "") {
		switch o, ok := contextOption(p.key); {
		case p.key == "name":
			named = true
			b.name, b.line = d.contextName(p), p.line
		case ok:
			d.setting(b.settings, o, p)
		case isService(p.key):
			d.service(b.settings, p)
		default:
			d.unknown(p, contextKeys())
		}
	}
	if !named {
		d.fail(line, "a context has no name")
		return
	}
	d.contexts = append(d.contexts, b)
}

func (d *document) contextName(p pair) string {
	if p.value.Kind != yaml.ScalarNode {
		d.fail(p.line, "name must be a word")
		return ""
	}
	if err := CheckContextName(p.value.Value); err != nil {
		d.fail(p.line, "%v", err)
	}
	return p.value.Value
}

func (d *document) service(into map[string]entry, p pair) {
	if isNull(p.value) {
		return
	}
	if p.value.Kind != yaml.MappingNode {
		d.fail(p.line, "%s is a mapping of its settings: %s", p.key, strings.Join(serviceKeys(p.key), ", "))
		return
	}
	for _, q := range d.pairs(p.value, p.key+".") {
		o, ok := Lookup(p.key + "." + q.key)
		if !ok || o.Service != p.key {
			d.fail(q.line, "unknown key %q in %s%s", q.key, p.key, didYouMean(q.key, serviceKeys(p.key)))
			continue
		}
		d.setting(into, o, q)
	}
}

// setting reads one value. An empty one is left open, as if it were not there.
func (d *document) setting(into map[string]entry, o Option, p pair) {
	if isNull(p.value) {
		return
	}
	if o.Kind == Secret {
		ref, err := parseReference(p.value, filepath.Dir(d.path))
		if err != nil {
			d.fail(p.line, "%s: %v", o.InFile(), err)
			return
		}
		into[o.Key] = entry{ref: ref, line: p.line}
		return
	}
	if p.value.Kind != yaml.ScalarNode {
		d.fail(p.line, "%s takes one value", o.InFile())
		return
	}
	if p.value.Value == "" {
		return
	}
	if err := o.Check(p.value.Value); err != nil {
		d.fail(p.line, "%s: %v", o.InFile(), err)
		return
	}
	into[o.Key] = entry{text: p.value.Value, line: p.line}
}

// checkNames finds two contexts of one name and a current context that is not there.
func (d *document) checkNames() {
	first := map[string]int{}
	for _, b := range d.contexts {
		if b.name == "" {
			continue // told already
		}
		if line, twice := first[b.name]; twice {
			d.fail(b.line, "context %q is here and on line %d; a name stands for one context", b.name, line)
			continue
		}
		first[b.name] = b.line
	}
}

func (d *document) find(name string) (block, bool) {
	for _, b := range d.contexts {
		if b.name == name {
			return b, true
		}
	}
	return block{}, false
}

func topOption(key string) (Option, bool) {
	for _, o := range options() {
		if o.Service == "" && o.InFile() == key && (o.Scope == TopLevel || o.Scope == Everywhere) {
			return o, true
		}
	}
	return Option{}, false
}

func contextOption(key string) (Option, bool) {
	o, ok := Lookup(key)
	return o, ok && o.Service == "" && (o.Scope == InContext || o.Scope == Everywhere)
}

func isContextKey(key string) bool {
	_, ok := contextOption(key)
	return ok || isService(key)
}

func isService(name string) bool { return slices.Contains(Services(), name) }

func topKeys() []string {
	out := []string{"contexts"}
	for _, o := range options() {
		if _, ok := topOption(o.InFile()); ok && o.Service == "" {
			out = append(out, o.InFile())
		}
	}
	return append(append(out, Definitions()...), Services()...)
}

func contextKeys() []string {
	out := []string{"name"}
	for _, o := range options() {
		if _, ok := contextOption(o.Key); ok {
			out = append(out, o.Key)
		}
	}
	return append(out, Services()...)
}

func serviceKeys(service string) []string {
	var out []string
	for _, o := range ServiceOptions(service) {
		out = append(out, strings.TrimPrefix(o.Key, service+"."))
	}
	return out
}

// Definitions returns the names of the top-level structures, sorted.
func Definitions() []string {
	out := make([]string, 0, len(definitionHelp))
	for name := range definitionHelp {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
