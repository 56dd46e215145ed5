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

// chunk is how much JSON of a list is held before it is written: an ordinary
// list is all there or not printed, half a million points are not held twice.
const chunk = 1 << 20

// listJSON prints a list's envelope item by item, as envelope would.
func listJSON[T any](w io.Writer, kind string, items []T, meta Meta) error {
	rest, err := marshal(struct {
		header
		Meta Meta `json:"meta"`
	}{header{APIVersion, kindOf(kind) + "List"}, meta})
	if err != nil {
		return err
	}
	// The items stand between the header and meta.
	at := bytes.LastIndex(rest, []byte(`,"meta":`))
	if at < 0 || len(items) == 0 {
		return (&Printer{format: FormatJSON}).envelope(w, listEnvelope(kind, items, meta))
	}
	var head, tail, b bytes.Buffer
	if err := json.Indent(&head, append(rest[:at:at], '}'), "", "  "); err != nil {
		return err
	}
	if err := json.Indent(&tail, append([]byte("{"), rest[at+1:]...), "", "  "); err != nil {
		return err
	}
	b.Write(bytes.TrimSuffix(head.Bytes(), []byte("\n}")))
	b.WriteString(",\n  \"items\": [\n    ")
	for i, x := range items {
		if i > 0 {
			b.WriteString(",\n    ")
		}
		text, err := marshal(x)
		if err != nil {
			return err
		}
		if err := json.Indent(&b, text, "    ", "  "); err != nil {
			return err
		}
		if b.Len() < chunk {
			continue
		}
		if _, err := w.Write(escapeHidden(b.Bytes())); err != nil {
			return err
		}
		b.Reset()
	}
	b.WriteString("\n  ],")
	b.Write(bytes.TrimPrefix(tail.Bytes(), []byte("{")))
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
		if b.Len() < chunk {
			continue
		}
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
		b.Reset()
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
