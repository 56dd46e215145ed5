package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
)

func TestSplitLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"":                     {},
		" a  b ":               {"a", "b"},
		`a 'b c' "d 'e'"`:      {"a", "b c", "d 'e'"},
		`a ''`:                 {"a", ""},
		`--to='user: x'y z`:    {"--to=user: xy", "z"},
		"note 4127 'it''s so'": {"note", "4127", "its so"},
	} {
		got, err := cli.SplitLine(line)
		require.NoError(t, err)
		assert.Equal(t, want, got, line)
	}
	_, err := cli.SplitLine(`a 'b`)
	require.Error(t, err)
}

func FuzzSplitLine(f *testing.F) {
	f.Add(`incident note 4127 'two words' --x="y z"`)
	f.Add(`''`)
	f.Add("a\t\n'")
	f.Fuzz(func(t *testing.T, line string) {
		words, err := cli.SplitLine(line)
		if err != nil {
			return
		}
		again, err := cli.SplitLine("'x' " + line)
		require.NoError(t, err)
		assert.Equal(t, append([]string{"x"}, words...), again)
	})
}
