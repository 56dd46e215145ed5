package config

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Draft is a config file that is being changed.
type Draft struct {
	path string
	text []byte
}

// NewDraft begins with a file's text, which must load.
func NewDraft(path string, data []byte) (*Draft, error) {
	if _, err := parseConfig(path, data); err != nil {
		return nil, err
	}
	return &Draft{path: path, text: data}, nil
}

// Text is the file as it would be written now.
func (d *Draft) Text() string { return string(d.text) }

// Contexts lists the names of the file's contexts.
func (d *Draft) Contexts() []string {
	doc, err := parseConfig(d.path, d.text)
	if err != nil {
		return nil
	}
	var out []string
	for _, b := range doc.contexts {
		out = append(out, b.name)
	}
	return out
}

// UseContext makes name the current context.
func (d *Draft) UseContext(name string) error {
	names := append(d.Contexts(), EnvironmentContext, DemoContext)
	if !slices.Contains(names, name) {
		return usage("context %q does not exist; there are %s", name, strings.Join(nearestFirst(name, names), ", ")).
			WithHint("oncall config contexts")
	}
	return d.assign("", []string{"current-context"}, word(name))
}

// AddContext appends an empty context.
func (d *Draft) AddContext(name string) error {
	if err := CheckContextName(name); err != nil {
		return usage("%v", err)
	}
	if slices.Contains(d.Contexts(), name) {
		return usage("context %q exists already", name)
	}
	item := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{word("name"), word(name)}}
	return d.apply(func(root *yaml.Node) {
		list := valueOf(root, "contexts")
		if list == nil || list.Kind != yaml.SequenceNode {
			remove(root, "contexts")
			list = &yaml.Node{Kind: yaml.SequenceNode}
			root.Content = append(root.Content, word("contexts"), list)
		}
		list.Content = append(list.Content, item)
	}, func(root *yaml.Node, lines []string) []string { return spliceItem(root, lines, item) })
}

// Set writes a setting: in a context, or with contextName "" at the top of the
// file. The value is checked; a secret takes a reference such as
// "{keyring: NAME}", never a literal.
func (d *Draft) Set(contextName, key, value string) error {
	o, err := settableIn(contextName, key)
	if err != nil {
		return err
	}
	node, err := valueNode(o, value)
	if err != nil {
		return err
	}
	return d.assign(contextName, strings.Split(o.Key, "."), node)
}

// SetReference writes where a secret is kept; kind is one of env, file, keyring.
func (d *Draft) SetReference(contextName, key, kind, arg string) error {
	if o, ok := Lookup(key); !ok || o.Kind != Secret {
		return usage("%s is not a secret of oncall", key)
	}
	return d.assign(contextName, strings.Split(key, "."), &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle,
		Content: []*yaml.Node{word(kind), word(arg)}})
}

// Unset removes a setting. It is no error when it is not there.
func (d *Draft) Unset(contextName, key string) error {
	if _, err := settableIn(contextName, key); err != nil {
		return err
	}
	path := strings.Split(key, ".")
	return d.apply(func(root *yaml.Node) {
		m := d.mapping(root, contextName)
		if m == nil {
			return
		}
		if len(path) == 2 {
			inner := valueOf(m, path[0])
			if inner == nil || inner.Kind != yaml.MappingNode {
				return
			}
			if remove(inner, path[1]); len(inner.Content) > 0 {
				return
			}
		}
		remove(m, path[0])
	}, func(root *yaml.Node, lines []string) []string {
		return spliceOut(d.mapping(root, contextName), path, lines)
	})
}

// settableIn is the option of a key that may stand in a context, or with
// contextName "" at the top of the file.
func settableIn(contextName, key string) (Option, error) {
	o, ok := Lookup(key)
	switch {
	case !ok || o.Key == "context":
		return o, usage("unknown setting %q%s", key, didYouMean(key, settable())).WithHint("oncall config view --all")
	case o.Scope == Nowhere:
		return o, usage("%s is not set in the config file", key)
	case contextName == "" && o.Scope == InContext:
		return o, usage("%s is set in a context", key).WithHint("oncall config set %s VALUE --context NAME", key)
	case contextName != "" && o.Scope == TopLevel:
		return o, usage("%s is set for all contexts, not in one", key)
	}
	return o, nil
}

func settable() []string {
	var out []string
	for _, o := range options() {
		if o.Scope != Nowhere && o.Key != "context" {
			out = append(out, o.Key)
		}
	}
	return out
}

// valueNode checks a value typed by a person and makes it a node.
func valueNode(o Option, value string) (*yaml.Node, error) {
	if o.Kind == Secret {
		var doc yaml.Node
		literal := usage("%s: a secret is not written in the config file nor on a command line", o.Key).
			WithHint("oncall auth login %s", o.Service)
		if err := yaml.Unmarshal([]byte(value), &doc); err != nil || len(doc.Content) != 1 {
			return nil, literal
		}
		if doc.Content[0].Kind != yaml.MappingNode {
			return nil, literal
		}
		if _, err := parseReference(doc.Content[0], ""); err != nil {
			return nil, usage("%s: %v", o.Key, err)
		}
		doc.Content[0].Style = yaml.FlowStyle
		return doc.Content[0], nil
	}
	if value == "" {
		return nil, usage("%s: the value is empty", o.Key)
	}
	if err := o.Check(value); err != nil {
		return nil, usage("%s: %v", o.Key, err)
	}
	if o.Kind == Bool {
		yes, _ := parseBool(value)
		value = map[bool]string{true: "true", false: "false"}[yes]
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: value}, nil
	}
	return word(value), nil
}

// word is a text that every YAML reader takes for a text: "no", "0123" and
// "12:30" get quotes.
func word(text string) *yaml.Node {
	n := &yaml.Node{}
	if err := n.Encode(text); err != nil {
		n.SetString(text)
	}
	return n
}

// assign sets path in a context or at the top.
func (d *Draft) assign(contextName string, path []string, value *yaml.Node) error {
	if contextName != "" && !slices.Contains(d.Contexts(), contextName) {
		return usage("context %q is not in %s; there are %s", contextName, d.path, strings.Join(nearestFirst(contextName, append(d.Contexts(), DemoContext)), ", ")).
			WithHint("oncall config contexts")
	}
	return d.apply(func(root *yaml.Node) { put(d.mapping(root, contextName), path, value) },
		func(root *yaml.Node, lines []string) []string {
			return splice(d.mapping(root, contextName), path, value, lines)
		})
}

// mapping is the context's mapping below root, or root itself.
func (d *Draft) mapping(root *yaml.Node, contextName string) *yaml.Node {
	if contextName == "" {
		return root
	}
	list := valueOf(root, "contexts")
	if list == nil {
		return nil
	}
	for _, item := range list.Content {
		item = resolved(item)
		if name := valueOf(item, "name"); name != nil && name.Value == contextName {
			return item
		}
	}
	return nil
}

// apply changes the file twice: as a tree, which is right but written anew
// loses blank lines and alignment, and as text, which keeps everything but may
// go wrong on layouts nobody thought of. The text counts when it means the same
// as the tree and no comment is missing.
func (d *Draft) apply(tree func(root *yaml.Node), text func(root *yaml.Node, lines []string) []string) error {
	want, err := parseDocument(d.text)
	if err != nil {
		return yamlError(d.path, d.text, err)
	}
	tree(want.Content[0])
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(want); err != nil {
		return usage("config file: %v", err)
	}
	if before, err := parseDocument(d.text); err == nil {
		if changed := text(before.Content[0], splitLines(d.text)); changed != nil {
			spliced := []byte(strings.Join(changed, ""))
			if got, err := parseDocument(spliced); err == nil && same(got, want) && slices.Equal(comments(got), comments(want)) {
				d.text = spliced
				return nil
			}
		}
	}
	d.text = out.Bytes()
	return nil
}

// splitLines cuts a text after each line end; every line has one.
func splitLines(text []byte) []string {
	trimmed := strings.TrimRight(string(text), "\n")
	if trimmed == "" {
		return nil
	}
	lines := strings.SplitAfter(trimmed+"\n", "\n")
	return lines[:len(lines)-1]
}

// parseDocument is a text's tree, with an empty mapping for an empty text. The
// comments of a text that is nothing else are kept; the parser drops them.
func parseDocument(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) > 0 && !isNull(doc.Content[0]) {
		return &doc, nil
	}
	var kept []string
	for _, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			kept = append(kept, line)
		}
	}
	return &yaml.Node{Kind: yaml.DocumentNode, HeadComment: strings.Join(kept, "\n"), Content: []*yaml.Node{{Kind: yaml.MappingNode, Tag: "!!map"}}}, nil
}

// valueOf is the value of a key, nil when the mapping has none.
func valueOf(m *yaml.Node, key string) *yaml.Node {
	if i := index(m, key); i >= 0 {
		return resolved(m.Content[i+1])
	}
	return nil
}

func index(m *yaml.Node, key string) int {
	if m == nil || m.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return i
		}
	}
	return -1
}

func remove(m *yaml.Node, key string) {
	if i := index(m, key); i >= 0 {
		m.Content = slices.Delete(m.Content, i, i+2)
	}
}

// put sets path below m, making mappings on the way and keeping the comments
// of a value that it replaces.
func put(m *yaml.Node, path []string, value *yaml.Node) {
	i := index(m, path[0])
	if len(path) > 1 {
		var inner *yaml.Node
		if i >= 0 {
			inner = resolved(m.Content[i+1])
		}
		if inner == nil || inner.Kind != yaml.MappingNode {
			inner = &yaml.Node{Kind: yaml.MappingNode}
			if i >= 0 {
				m.Content[i+1] = inner
			} else {
				m.Content = append(m.Content, word(path[0]), inner)
			}
		}
		put(inner, path[1:], value)
		return
	}
	fresh := *value
	if i < 0 {
		m.Content = append(m.Content, word(path[0]), &fresh)
		return
	}
	old := m.Content[i+1]
	fresh.HeadComment, fresh.LineComment, fresh.FootComment = old.HeadComment, old.LineComment, old.FootComment
	m.Content[i+1] = &fresh
}
