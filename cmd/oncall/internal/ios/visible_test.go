package ios

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// hostile are texts that try something, with what is to be seen of them in one
// line and in a block.
var hostile = []struct{ name, text, line, block string }{
	{"plain", "API 5xx ratio above 2%", "API 5xx ratio above 2%", "API 5xx ratio above 2%"},
	{"tab", "a\tb", "a b", "a\tb"},
	{"newline", "a\nb", `a\nb`, "a\nb"},
	{"forged line", "x\nincident/1 resolved", `x\nincident/1 resolved`, "x\nincident/1 resolved"},
	{"overwritten line", "bad\rgood", `bad\rgood`, `bad\rgood`},
	{"line end of other systems", "a\r\nb", `a\r\nb`, "a\nb"},
	{"colour", "\x1b[31mred", `\x1b[31mred`, `\x1b[31mred`},
	{"window title", "\x1b]0;pwned\x07", `\x1b]0;pwned\x07`, `\x1b]0;pwned\x07`},
	{"link", "\x1b]8;;http://x\x1b\\t", `\x1b]8;;http://x\x1b\t`, `\x1b]8;;http://x\x1b\t`},
	{"one-byte CSI", "\u009b2J", `\u009b2J`, `\u009b2J`},
	{"raw C1 byte", "\x9b2J", `\x9b2J`, `\x9b2J`},
	{"DEL and NUL and backspace", "\x7f\x00\b", `\x7f\x00\x08`, `\x7f\x00\x08`},
	{"bidi override", "user\u202etxt.exe", `user\u202etxt.exe`, `user\u202etxt.exe`},
	{"bidi isolates", "\u2066a\u2069", `\u2066a\u2069`, `\u2066a\u2069`},
	{"bidi marks", "\u200e\u200f\u061c", `\u200e\u200f\u061c`, `\u200e\u200f\u061c`},
	{"zero width", "a\u200bp\u200ci\u200d\u2060\ufeff", `a\u200bp\u200ci\u200d\u2060\ufeff`, `a\u200bp\u200ci\u200d\u2060\ufeff`},
	{"soft hyphen", "a\u00adb", `a\u00adb`, `a\u00adb`},
	{"separators", "a\u2028b\u2029c", `a\u2028b\u2029c`, `a\u2028b\u2029c`},
	{"fillers", "\u3164\uffa0\u115f\u034f", `\u3164\uffa0\u115f\u034f`, `\u3164\uffa0\u115f\u034f`},
	{"tag characters", "a\U000e0041", `a\U000e0041`, `a\U000e0041`},
	{"supplementary variation selectors", "a\U000e0100", `a\U000e0100`, `a\U000e0100`},
	{"cut UTF-8", "a\xe2\x80", `a\xe2\x80`, `a\xe2\x80`},
	{"surrogate in UTF-8", "\xed\xa0\x80", `\xed\xa0\x80`, `\xed\xa0\x80`},
	{"replacement character", "\ufffd", "\ufffd", "\ufffd"},
	{"other scripts", "日本語 Ünïcödé العربية हिन्दी", "日本語 Ünïcödé العربية हिन्दी", "日本語 Ünïcödé العربية हिन्दी"},
	{"emoji with selector", "⚠\ufe0f 🔥", "⚠\ufe0f 🔥", "⚠\ufe0f 🔥"},
	{"Arabic number sign", "\u0600", "\u0600", "\u0600"},
	{"backslash", `a\x1bb`, `a\x1bb`, `a\x1bb`},
}

func TestVisible(t *testing.T) {
	t.Parallel()
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.line, Visible(tt.text))
			assert.Equal(t, tt.block, VisibleBlock(tt.text))
		})
	}
}

// isSafe judges a text by Unicode's own tables, not by Hidden.
func isSafe(text string, allowed string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if strings.ContainsRune(allowed, r) {
			continue
		}
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp, unicode.Join_Control) {
			return false
		}
	}
	return true
}

func FuzzVisible(f *testing.F) {
	for _, tt := range hostile {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line, block := Visible(text), VisibleBlock(text)
		assert.True(t, isSafe(line, ""), "%q", line)
		assert.True(t, isSafe(block, "\n\t"), "%q", block)
		assert.Equal(t, line, Visible(line), "nothing changes twice")
		assert.Equal(t, block, VisibleBlock(block), "nothing changes twice")
		if isSafe(text, "") && line != text {
			// Only what cannot be seen at all may be written out besides.
			assert.True(t, strings.ContainsFunc(text, Hidden), "%q became %q", text, line)
		}
	})
}

//nolint:paralleltest // allocations are counted for the whole process
func TestVisibleOfSafeTextAllocatesNothing(t *testing.T) {
	text := strings.Repeat("API 5xx ratio above 2% 日本語 ", 20)
	assert.Zero(t, testing.AllocsPerRun(100, func() { Visible(text) }))
}

func TestHiddenCoversUnicode(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Join_Control, unicode.Zl, unicode.Zp) && !Hidden(r) {
			t.Errorf("%U would reach a terminal", r)
		}
		if unicode.IsPrint(r) && Hidden(r) &&
			!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			t.Errorf("%U is text and is written out", r)
		}
	}
}

func BenchmarkVisible(b *testing.B) {
	text := "API 5xx ratio above 2% on api-7f9c (threshold 2%)"
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Visible(text)
	}
}
