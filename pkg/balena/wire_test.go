package balena

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRefTakesEveryFormOfALink(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Ref{
		`null`: {}, `[]`: {}, `{"__id":777}`: {ID: 777}, `777`: {ID: 777},
		`{"__deferred":{"uri":"/x"},"__id":777}`: {ID: 777},
		`[{"id":777}]`:                           {ID: 777},
		` [ {"id":777,"commit":"91165e5c","raw_version":"4.2.0","x":1} ]`: {777, "91165e5c", "4.2.0"},
	} {
		var r Ref
		require.NoError(t, json.Unmarshal([]byte(text), &r), text)
		assert.Equal(t, want, r, text)
	}
	for _, text := range []string{`"777"`, `{}`, `{"id":777}`, `[{"id":0}]`, `[{}]`, `[{"id":1},{"id":2}]`, `true`, `1.5`, `{"__id":0}`, `[7]`} {
		r := Ref{ID: 1}
		require.Error(t, json.Unmarshal([]byte(text), &r), text)
	}
	for want, r := range map[string]Ref{"no release": {}, "4.2.0": {1, "91165e5c", "4.2.0"}, "91165e5": {1, "91165e5c", ""}, "release 7": {ID: 7}, "91": {1, "91", ""}} {
		assert.Equal(t, want, r.String())
	}
}

func TestAuthorMayBeMissing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Author{`null`: "", `[]`: "", `{"__id":7}`: "", `[{"username":"user1"}]`: "user1"} {
		a := Author("before")
		require.NoError(t, json.Unmarshal([]byte(text), &a), text)
		assert.Equal(t, want, a, text)
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	var v Time
	require.NoError(t, json.Unmarshal([]byte(`"2026-03-04T05:18:00.123+02:00"`), &v))
	assert.Equal(t, time.Date(2026, 3, 4, 3, 18, 0, 123e6, time.UTC), v.Time)
	for _, text := range []string{"null", `""`} {
		require.NoError(t, json.Unmarshal([]byte(text), &v))
		assert.True(t, v.IsZero())
	}
	for _, text := range []string{`1700000000000`, `"yesterday"`, `{}`} {
		require.Error(t, json.Unmarshal([]byte(text), &v), text)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                    `''`,
		"acme/api":            `'acme%2Fapi'`,
		"it's":                `'it''s'`,
		"4.2.0+rev1":          `'4.2.0%2Brev1'`,
		"a' or 1 eq 1 or 'b":  `'a''%20or%201%20eq%201%20or%20''b'`,
		"x&$filter=true#(),%": `'x%26%24filter%3Dtrue%23%28%29%2C%25'`,
		"é\n":                 `'%C3%A9%0A'`,
	} {
		assert.Equal(t, want, quote(text))
	}
}

func TestRawKeepsStructure(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "$select=id,slug&$expand=a($select=b,c)&$filter=a/any(x:1%20eq%201)&$orderby=id%20desc&$top=3",
		query{fields: "id,slug", expand: "a($select=b,c)", filter: "a/any(x:1 eq 1)", order: "id desc", top: 3}.raw())
	assert.Empty(t, query{}.raw())
}

// FuzzQuote holds that a quoted text is one literal, whatever is in it: no sign
// of it ends the quotation or the option, and it decodes to what it was.
func FuzzQuote(f *testing.F) {
	f.Add("a' or 1 eq 1 or 'b")
	f.Add("100% &$top=0")
	f.Add("''''")
	f.Fuzz(func(t *testing.T, text string) {
		q := quote(text)
		require.True(t, strings.HasPrefix(q, "'") && strings.HasSuffix(q, "'") && len(q) >= 2)
		inner := q[1 : len(q)-1]
		assert.NotContains(t, strings.ReplaceAll(inner, "''", ""), "'")
		assert.NotContains(t, inner, "&")
		assert.NotContains(t, inner, "+")
		back, err := url.PathUnescape(strings.ReplaceAll(inner, "''", "'"))
		require.NoError(t, err)
		assert.Equal(t, text, back)
	})
}

func FuzzLink(f *testing.F) {
	f.Add([]byte(`{"__id":777}`))
	f.Add([]byte(`[{"id":777,"raw_version":"4.2.0"}]`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Ref{ID: 1, Commit: "old"}
		if json.Unmarshal(b, &r) == nil {
			assert.GreaterOrEqual(t, r.ID, int64(0))
			assert.NotEmpty(t, r.String())
			if r.ID == 0 {
				assert.Equal(t, Ref{}, r)
			}
		}
	})
}
