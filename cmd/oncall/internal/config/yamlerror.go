package config

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

var (
	yamlLine    = lazyregexp.New(`^yaml: line (\d+): (.*)`)
	yamlAnchor  = lazyregexp.New(`unknown anchor '(.*)' referenced`)
	fromGrammar = lazyregexp.New(`^did not find expected (node content|key|'-' indicator|',' or|<)`)
)

// yamlError keeps the parser's reason with the right line: the parser counts
// from 0 for errors of its grammar, and names no line for some others. The one
// reason that quotes the file is replaced, as what it quotes may be an
// unquoted password.
func yamlError(path string, data []byte, err error) error {
	line, reason := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine().FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
		reason = m[2]
		if fromGrammar().MatchString(reason) {
			line++
		}
	}
	switch m := yamlAnchor().FindStringSubmatch(reason); {
	case m != nil:
		line, reason = lineOf(data, func(l []byte) bool { return bytes.Contains(l, []byte("*"+m[1])) }), "a value that starts with * needs quotes"
	case strings.Contains(reason, "control characters"):
		line = lineOf(data, func(l []byte) bool {
			return bytes.ContainsFunc(l, func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' })
		})
	case strings.Contains(reason, "UTF-8"):
		line, reason = lineOf(data, func(l []byte) bool { return !utf8.Valid(l) }), "the text is not UTF-8"
	}
	// The end of the text counts as a line of its own to the parser.
	line = min(line, max(1, bytes.Count(bytes.TrimRight(data, "\n"), []byte("\n"))+1))
	return usage("%s: not valid YAML: %s", at(path, line), reason)
}

// lineOf is the first line that fits, 1 when none does.
func lineOf(data []byte, fits func([]byte) bool) int {
	for i, l := range bytes.Split(data, []byte("\n")) {
		if fits(l) {
			return i + 1
		}
	}
	return 1
}
