package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/balena-io/oncall/pkg/secret"
)

const text = "t0p-s3cret"

// holder has secrets where fmt may and may not call their methods.
type holder struct {
	Public  secret.String `json:"public" yaml:"public"`
	private secret.String
	inner   struct{ deep secret.String }
	list    []secret.String
	byName  map[string]secret.String
	pointer *secret.String
}

func newHolder() holder {
	s := secret.New(text)
	h := holder{Public: s, private: s, list: []secret.String{s}, byName: map[string]secret.String{"k": s}, pointer: &s}
	h.inner.deep = s
	return h
}

func TestNoFormatShowsASecret(t *testing.T) {
	t.Parallel()
	s := secret.New(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10s", "%-5.2s", "%T %v"} {
		for _, v := range []any{s, &s, newHolder(), fmt.Errorf("bad key %v: %w", s, errors.New("x")), []any{s}} {
			got := fmt.Sprintf(verb, v, v)
			assert.NotContains(t, got, text, verb)
			assert.NotContains(t, got, fmt.Sprintf("%x", text), verb)
			assert.NotContains(t, got, "t0", verb)
		}
	}
	assert.Equal(t, "***", s.String())
	assert.Equal(t, "secret.String(***)", s.GoString())
	assert.Equal(t, "***", fmt.Sprintf("%v", s))
	assert.Empty(t, fmt.Sprint(secret.String{}), "no secret shows as nothing")
	assert.Empty(t, fmt.Sprint(secret.New("")))
}

func TestNoEncoderShowsASecret(t *testing.T) {
	t.Parallel()
	j, err := json.Marshal(newHolder())
	require.NoError(t, err)
	assert.JSONEq(t, `{"public":"***"}`, string(j))
	y, err := yaml.Marshal(newHolder())
	require.NoError(t, err)
	assert.Equal(t, "public: '***'\n", string(y))
	x, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"a"`
		B       secret.String
		C       secret.String `xml:",attr"`
	}{B: secret.New(text), C: secret.New(text)})
	require.NoError(t, err)
	assert.Equal(t, `<a C="***"><B>***</B></a>`, string(x))
	keys, err := json.Marshal(map[secret.String]int{secret.New(text): 1})
	require.NoError(t, err)
	assert.JSONEq(t, `{"***":1}`, string(keys))
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("key", "a", secret.New(text), "b", newHolder())
	}
	assert.NotContains(t, log.String(), text)
	assert.Contains(t, log.String(), "***")
}

func TestSecretComesOutOfAnAnswer(t *testing.T) {
	t.Parallel()
	var h holder
	require.NoError(t, json.Unmarshal([]byte(`{"public":"t0p-s3cret"}`), &h))
	assert.Equal(t, text, h.Public.Reveal())
	require.NoError(t, yaml.Unmarshal([]byte(`public: other`), &h))
	assert.Equal(t, "other", h.Public.Reveal())
}

func TestZeroAndEqual(t *testing.T) {
	t.Parallel()
	assert.True(t, secret.String{}.IsZero())
	assert.True(t, secret.New("").IsZero())
	assert.False(t, secret.New("x").IsZero())
	assert.Empty(t, secret.String{}.Reveal())
	assert.True(t, secret.New("x").Equal(secret.New("x")))
	assert.True(t, secret.String{}.Equal(secret.New("")))
	assert.False(t, secret.New("x").Equal(secret.New("y")))
}

func TestMaskerFindsEveryForm(t *testing.T) {
	t.Parallel()
	const key = "k3y /+&=\"<é>\\%@:end\t"
	var m secret.Masker
	m.Add(secret.New(key))
	asJSON, err := json.Marshal(key)
	require.NoError(t, err)
	var raw bytes.Buffer
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false)
	require.NoError(t, e.Encode(key))
	for name, form := range map[string]string{
		"as it is":         key,
		"trimmed":          strings.TrimSpace(key),
		"path":             url.PathEscape(key),
		"path, lower case": strings.ReplaceAll(strings.ReplaceAll(url.PathEscape(key), "%2F", "%2f"), "%C3%A9", "%c3%a9"),
		"query":            url.QueryEscape(key),
		"query with %20":   strings.ReplaceAll(url.QueryEscape(key), "+", "%20"),
		"JSON":             strings.TrimSuffix(strings.TrimPrefix(string(asJSON), `"`), `"`),
		"JSON, raw <>&":    strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(raw.String()), `"`), `"`),
		"Go":               strings.TrimSuffix(strings.TrimPrefix(strconv.Quote(key), `"`), `"`),
		"HTML":             html.EscapeString(key),
		"base64":           base64.StdEncoding.EncodeToString([]byte(key)),
		"base64, unpadded": base64.RawStdEncoding.EncodeToString([]byte(key)),
		"base64 of URLs":   base64.URLEncoding.EncodeToString([]byte(key)),
		"the same, raw":    base64.RawURLEncoding.EncodeToString([]byte(key)),
	} {
		if name == "path, lower case" {
			form = lower(form)
		}
		got := m.Mask("a " + form + " b")
		assert.Equal(t, "a *** b", strings.ReplaceAll(got, "***= ", "*** "), name)
	}
}

// lower makes the hex digits of every escape lower case.
func lower(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == '%' {
			copy(b[i+1:], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

func TestMaskerEdges(t *testing.T) {
	t.Parallel()
	var none *secret.Masker
	none.Add(secret.New(text))
	none.AddBasic("u", secret.New(text))
	assert.Equal(t, "x "+text, none.Mask("x "+text), "a nil masker masks nothing")

	var m secret.Masker
	assert.Equal(t, "x", m.Mask("x"), "nothing known")
	m.Add(secret.String{}, secret.New("abc"), secret.New(""), secret.New("  a "))
	m.AddBasic("abcdef", secret.String{})
	assert.Equal(t, "abc abcdef a", m.Mask("abc abcdef a"), "too short to hide anything")

	m.Add(secret.New("inner-key"), secret.New("outer-inner-key-outer"))
	assert.Equal(t, "*** ***", m.Mask("outer-inner-key-outer inner-key"), "the longest wins, so that no rest shows")
	m.Add(secret.New("inner-key"))
	assert.Equal(t, "******", m.Mask("inner-keyinner-key"))

	m.AddBasic("ann", secret.New("pw12345"))
	assert.Equal(t, "Basic *** and *** ann", m.Mask("Basic "+base64.StdEncoding.EncodeToString([]byte("ann:pw12345"))+" and pw12345 ann"))
	assert.Equal(t, "https://***@host/", m.Mask("https://ann:pw12345@host/"))
}

func TestMaskerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	var m secret.Masker
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			key := fmt.Sprintf("secret-%02d", i)
			m.Add(secret.New(key))
			assert.Equal(t, "***", m.Mask(key))
		})
	}
	wg.Wait()
}

func FuzzMasker(f *testing.F) {
	for _, s := range []string{text, "a/b+c&d=", "\"quoted\"", "é\xff\x00", "****", "%2F%2f", "\\u003c", "   pad   "} {
		f.Add(s, "x", "y")
	}
	f.Fuzz(func(t *testing.T, key, before, after string) {
		var m secret.Masker
		m.Add(secret.New(key))
		got := m.Mask(before + key + after)
		if len(key) >= 4 && !strings.Contains(secret.Hidden, key) && strings.Contains(got, key) && !strings.Contains(before+secret.Hidden+after, key) {
			t.Fatalf("%q still shows in %q", key, got)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	var m secret.Masker
	for i := range 8 {
		m.Add(secret.New(fmt.Sprintf("secret-key-number-%d-of-a-context", i)))
	}
	text := strings.Repeat("a line of an answer that holds no secret at all\n", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		m.Mask(text)
	}
}
