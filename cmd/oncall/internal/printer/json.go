package printer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

// header are the fields every envelope begins with.
type header struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

type listOf[T any] struct {
	header
	Items []T  `json:"items"`
	Meta  Meta `json:"meta"`
}

type itemOf[T any] struct {
	header
	Item T    `json:"item"`
	Meta Meta `json:"meta"`
}

func listEnvelope[T any](kind string, items []T, meta Meta) any {
	return listOf[T]{header{APIVersion, kindOf(kind) + "List"}, items, meta}
}

func itemEnvelope[T any](kind string, item T, meta Meta) any {
	return itemOf[T]{header{APIVersion, kindOf(kind)}, item, meta}
}

// envelope prints an envelope as JSON or YAML.
func (p *Printer) envelope(w io.Writer, v any) error {
	text, err := marshal(v)
	if err != nil {
		return err
	}
	if p.format == FormatYAML {
		return writeYAML(w, text)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err = w.Write(escapeHidden(b.Bytes()))
	return err
}

// writeLines prints one item a line.
func writeLines[T any](w io.Writer, items []T) error {
	var b bytes.Buffer
	for _, x := range items {
		text, err := marshal(x)
		if err != nil {
			return err
		}
		b.Write(escapeHidden(text))
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return err
}

// marshal is v as compact JSON: lists and maps never null, times in UTC, no
// HTML escapes.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(complete(v)); err != nil {
		return nil, fmt.Errorf("printing the result as JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// escapeHidden writes the characters in JSON text that could harm a terminal
// as \u escapes. They can only stand inside strings, so the value is the same.
func escapeHidden(text []byte) []byte {
	var out []byte
	from := 0
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text[i:])
		}
		if r >= 0x7f && ios.Hidden(r) {
			out = append(out, text[from:i]...)
			if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
				out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
			from = i + n
		}
		i += n
	}
	if from == 0 {
		return text
	}
	return append(out, text[from:]...)
}
