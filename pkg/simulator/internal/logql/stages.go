package logql

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

type alternative struct {
	text string
	re   *regexp.Regexp
}

// lineFilter keeps lines that hold any of its texts; with "!" those that hold none.
type lineFilter struct {
	op  string
	any []alternative
}

func (f lineFilter) run(w *work) bool {
	found := false
	for _, a := range f.any {
		if a.re != nil {
			found = found || a.re.MatchString(w.line.Text)
		} else {
			found = found || strings.Contains(w.line.Text, a.text)
		}
	}
	return found == strings.HasPrefix(f.op, "|")
}

// parserStage is json or logfmt. A line that is not of its form stays, with
// __error__ set.
type parserStage string

func (s parserStage) run(w *work) bool {
	if s == "json" {
		var v map[string]any
		d := json.NewDecoder(strings.NewReader(w.line.Text))
		d.UseNumber()
		if d.Decode(&v) != nil {
			w.failed = "JSONParserErr"
			return true
		}
		flatten(w, "", v)
		return true
	}
	for k, v := range Logfmt(w.line.Text) {
		w.set(k, v)
	}
	return true
}

// flatten joins nested names with "_"; lists are left out, as Loki does.
func flatten(w *work, prefix string, v map[string]any) {
	for k, x := range v {
		name := prefix + sanitise(k)
		switch x := x.(type) {
		case map[string]any:
			flatten(w, name+"_", x)
		case []any, nil:
		case string:
			w.set(name, x)
		case bool:
			w.set(name, strconv.FormatBool(x))
		default:
			w.set(name, fmt.Sprint(x))
		}
	}
}

func sanitise(k string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, k)
}

// Logfmt reads key=value pairs; values may be quoted, keys without a value are
// left out.
func Logfmt(line string) func(yield func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for line != "" {
			line = strings.TrimLeft(line, " \t")
			end := strings.IndexAny(line, "= ")
			if end < 0 {
				return
			}
			name := line[:end]
			if line[end] == ' ' {
				line = line[end:]
				continue
			}
			line = line[end+1:]
			var value string
			if strings.HasPrefix(line, `"`) {
				text, n, ok := quoted(line)
				if !ok {
					return
				}
				value, line = text, line[n:]
			} else {
				value, line, _ = strings.Cut(line, " ")
			}
			if name = sanitise(name); name != "" && value != "" && !yield(name, value) {
				return
			}
		}
	}
}
