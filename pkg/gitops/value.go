package gitops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// Value is a version as a file declares it.
type Value struct {
	Version    string `json:"version"`
	Image      string `json:"image,omitempty"`  // repository with its registry, "" when the file does not say
	Digest     string `json:"digest,omitempty"` // "sha256:..."
	Line       int    `json:"line"`
	Raw        string `json:"raw"`        // as it is written
	Automation []Mark `json:"automation"` // what changes the value by itself
}

// Mark is a sign in the file that something else than people writes the value
// (contract section 2).
type Mark struct {
	Text   string `json:"text"` // as it stands: `fluxcd.io/automated: "true"`
	Line   int    `json:"line"`
	Policy string `json:"policy"` // "namespace:policy" of Flux v2, else ""
}

// Why a version cannot be read, to be told apart with errors.Is. All are of the
// kind apierr.ErrGuard through the error that carries them.
var (
	ErrTemplated = errors.New("templated")
	ErrEncrypted = errors.New("encrypted")
	ErrNoVersion = errors.New("no version")
	ErrAbsent    = errors.New("not in the file")
)

func unreadable(cause error, l Location, format string, args ...any) error {
	e := fail(apierr.ErrGuard, "read "+l.File, format, args...)
	e.Err = cause
	return e
}

var gitCrypt = []byte("\x00GITCRYPT")

// Extract reads the value from a file's bytes. Scalars are read as text, so that
// a tag "1.20" keeps its zero.
func Extract(data []byte, l Location) (Value, error) {
	switch {
	case bytes.HasPrefix(data, gitCrypt), bytes.HasPrefix(data, []byte("$ANSIBLE_VAULT")):
		return Value{}, unreadable(ErrEncrypted, l, "the file is encrypted; the version cannot be read from it")
	case l.Format == FormatFile && l.Path == "":
		if text := bytes.TrimSpace(data); len(text) > 0 && !bytes.ContainsAny(text, "\n:{") {
			return finish(l, &yaml.Node{Kind: yaml.ScalarNode, Value: string(text), Line: 1}, "", nil)
		}
	}
	docs, err := documents(data)
	if err != nil {
		if bytes.Contains(data, []byte("{{")) {
			return Value{}, unreadable(ErrTemplated, l, "the file is a template ({{ }}), which only its renderer can read")
		}
		return Value{}, unreadable(ErrAbsent, l, "not YAML: %v", err)
	}
	for _, d := range docs {
		if child(d, "sops") != nil {
			return Value{}, unreadable(ErrEncrypted, l, "the file is encrypted (sops); the version cannot be read from it")
		}
	}
	found := []Value{}
	var last error
	for _, d := range docs {
		if l.Document != "" && nameOf(d) != l.Document {
			continue
		}
		v, err := in(d, l)
		switch {
		case err == nil:
			found = append(found, v)
		case last == nil || !errors.Is(err, ErrAbsent):
			last = err
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return Value{}, unreadable(ErrAbsent, l, "%d documents of the file have %s: say which with document: KIND/NAME", len(found), l.where())
	case last != nil:
		return Value{}, last
	case l.Document != "":
		return Value{}, unreadable(ErrAbsent, l, "the file has no document %s", l.Document)
	}
	return Value{}, unreadable(ErrAbsent, l, "the file is empty")
}

func (l Location) where() string {
	if l.Format == FormatKustomize {
		return "the image " + l.Image
	}
	if l.Path == "" {
		return "a version"
	}
	return l.Path
}

const maxDocuments = 1000

func documents(data []byte) ([]*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	out := []*yaml.Node{}
	for len(out) < maxDocuments {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
			out = append(out, n.Content[0])
		}
	}
	return nil, fmt.Errorf("more than %d documents", maxDocuments)
}

func nameOf(d *yaml.Node) string {
	return text(child(d, "kind")) + "/" + text(child(child(d, "metadata"), "name"))
}

func text(n *yaml.Node) string {
	if n = resolved(n); n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

func resolved(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < 16; i++ {
		n = n.Alias
	}
	return n
}

func child(n *yaml.Node, key string) *yaml.Node {
	n = resolved(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// walk follows steps; the error says where they end.
func walk(n *yaml.Node, steps []step, l Location) (*yaml.Node, error) {
	at := ""
	for _, s := range steps {
		var next *yaml.Node
		if s.list {
			next = element(n, s)
		} else {
			next = child(n, s.key)
		}
		if next == nil {
			return nil, unreadable(ErrAbsent, l, "there is no %s%s", orRoot(at), s)
		}
		n = next
		at += s.String() + "."
	}
	return n, nil
}

func orRoot(at string) string {
	if at == "" {
		return ""
	}
	return at
}

func element(n *yaml.Node, s step) *yaml.Node {
	n = resolved(n)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	for _, item := range n.Content {
		if v := child(item, s.field); v != nil && text(v) == s.key {
			return item
		}
	}
	if s.index >= 0 && s.index < len(n.Content) {
		return n.Content[s.index]
	}
	return nil
}

// in reads the value from one document.
func in(d *yaml.Node, l Location) (Value, error) {
	marks := annotationMarks(d)
	steps, err := parsePath(l.Path)
	if err != nil {
		return Value{}, fail(apierr.ErrUsage, "", "the path %q: %v", l.Path, err)
	}
	switch l.Format {
	case FormatKustomize:
		return kustomize(d, l, marks)
	case FormatHelm:
		if len(steps) == 0 {
			steps = []step{{key: "spec", index: -1}, {key: "values", index: -1}, {key: "image", index: -1}}
		}
		n, err := walk(d, steps, l)
		if err != nil {
			return Value{}, err
		}
		parent, _ := walk(d, steps[:len(steps)-1], l)
		return helm(n, parent, l, marks)
	case FormatFile, FormatPath, "":
	}
	n, err := walk(d, steps, l)
	if err != nil {
		return Value{}, err
	}
	return finish(l, n, "", marks)
}

func kustomize(d *yaml.Node, l Location, marks []Mark) (Value, error) {
	for _, images := range []*yaml.Node{child(d, "images"), child(child(d, "spec"), "images")} {
		entry := element(images, step{list: true, field: "name", key: l.Image, index: -1})
		if entry == nil {
			continue
		}
		name := text(child(entry, "newName"))
		if name == "" {
			name = l.Image
		}
		if tag := child(entry, "newTag"); tag != nil {
			v, err := finish(l, tag, name, marks)
			v.Digest = text(child(entry, "digest"))
			return v, err
		}
		return Value{}, unreadable(ErrNoVersion, l, "the image %s has no newTag", l.Image)
	}
	return Value{}, unreadable(ErrAbsent, l, "there is no image called %s", l.Image)
}

// helm reads image: {repository, tag}, image: repo:tag, or image beside tag.
func helm(n, parent *yaml.Node, l Location, marks []Mark) (Value, error) {
	n = resolved(n)
	if n.Kind == yaml.MappingNode {
		tag := child(n, "tag")
		if tag == nil {
			return Value{}, unreadable(ErrNoVersion, l, "%s has no tag", l.where())
		}
		return finish(l, tag, join(text(child(n, "registry")), text(child(n, "repository"))), marks)
	}
	if tag := child(parent, "tag"); tag != nil && !strings.ContainsAny(afterSlash(text(n)), ":@") {
		return finish(l, tag, join(text(child(parent, "registry")), text(n)), marks)
	}
	return finish(l, n, "", marks)
}

func join(registry, repository string) string {
	if registry == "" || repository == "" {
		return repository
	}
	return strings.TrimSuffix(registry, "/") + "/" + repository
}

func afterSlash(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

var (
	tagLike   = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}$`)
	variables = lazyregexp.New(`\$\{[^}]*\}|\$\([^)]*\)|\{\{`)
	policy    = lazyregexp.New(`\{\s*"\$imagepolicy"\s*:\s*"([^"]+)"\s*\}`)
)

// finish reads the scalar. image is what the file says beside it.
func finish(l Location, n *yaml.Node, image string, marks []Mark) (Value, error) {
	line := n.LineComment
	n = resolved(n)
	if n.Kind != yaml.ScalarNode {
		return Value{}, unreadable(ErrNoVersion, l, "%s is not a single value (line %d)", l.where(), n.Line)
	}
	v := Value{Raw: n.Value, Image: image, Line: n.Line, Automation: append([]Mark{}, marks...)}
	if line == "" {
		line = n.LineComment
	}
	if m := policy().FindStringSubmatch(line); m != nil {
		v.Automation = append(v.Automation, Mark{Text: line, Line: n.Line, Policy: m[1]})
	}
	raw := strings.TrimSpace(n.Value)
	switch {
	case strings.HasPrefix(raw, "ENC["):
		return Value{}, unreadable(ErrEncrypted, l, "%s is encrypted (line %d)", l.where(), n.Line)
	case variables().MatchString(raw):
		return Value{}, unreadable(ErrTemplated, l, "%s is a template, %q (line %d): what it becomes is written elsewhere", l.where(), raw, n.Line)
	}
	if rest, digest, ok := strings.Cut(raw, "@"); ok {
		raw, v.Digest = rest, digest
	}
	if name := afterSlash(raw); strings.ContainsAny(raw, "/:") {
		repo, tag, ok := strings.Cut(name, ":")
		if !ok {
			return Value{}, unreadable(ErrNoVersion, l, "the image %q has no tag (line %d)", n.Value, n.Line)
		}
		v.Image, raw = strings.TrimSuffix(raw, name)+repo, tag
	}
	if raw == "" || n.Tag == "!!null" {
		return Value{}, unreadable(ErrNoVersion, l, "%s is empty (line %d)", l.where(), n.Line)
	}
	if !tagLike().MatchString(raw) {
		return Value{}, unreadable(ErrNoVersion, l, "%q is a range or no version (line %d)", raw, n.Line)
	}
	v.Version = raw
	return v, nil
}

// annotationMarks are those of Flux v1 on the workload, and own switches.
func annotationMarks(d *yaml.Node) []Mark {
	out := []Mark{}
	notes := resolved(child(child(d, "metadata"), "annotations"))
	locked := false
	if notes != nil && notes.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(notes.Content); i += 2 {
			k, v := notes.Content[i], resolved(notes.Content[i+1])
			for _, prefix := range []string{"fluxcd.io/", "flux.weave.works/"} {
				switch {
				case k.Value == prefix+"automated" && v.Value == "true" && v.Tag == "!!str":
					out = append(out, Mark{Text: k.Value + `: "true"`, Line: k.Line})
				case k.Value == prefix+"locked" && v.Value == "true":
					locked = true
				}
			}
		}
	}
	if locked {
		out = []Mark{}
	}
	if n := child(d, "automatic_deploys_enabled"); text(n) == "true" {
		out = append(out, Mark{Text: "automatic_deploys_enabled: true", Line: n.Line})
	}
	return out
}
