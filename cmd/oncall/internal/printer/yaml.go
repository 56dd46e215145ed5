package printer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

// writeYAML prints a JSON text as one YAML document. It goes over yaml.Node
// and not over Go values, so that numbers stay as they are written and fields
// keep their order.
func writeYAML(w io.Writer, text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	node, err := yamlNode(dec)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(node); err != nil {
		return fmt.Errorf("printing the result as YAML: %w", err)
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("printing the result as YAML: %w", err)
	}
	_, err = w.Write(escapeHiddenYAML(b.Bytes()))
	return err
}

func yamlNode(dec *json.Decoder) (*yaml.Node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch x := token.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		if x == '{' {
			n.Kind = yaml.MappingNode
		}
		for dec.More() {
			c, err := yamlNode(dec)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, c)
		}
		_, err := dec.Token()
		return n, err
	case string:
		return yamlString(x), nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: yamlNumber(x.String())}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(x)}, nil
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: "null"}, nil
	}
	return nil, errors.New("a JSON token of unknown type")
}

// yamlString chooses the style of a string: bare only when no reader, of YAML
// 1.1 or 1.2, could take it for something else; several lines as a block.
func yamlString(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}
	switch {
	case bare(s):
		n.Style = 0
	case blockable(s):
		n.Style = yaml.LiteralStyle
	}
	return n
}

// notBare are the words a YAML 1.1 or 1.2 reader takes for a boolean or null.
var notBare = map[string]bool{
	"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true,
	"true": true, "false": true, "null": true,
}

func bare(s string) bool {
	if s == "" || notBare[strings.ToLower(s)] {
		return false
	}
	if strings.HasSuffix(s, " ") || strings.HasSuffix(s, ":") ||
		strings.Contains(s, ": ") || strings.Contains(s, " #") || !utf8.ValidString(s) {
		return false
	}
	for i, r := range s {
		switch {
		case unicode.IsLetter(r) && !ios.Hidden(r):
		case i == 0:
			return false
		case r >= '0' && r <= '9', strings.ContainsRune(" -_./:@#+()%,<>=;?&'", r):
		default:
			return false
		}
	}
	return true
}

// blockable tells whether a string reads best as a literal block and survives
// it: several lines, each of visible text without blanks at its ends.
func blockable(s string) bool {
	if !strings.Contains(s, "\n") || ios.VisibleBlock(s) != s || strings.ContainsRune(s, '\t') {
		return false
	}
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.TrimSpace(line) != line {
			return false
		}
	}
	return true
}

// yamlNumber writes the exponent of a JSON number as YAML 1.1 wants it: with a
// dot before it and a sign in it, or the reader takes the number for a string.
func yamlNumber(s string) string {
	mantissa, exponent, ok := strings.Cut(strings.ToLower(s), "e")
	if !ok {
		return s
	}
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if exponent[0] != '-' && exponent[0] != '+' {
		exponent = "+" + exponent
	}
	return mantissa + "e" + exponent
}

// escapeHiddenYAML writes harmful characters as escapes. A string that has one
// is double-quoted (see bare and blockable), where the escape means the same.
func escapeHiddenYAML(text []byte) []byte {
	if bytes.IndexFunc(text, func(r rune) bool { return r >= 0x7f && ios.Hidden(r) }) < 0 {
		return text
	}
	var out []byte
	for _, r := range string(text) {
		switch {
		case r < 0x7f || !ios.Hidden(r):
			out = utf8.AppendRune(out, r)
		case r <= 0xffff:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = fmt.Appendf(out, `\U%08x`, r)
		}
	}
	return out
}
