package datasource_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/balena-io/oncall/pkg/datasource"
)

func TestCaret(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query        string
		line, column int
		want         string
	}{
		{"up{", 1, 4, "up{\n   ^"},
		{"a\n\tb + )", 2, 6, "\tb + )\n\t    ^"},
		{"ü +", 1, 4, "ü +\n  ^"},
		{"up", 1, 99, "up\n  ^"},
		{"up", 3, 1, ""},
		{"up", 1, 0, ""},
	} {
		assert.Equal(t, c.want, (&datasource.QueryError{Query: c.query, Line: c.line, Column: c.column}).Caret())
	}
}
