package printer

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

func asYAML(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, writeYAML(&b, []byte(text)))
	return b.String()
}

// TestYAMLScalars: what a reader of YAML 1.1 would take for something else is
// quoted, numbers are the digits they were.
func TestYAMLScalars(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"plain text"`: `plain text`, `"it's 91% on registry-2"`: `it's 91% on registry-2`, `"日本語"`: `日本語`, `"a:b"`: `a:b`, `"a#b"`: `a#b`,
		`"no"`: `"no"`, `"No"`: `"No"`, `"y"`: `"y"`, `"on"`: `"on"`, `"OFF"`: `"OFF"`, `"true"`: `"true"`, `"Null"`: `"Null"`, `"~"`: `"~"`,
		`""`: `""`, `" a"`: `" a"`, `"a "`: `"a "`, `"a: b"`: `"a: b"`, `"a #b"`: `"a #b"`, `"a:"`: `"a:"`, `"- a"`: `"- a"`, `"=": 1`: `"="`,
		`"0123"`: `"0123"`, `"1e3"`: `"1e3"`, `"12:30:45"`: `"12:30:45"`, `"2026-01-10"`: `"2026-01-10"`, `"0x1F"`: `"0x1F"`, `".5"`: `".5"`,
		`"1_000"`: `"1_000"`, `".inf"`: `".inf"`, `"<<"`: `"<<"`, `"*a"`: `"*a"`, `"&a"`: `"&a"`, `"!a"`: `"!a"`, `"%a"`: `"%a"`, `"@a"`: `"@a"`,
		`"[a]"`: `"[a]"`, `"{a}"`: `"{a}"`, `"'a'"`: `"'a'"`, `"a\tb"`: `"a\tb"`, `"a\u202eb"`: `"a\u202eb"`, `"a\ufeff"`: `"a\uFEFF"`,
		`1760000000000`: `1760000000000`, `123456789012345678901234567890`: `123456789012345678901234567890`, `-1`: `-1`,
		`0.1`: `0.1`, `1e3`: `1.0e+3`, `1E-7`: `1.0e-7`, `1.5e+300`: `1.5e+300`, `true`: `true`, `null`: `null`, `[]`: `[]`, `{}`: `{}`,
	} {
		in, _, _ = strings.Cut(in, ": 1")
		assert.Equal(t, want+"\n", asYAML(t, in), "%s", in)
	}
}

func TestYAMLShapes(t *testing.T) {
	t.Parallel()
	assert.Equal(t, lines(`
		z:
		  - 1
		  - - a
		    - []
		a:
		  "no": {}
		text: |-
		  first line
		  second line
		ended: |
		  first line
		  second line
		ragged: " first\n\nsecond \n"
		long: "`+strings.Repeat("x: y ", 60)+`"
		`), asYAML(t, `{"z":[1,["a",[]]],"a":{"no":{}},"text":"first line\nsecond line","ended":"first line\nsecond line\n",
			"ragged":" first\n\nsecond \n","long":"`+strings.Repeat("x: y ", 60)+`"}`))
}

func TestYAMLRefusesCutJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `{`, `{"a"`, `[1,`, `{"a":tru`} {
		require.Error(t, writeYAML(&bytes.Buffer{}, []byte(text)), "%s", text)
	}
}

func FuzzYAML(f *testing.F) {
	for _, s := range []string{
		"no", "a: b", "a\nb", "a\n b\n", "\ta", "1e3", "\u202e\x7f\u0085", "日本語 🔥", "a\xffb", "- a", "? a", "\u2028", "\n", "\r\n", "'", `"`, "a\n\nb",
		strings.Repeat("k", 200), "---", "...", "a\n---\nb", "# c", "\U000e0041", "x\n# y", "=", "|", "a\nb ", "\ufeff",
	} {
		f.Add(s, s, int64(-5), 0.1)
		f.Add("key", s, int64(1)<<62, 1e300)
	}
	f.Fuzz(func(t *testing.T, key, value string, n int64, x float64) {
		if x-x != 0 || !utf8.ValidString(key) || !utf8.ValidString(value) {
			return
		}
		in := map[string]any{"s": map[string]any{key: value}, "l": []any{value, n, nil, true, []any{}}, "x": x}
		text, err := marshal(in)
		require.NoError(t, err)
		out := asYAML(t, string(text))
		assert.Equal(t, ios.VisibleBlock(out), out, "safe to show")

		var got struct {
			S map[string]string
			L []any
			X float64
		}
		require.NoError(t, yaml.Unmarshal([]byte(out), &got), "%s", out)
		assert.Equal(t, map[string]string{key: value}, got.S)
		require.Len(t, got.L, 5)
		assert.Equal(t, value, got.L[0], "%s", out)
		assert.EqualValues(t, n, got.L[1])
		assert.Nil(t, got.L[2])
		assert.Equal(t, true, got.L[3])
		assert.Empty(t, got.L[4])
		assert.InDelta(t, x, got.X, 0)
	})
}

// TestYAMLNumbersAreExact compares with what JSON said, digit by digit.
func TestYAMLNumbersAreExact(t *testing.T) {
	t.Parallel()
	var node yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(asYAML(t, `[9007199254740993,18446744073709551616,0.30000000000000004]`)), &node))
	var got []string
	for _, n := range node.Content[0].Content {
		got = append(got, n.Value)
	}
	assert.Equal(t, []string{"9007199254740993", "18446744073709551616", "0.30000000000000004"}, got)
	assert.True(t, json.Valid([]byte("["+strings.Join(got, ",")+"]")))
}
