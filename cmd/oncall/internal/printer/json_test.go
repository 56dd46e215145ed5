package printer

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

type embedded struct {
	Inner []string `json:"inner"`
}

type tree struct {
	Name     string         `json:"name"`
	Children []tree         `json:"children"`
	Parent   *tree          `json:"parent"`
	Labels   map[string]any `json:"labels"`
	Fixed    [1][]int       `json:"fixed"`
	Any      any            `json:"any"`
	At       time.Time      `json:"at"`
	Ended    *time.Time     `json:"ended,omitempty"`
	Gone     []string       `json:"gone,omitempty"`
	Zero     []string       `json:"zero,omitzero"`
	Hidden   []string       `json:"-"`
	Raw      []byte         `json:"raw"`
	embedded
	private []string
}

func TestListsAreNeverNull(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 10, 3, 18, 30, 0, time.FixedZone("EET", 2*3600))
	v := tree{
		Children: []tree{{Name: "child"}},
		Parent:   &tree{},
		Labels:   map[string]any{"list": []string(nil), "nil": nil},
		Any:      []tree(nil),
		At:       at,
		Ended:    &at,
		private:  []string{"kept"},
	}
	text, err := marshal([]tree{v})
	require.NoError(t, err)
	child := func(name string) string {
		return `{"name":"` + name + `","children":[],"parent":null,"labels":{},"fixed":[[]],"any":null,"at":"0001-01-01T00:00:00Z","raw":"","inner":[]}`
	}
	assert.JSONEq(t, `[{"name":"","children":[`+child("child")+`],"parent":`+child("")+`,"labels":{"list":[],"nil":null},"fixed":[[]],
		"any":[],"at":"2026-01-10T01:18:30Z","ended":"2026-01-10T01:18:30Z","raw":"","inner":[]}]`, string(text))

	assert.Nil(t, v.Children[0].Children, "the value itself is not touched")
	assert.Nil(t, v.Parent.Labels)
	assert.Equal(t, at, *v.Ended)
	assert.Nil(t, v.Labels["list"])
}

func TestCompleteLeavesOwnMarshalersAlone(t *testing.T) {
	t.Parallel()
	text, err := marshal(map[string]any{"raw": json.RawMessage(`{"a":null}`), "n": json.Number("12345678901234567890"), "none": nil})
	require.NoError(t, err)
	assert.JSONEq(t, `{"n":12345678901234567890,"none":null,"raw":{"a":null}}`, string(text))
	assert.Contains(t, string(text), "12345678901234567890", "digit by digit")
	text, err = marshal(nil)
	require.NoError(t, err)
	assert.Equal(t, "null", string(text))
}

func TestCompleteEndsInACycle(t *testing.T) {
	t.Parallel()
	v := &tree{}
	v.Parent = v
	_, err := marshal(v)
	require.ErrorContains(t, err, "cycle")
}

func TestMarshalTellsWhatFailed(t *testing.T) {
	t.Parallel()
	_, err := marshal(math.NaN())
	require.EqualError(t, err, "printing the result as JSON: json: unsupported value: NaN")
}

func TestMarshalKeepsHTML(t *testing.T) {
	t.Parallel()
	text, err := marshal("<a href='x'>&</a>")
	require.NoError(t, err)
	assert.Equal(t, `"<a href='x'>&</a>"`, string(text))
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{"plain", "\u202e", "\U000e0041\u009b\x7f", "日本語 🔥", "a\xffb", `\u202e`, "\\\u202e", "\"\u200b\""} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		text, err := marshal(map[string]string{key: value})
		require.NoError(t, err)
		escaped := escapeHidden(text)
		assert.Equal(t, ios.VisibleBlock(string(escaped)), string(escaped), "safe to show")
		var before, after map[string]string
		require.NoError(t, json.Unmarshal(text, &before))
		require.NoError(t, json.Unmarshal(escaped, &after))
		assert.Equal(t, before, after, "the same value")
	})
}

// TestJSONLinesSplitNowhere: one item is one line whatever is in it.
func TestJSONLinesSplitNowhere(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{Format: "jsonl"})
	require.NoError(t, List(x.p, Table[string]{Kind: "Line"}, []string{"a\nb\u2028c\r", "d"}, Meta{}))
	assert.Equal(t, "\"a\\nb\\u2028c\\r\"\n\"d\"\n", x.out.String())
}

// Only what could harm is escaped: other people's letters stay readable.
func TestJSONKeepsLetters(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"Zürich 東京 🚒"`:        `"Zürich 東京 🚒"`,
		"\"a\u202eb\x7fc\"":    `"a\u202eb\u007fc"`,
		"\"tag \U000e0041\"":   `"tag \udb40\udc41"`,
		"\"\u0085\u2028 end\"": `"\u0085\u2028 end"`,
	} {
		assert.Equal(t, want, string(escapeHidden([]byte(in))))
	}
}
