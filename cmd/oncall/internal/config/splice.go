package config

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Each splice function returns the lines of a file with one change made, or
// nil when the layout is not one it knows. Draft.apply judges the result, so a
// function here may guess.

// splice sets path below m.
func splice(m *yaml.Node, path []string, value *yaml.Node, lines []string) []string {
	if m == nil || m.Style&yaml.FlowStyle != 0 {
		return nil
	}
	i := index(m, path[0])
	if i < 0 {
		return insert(lines, lastLine(m), indent(m), nested(path, value))
	}
	old := m.Content[i+1]
	if len(path) > 1 {
		return splice(old, path[1:], value, lines)
	}
	text := render(value)
	if old.Line == 0 || old.Line > len(lines) || strings.Contains(text, "\n") {
		return nil
	}
	line := []rune(strings.TrimRight(lines[old.Line-1], "\r\n"))
	if old.Column < 1 || old.Column > len(line)+1 {
		return nil
	}
	head, rest := string(line[:old.Column-1]), string(line[old.Column-1:])
	tail := ""
	if old.LineComment != "" {
		if start := strings.LastIndex(rest, old.LineComment); start >= 0 {
			kept := strings.TrimRight(rest[:start], " \t")
			tail = rest[len(kept):]
		}
	}
	out := slices.Clone(lines)
	out[old.Line-1] = head + text + tail + "\n"
	return out
}

// spliceOut removes path below m, and the mapping it was the last key of.
func spliceOut(m *yaml.Node, path []string, lines []string) []string {
	i := index(m, path[0])
	if i < 0 {
		return lines
	}
	key, value := m.Content[i], m.Content[i+1]
	if len(path) > 1 {
		j := index(value, path[1])
		if j < 0 {
			return lines
		}
		if len(value.Content) > 2 {
			key, value = value.Content[j], value.Content[j+1]
		}
	}
	from, to := key.Line-1, lastLine(value)
	if from < 0 || to > len(lines) || to <= from {
		return nil
	}
	return slices.Concat(lines[:from], lines[to:])
}

// spliceItem appends an item to the list of contexts.
func spliceItem(root *yaml.Node, lines []string, item *yaml.Node) []string {
	list := valueOf(root, "contexts")
	text := "- " + strings.ReplaceAll(render(item), "\n", "\n  ")
	if list == nil {
		return insert(lines, len(lines), 0, "contexts:\n  "+strings.ReplaceAll(text, "\n", "\n  "))
	}
	if list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle != 0 {
		return nil
	}
	return insert(lines, lastLine(list), list.Column-1, text)
}

// insert puts text, of one or more lines, after a line of the file.
func insert(lines []string, after, depth int, text string) []string {
	if after < 0 || after > len(lines) || depth < 0 {
		return nil
	}
	var fresh []string
	for _, l := range strings.Split(text, "\n") {
		fresh = append(fresh, strings.Repeat(" ", depth)+l+"\n")
	}
	return slices.Concat(lines[:after], fresh, lines[after:])
}

// nested is path with its value as block YAML.
func nested(path []string, value *yaml.Node) string {
	m := &yaml.Node{Kind: yaml.MappingNode}
	put(m, path, value)
	return render(m)
}

// render is a node's YAML without the line end; "" when it cannot be written.
func render(n *yaml.Node) string {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return ""
	}
	return strings.TrimRight(out.String(), "\n")
}

// indent is the column, from 0, at which the keys of m stand.
func indent(m *yaml.Node) int {
	if len(m.Content) == 0 {
		return 0
	}
	return m.Content[0].Column - 1
}

// lastLine is the line, from 1, on which n ends, as far as the tree tells.
func lastLine(n *yaml.Node) int {
	last := n.Line
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		last += strings.Count(strings.TrimRight(n.Value, "\n"), "\n") + 1
	}
	if n.Kind != yaml.AliasNode {
		for _, c := range n.Content {
			last = max(last, lastLine(c))
		}
	}
	return last
}

// same reports whether two trees mean the same, whatever their layout.
func same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.ShortTag() != b.ShortTag() || a.Value != b.Value || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind == yaml.AliasNode {
		return true // the name is the value
	}
	for i := range a.Content {
		if !same(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// comments lists every comment below n, sorted.
func comments(n *yaml.Node) []string {
	var out []string
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		for _, c := range []string{n.HeadComment, n.LineComment, n.FootComment} {
			if c != "" {
				out = append(out, strings.Split(c, "\n")...)
			}
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(n)
	slices.Sort(out)
	return out
}
