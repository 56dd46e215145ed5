package ios

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFilterText(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, pipe, color string }{
		"plain":                {"a\tb\nc", "a\tb\nc", "a\tb\nc"},
		"colour":               {"\x1b[31mred\x1b[0m", "red", "\x1b[31mred\x1b[0m"},
		"colour left on":       {"\x1b[31mred", "red", "\x1b[31mred\x1b[0m"},
		"reset without 0":      {"\x1b[1mx\x1b[m", "x", "\x1b[1mx\x1b[m"},
		"reset at the end":     {"\x1b[1mx\x1b[1;0m", "x", "\x1b[1mx\x1b[1;0m"},
		"256 colours":          {"\x1b[38;5;8mgrey\x1b[0m", "grey", "\x1b[38;5;8mgrey\x1b[0m"},
		"true colour":          {"\x1b[48;2;8;8;8mx\x1b[0m", "x", "\x1b[48;2;8;8;8mx\x1b[0m"},
		"colons":               {"\x1b[38:5:8mx\x1b[0m", "x", "\x1b[38:5:8mx\x1b[0m"},
		"conceal":              {"\x1b[8mhidden\x1b[0m", "hidden", "\\x1b[8mhidden\x1b[0m"},
		"conceal after bold":   {"\x1b[1;08mx\x1b[0m", "x", "\\x1b[1;08mx\x1b[0m"},
		"conceal behind 38":    {"\x1b[38;5;1;8mx\x1b[0m", "x", "\\x1b[38;5;1;8mx\x1b[0m"},
		"cursor":               {"\x1b[2Jx\x1b[H", `\x1b[2Jx\x1b[H`, `\x1b[2Jx\x1b[H`},
		"private SGR":          {"\x1b[?25mx", `\x1b[?25mx`, `\x1b[?25mx`},
		"key modifier":         {"\x1b[>4;2mx", `\x1b[>4;2mx`, `\x1b[>4;2mx`},
		"title":                {"\x1b]0;t\x07", `\x1b]0;t\x07`, `\x1b]0;t\x07`},
		"end inside":           {"x\x1b[3", `x\x1b[3`, `x\x1b[3`},
		"escape at the end":    {"x\x1b", `x\x1b`, `x\x1b`},
		"escape twice":         {"\x1b\x1b[1mx", `\x1bx`, "\\x1b\x1b[1mx\x1b[0m"},
		"endless parameters":   {"\x1b[" + strings.Repeat("1", 100) + "m", `\x1b[` + strings.Repeat("1", 100) + "m", `\x1b[` + strings.Repeat("1", 100) + "m"},
		"CRLF":                 {"a\r\nb\r\n", "a\nb\n", "a\nb\n"},
		"progress bar":         {"10%\r20%\r", `10%\r20%\r`, `10%\r20%\r`},
		"CR CR LF":             {"a\r\r\n", "a\\r\n", "a\\r\n"},
		"one-byte CSI":         {"\u009b31mx", `\u009b31mx`, `\u009b31mx`},
		"invalid UTF-8":        {"a\xffb\xe2\x80", `a\xffb\xe2\x80`, `a\xffb\xe2\x80`},
		"bidi":                 {"a\u202eb", `a\u202eb`, `a\u202eb`},
		"other scripts, ticks": {"✓ 日本語", "✓ 日本語", "✓ 日本語"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.pipe, FilterText(tt.text, FilterOptions{}))
			assert.Equal(t, tt.color, FilterText(tt.text, FilterOptions{Color: true}))
			assert.Equal(t, tt.text, FilterText(tt.text, FilterOptions{Raw: true}))
			for _, color := range []bool{false, true} {
				var out bytes.Buffer
				f := NewFilter(&out, FilterOptions{Color: color})
				_, err := io.Copy(f, iotest.OneByteReader(strings.NewReader(tt.text)))
				require.NoError(t, err)
				require.NoError(t, f.Close())
				assert.Equal(t, FilterText(tt.text, FilterOptions{Color: color}), out.String(), "byte by byte")
			}
		})
	}
}

func TestFilterHandsOnAtOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	f := NewFilter(&out, FilterOptions{})
	_, err := f.Write([]byte("a line\nand a bit"))
	require.NoError(t, err)
	assert.Equal(t, "a line\nand a bit", out.String(), "a tail must not lag behind")
}

// TestFilterLongLine: one line of 50 MB, with a colour split over each border
// of the writes, needs no memory that grows with it.
func TestFilterLongLine(t *testing.T) {
	t.Parallel()
	const total = 50 << 20
	chunk := append([]byte("[31m"), bytes.Repeat([]byte("x"), 64<<10)...)
	chunk = append(chunk, 0x1b)
	sink := &discard{}
	f := NewFilter(sink, FilterOptions{})
	for written := 0; written < total; written += len(chunk) {
		_, err := f.Write(chunk)
		require.NoError(t, err)
		require.LessOrEqual(t, len(f.held), maxHeld)
		require.LessOrEqual(t, cap(f.out), 2*outSize+directRun)
	}
	require.NoError(t, f.Close())
	assert.Positive(t, sink.n)
}

func TestFilterPassesOnErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, text := range []string{"short", strings.Repeat("x", directRun), strings.Repeat("x", 100) + strings.Repeat("\x1b", 2*outSize)} {
		f := NewFilter(failing{broken}, FilterOptions{})
		_, err := f.Write([]byte(text))
		require.ErrorIs(t, err, broken)
	}
	f := NewFilter(failing{broken}, FilterOptions{})
	_, err := f.Write([]byte("\x1b"))
	require.NoError(t, err, "nothing was to be written yet")
	require.ErrorIs(t, f.Close(), broken)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func FuzzFilter(f *testing.F) {
	for _, tt := range hostile {
		f.Add([]byte(tt.text), uint8(1), true)
		f.Add([]byte(tt.text), uint8(3), false)
	}
	for _, seed := range []string{"\x1b[31mred\x1b[0m", "a\r\nb\rc", "\x1b[", "\x1b[8mhidden\x1b[0m", "\x1b[38;5;8mgrey"} {
		f.Add([]byte(seed), uint8(1), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, step uint8, color bool) {
		opts := FilterOptions{Color: color}
		whole := FilterText(string(data), opts)
		var out bytes.Buffer
		w := NewFilter(&out, opts)
		for rest := data; len(rest) > 0; {
			k := min(int(step)%7+1, len(rest))
			wrote, err := w.Write(rest[:k])
			require.NoError(t, err)
			require.Equal(t, k, wrote)
			require.LessOrEqual(t, len(w.held), maxHeld)
			rest = rest[k:]
		}
		require.NoError(t, w.Close())
		require.Equal(t, whole, out.String(), "however it is split")
		if !color {
			assert.True(t, isSafe(whole, "\n\t"), "%q", whole)
			return
		}
		assert.True(t, isSafe(whole, "\n\t\x1b"), "%q", whole)
		assert.True(t, isSafe(FilterText(whole, FilterOptions{}), "\n\t"))
		assert.Equal(t, strings.Count(whole, "\x1b"), strings.Count(whole, "\x1b["), "only SGR begins with ESC: %q", whole)
	})
}

func FuzzCleanRun(f *testing.F) {
	f.Add([]byte("0123456789abcdef\x7f"))
	f.Add([]byte("01234567ab\x7fdefgh01234567"))
	f.Add([]byte("01234567ab\x1fdefgh01234567"))
	f.Add([]byte("01234567ab\x80defgh01234567"))
	f.Add([]byte("tab\tnewline\n, then a bell\x07 and \x80"))
	f.Fuzz(func(t *testing.T, data []byte) {
		want := bytes.IndexFunc(data, func(r rune) bool { return (r < 0x20 || r > 0x7e) && r != '\n' && r != '\t' })
		if want < 0 {
			want = len(data)
		}
		assert.Equal(t, want, cleanRun(data))
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
	f := NewFilter(&discard{}, FilterOptions{})
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Write(data); err != nil {
			b.Fatal(err)
		}
	}
}

// discard counts instead of io.Discard, which io.Copy would shortcut.
type discard struct{ n int }

func (d *discard) Write(p []byte) (int, error) { d.n += len(p); return len(p), nil }
