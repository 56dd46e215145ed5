package ios

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		"", "plain\ttext\nline", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\r\nb\rc", "\x1b[", "\x1b", "\xe2\x80",
		"\u202eevil", "\x9b31m", "\u009b31m", "日本語 🔥", "\x1b[8mhidden\x1b[0m", "\x1b[38;5;8mgrey", "\x7f\x00",
	} {
		f.Add([]byte(seed), uint8(1), true)
		f.Add([]byte(seed), uint8(3), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, step uint8, color bool) {
		opts := FilterOptions{Color: color}
		whole := FilterText(string(data), opts)
		var out bytes.Buffer
		w := NewFilter(&out, opts)
		n := int(step)%7 + 1
		for rest := data; len(rest) > 0; {
			k := min(n, len(rest))
			wrote, err := w.Write(rest[:k])
			require.NoError(t, err)
			require.Equal(t, k, wrote)
			require.LessOrEqual(t, len(w.held), maxHeld)
			rest = rest[k:]
		}
		require.NoError(t, w.Close())
		require.Equal(t, whole, out.String())
		assert.True(t, utf8.ValidString(whole))
		if !color {
			assert.Negative(t, firstHidden(whole, true), "%q", whole)
		}
	})
}

func BenchmarkFilterASCII(b *testing.B) {
	line := []byte("2026-01-02T03:04:05Z level=info component=api msg=\"request served\" status=200 took=12ms\n")
	benchFilter(b, bytes.Repeat(line, 1<<20/len(line)))
}

func BenchmarkFilterColoured(b *testing.B) {
	line := []byte("\x1b[32minfo\x1b[0m 2026-01-02T03:04:05Z component=api request served status=200 ✓ took=12ms\r\n")
	benchFilter(b, bytes.Repeat(line, 1<<20/len(line)))
}

func benchFilter(b *testing.B, data []byte) {
	var sink discard
	f := NewFilter(&sink, FilterOptions{})
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Write(data); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{ n int }

func (d *discard) Write(p []byte) (int, error) { d.n += len(p); return len(p), nil }
