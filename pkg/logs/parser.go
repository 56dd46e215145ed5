package logs

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// Parser finds fields in a line, on the server by its stage of a pipeline and
// here by Fields. They agree on names: nested ones are joined by "_".
type Parser struct {
	kind string
	arg  string
	re   *regexp.Regexp
}

// ParseParser reads json, logfmt, "pattern <ip> - <path> <_>" or "regexp (?P<path>...)".
func ParseParser(text string) (Parser, error) {
	kind, arg, _ := strings.Cut(strings.TrimSpace(text), " ")
	p := Parser{kind: kind, arg: strings.TrimSpace(arg)}
	bad := func(format string, args ...any) (Parser, error) {
		return Parser{}, apierr.New(apierr.ErrUsage, "", "parser "+strconv.Quote(text), format, args...)
	}
	switch kind {
	case "json", "logfmt":
		if p.arg != "" {
			return bad("%s takes nothing behind it", kind)
		}
	case "pattern":
		re, err := patternRegexp(p.arg)
		if err != nil {
			return bad("%v", err)
		}
		p.re = re
	case "regexp":
		re, err := regexp.Compile(p.arg)
		if err != nil {
			return bad("%v", err)
		}
		if strings.Join(re.SubexpNames(), "") == "" {
			return bad("it names no group: (?P<path>...)")
		}
		p.re = re
	default:
		return bad("it is json, logfmt, pattern PATTERN or regexp REGEXP")
	}
	return p, nil
}

// placeholder is a part of a pattern that becomes a field: "<ip>".
var placeholder = lazyregexp.New(`<([a-zA-Z_][a-zA-Z0-9_]*)>`)

// patternRegexp turns "<ip> - <_>" into a regular expression.
func patternRegexp(pattern string) (*regexp.Regexp, error) {
	parts := placeholder().FindAllStringSubmatchIndex(pattern, -1)
	var b strings.Builder
	b.WriteString("(?s)^")
	last, named := 0, false
	for i, m := range parts {
		if i > 0 && m[0] == last {
			return nil, fmt.Errorf("two fields stand side by side at %s", pattern[m[0]:m[1]])
		}
		b.WriteString(regexp.QuoteMeta(pattern[last:m[0]]))
		name := pattern[m[2]:m[3]]
		open := "(?P<" + name + ">"
		if name == "_" {
			open = "(?:"
		} else {
			named = true
		}
		if i == len(parts)-1 && m[1] == len(pattern) {
			b.WriteString(open + ".*)")
		} else {
			b.WriteString(open + ".*?)")
		}
		last = m[1]
	}
	if !named {
		return nil, fmt.Errorf("it names no field: <path>")
	}
	b.WriteString(regexp.QuoteMeta(pattern[last:]))
	return regexp.Compile(b.String())
}

// IsZero reports whether there is no parser.
func (p Parser) IsZero() bool { return p.kind == "" }

// Stage is the parser in LogQL: ` | logfmt | __error__=""`. The filter keeps a
// line that is not of the form from failing a whole metric query.
func (p Parser) Stage() string {
	switch p.kind {
	case "":
		return ""
	case "json", "logfmt":
		return " | " + p.kind + ` | __error__=""`
	}
	return " | " + p.kind + " " + strconv.Quote(p.arg)
}

// Fields finds the fields of a line here.
func (p Parser) Fields(line string) map[string]string {
	switch p.kind {
	case "json":
		return jsonFields(line)
	case "logfmt":
		return logfmtFields(line)
	case "":
		return nil
	}
	m := p.re.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	out := map[string]string{}
	for i, name := range p.re.SubexpNames() {
		if name != "" {
			out[name] = m[i]
		}
	}
	return out
}

func jsonFields(line string) map[string]string {
	var v map[string]any
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	out := map[string]string{}
	flatten(out, "", v)
	return out
}

func flatten(out map[string]string, prefix string, v map[string]any) {
	for k, x := range v {
		name := prefix + fieldName(k)
		switch x := x.(type) {
		case map[string]any:
			flatten(out, name+"_", x)
		case []any, nil:
		default:
			out[name] = fmt.Sprint(x)
		}
	}
}

func fieldName(k string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, k)
}

var logfmtPair = lazyregexp.New(`([^\s="]+)=("(?:[^"\\]|\\.)*"|\S*)`)

func logfmtFields(line string) map[string]string {
	out := map[string]string{}
	for _, m := range logfmtPair().FindAllStringSubmatch(line, -1) {
		v := m[2]
		if text, err := strconv.Unquote(v); err == nil && strings.HasPrefix(v, `"`) {
			v = text
		}
		if v != "" {
			out[fieldName(m[1])] = v
		}
	}
	return out
}

// merged is what is known of a line's fields: labels, metadata, what the server
// parsed, and what is found here.
func merged(labels ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, l := range labels {
		maps.Copy(out, l)
	}
	return out
}
