package printer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
)

// compileQuery reads a --jq expression. A syntax error shows the place.
func compileQuery(expr string) (*gojq.Code, error) {
	query, err := gojq.Parse(expr)
	if err == nil {
		var code *gojq.Code
		if code, err = gojq.Compile(query); err == nil {
			return code, nil
		}
	}
	return nil, apierr.New(apierr.ErrUsage, "", "--jq", "%s%s", ios.Visible(err.Error()), caret(expr, mistake(expr, err))).
		WithHint("the expression reads the JSON envelope: --jq '.items[]', --jq .item")
}

// mistake is where in an expression an error lies, in bytes.
func mistake(expr string, err error) int {
	var parse *gojq.ParseError
	if errors.As(err, &parse) {
		return parse.Offset - len(parse.Token)
	}
	// The compiler names what it does not know, "function not defined: foo/0",
	// but not where.
	_, name, _ := strings.Cut(err.Error(), "not defined: ")
	name, _, _ = strings.Cut(name, "/")
	return max(0, strings.Index(expr, name))
}

// caret is the line of text at a byte offset, with a mark under the place.
func caret(text string, offset int) string {
	offset = max(0, min(offset, len(text)))
	begin := strings.LastIndexByte(text[:offset], '\n') + 1
	line, _, _ := strings.Cut(text[begin:], "\n")
	before := ios.Visible(text[begin:offset])
	return "\n  " + ios.Visible(line) + "\n  " + pad("", ios.TextWidth(before)) + "^"
}

// project prints what --jq or --template makes of a value.
func (p *Printer) project(w io.Writer, v any) error {
	text, err := marshal(v)
	if err != nil {
		return err
	}
	input, err := decode(text)
	if err != nil {
		return err
	}
	if p.template != nil {
		return p.execute(w, input)
	}
	return p.run(w, input)
}

// decode reads JSON with its numbers exact.
func decode(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// run prints the results of the query: strings as they are, everything else as
// compact JSON, one a line.
func (p *Printer) run(w io.Writer, input any) error {
	var b bytes.Buffer
	results := p.query.Run(input)
	for {
		v, ok := results.Next()
		if !ok {
			break
		}
		if err, failed := v.(error); failed {
			var halt *gojq.HaltError
			if errors.As(err, &halt) && halt.Value() == nil {
				break
			}
			if _, werr := w.Write(b.Bytes()); werr != nil {
				return werr
			}
			return &apierr.Error{Op: "--jq", Message: ios.Visible(err.Error()), Err: err}
		}
		if s, isString := v.(string); isString {
			b.WriteString(p.shown(s))
		} else {
			text, err := gojq.Marshal(v)
			if err != nil {
				return fmt.Errorf("--jq: %w", err)
			}
			b.Write(escapeHidden(text))
		}
		b.WriteByte('\n')
		if b.Len() >= 32<<10 {
			if _, err := w.Write(b.Bytes()); err != nil {
				return err
			}
			b.Reset()
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// shown is a raw string on its way out: exact in a pipe, where a program reads
// it, and safe on a terminal.
func (p *Printer) shown(s string) string {
	if p.io.OutTTY {
		return ios.VisibleBlock(s)
	}
	return s
}
