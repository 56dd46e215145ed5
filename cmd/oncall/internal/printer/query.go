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

// compileQuery reads a --jq expression. A syntax error shows the place. each is nil
// for an expression that has to see a list as a whole.
func compileQuery(expr string) (code, each *gojq.Code, err error) {
	query, err := gojq.Parse(expr)
	if err == nil {
		code, err = gojq.Compile(query)
	}
	if err == nil {
		if one := perItem(query); one != nil {
			each, err = gojq.Compile(one)
		}
	}
	if err == nil {
		return code, each, nil
	}
	return nil, nil, apierr.New(apierr.ErrUsage, "", "--jq", "%s%s", ios.Visible(err.Error()), caret(expr, mistake(expr, err))).
		WithHint("the expression reads the JSON envelope: --jq '.items[]', --jq .item")
}

// perItem turns a query that begins with .items[] into the one that makes the same
// of each item: half a million points need not be in memory at once. nil is any
// other query.
func perItem(q *gojq.Query) *gojq.Query {
	one := *q
	switch t := q.Term; {
	case len(q.Patterns) > 0: // .items[] as $i | ...: what follows reads the whole
		return nil
	case q.Op == gojq.OpPipe:
		if one.Left = perItem(q.Left); one.Left == nil {
			return nil
		}
	case t != nil && t.Type == gojq.TermTypeIndex && t.Index.Name == "items" && len(t.SuffixList) > 0 && t.SuffixList[0].Iter:
		one.Term = &gojq.Term{Type: gojq.TermTypeIdentity, SuffixList: t.SuffixList[1:]}
	default:
		return nil
	}
	return &one
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
	_, err = p.run(w, p.query, input)
	return err
}

// projectEach prints what --jq makes of one item after the other.
func projectEach[T any](p *Printer, w io.Writer, items []T) error {
	for _, x := range items {
		text, err := marshal(x)
		if err != nil {
			return err
		}
		input, err := decode(text)
		if err != nil {
			return err
		}
		if halted, err := p.run(w, p.each, input); err != nil || halted {
			return err
		}
	}
	return nil
}

// decode reads JSON with its numbers exact.
func decode(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// run prints the results of a query: strings as they are, everything else as
// compact JSON, one a line. halted tells that the query wants no more input.
func (p *Printer) run(w io.Writer, query *gojq.Code, input any) (halted bool, err error) {
	var b bytes.Buffer
	results := query.Run(input)
	for {
		v, ok := results.Next()
		if !ok {
			break
		}
		if err, failed := v.(error); failed {
			var halt *gojq.HaltError
			if errors.As(err, &halt) && halt.Value() == nil {
				halted = true
				break
			}
			if _, werr := w.Write(b.Bytes()); werr != nil {
				return false, werr
			}
			return false, &apierr.Error{Op: "--jq", Message: ios.Visible(err.Error()), Err: err}
		}
		if s, isString := v.(string); isString {
			b.WriteString(p.shown(s))
		} else {
			text, err := gojq.Marshal(v)
			if err != nil {
				return false, fmt.Errorf("--jq: %w", err)
			}
			b.Write(escapeHidden(text))
		}
		b.WriteByte('\n')
		if b.Len() >= 32<<10 {
			if _, err := w.Write(b.Bytes()); err != nil {
				return false, err
			}
			b.Reset()
		}
	}
	_, err = w.Write(b.Bytes())
	return halted, err
}

// shown is a raw string on its way out: exact in a pipe, where a program reads
// it, and safe on a terminal.
func (p *Printer) shown(s string) string {
	if p.io.OutTTY {
		return ios.VisibleBlock(s)
	}
	return s
}
