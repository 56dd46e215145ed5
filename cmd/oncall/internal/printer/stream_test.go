package printer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
)

type event struct {
	Number string   `json:"number"`
	Text   string   `json:"text"`
	Tags   []string `json:"tags"`
}

func events(x *session) *Stream[event] {
	return NewStream(x.p, "TimelineEvent", func(e event) string { return e.Number + "  " + e.Text }).
		WithName(func(e event) string { return e.Number })
}

func TestStream(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{}, "1  \\x1b[2Jred\n2  a\nb\n"},
		{Options{Format: "wide"}, "1  \\x1b[2Jred\n2  a\nb\n"},
		{Options{Format: "json"}, `{"number":"1","text":"\u001b[2J\u001b[31mred","tags":[]}` + "\n" + `{"number":"2","text":"a\nb","tags":["x"]}` + "\n"},
		{Options{Format: "jsonl"}, `{"number":"1","text":"\u001b[2J\u001b[31mred","tags":[]}` + "\n" + `{"number":"2","text":"a\nb","tags":["x"]}` + "\n"},
		{Options{Format: "yaml"}, "---\nnumber: \"1\"\ntext: \"\\e[2J\\e[31mred\"\ntags: []\n---\nnumber: \"2\"\ntext: |-\n  a\n  b\ntags:\n  - x\n"},
		{Options{Format: "name"}, "timeline-event/1\ntimeline-event/2\n"},
		{Options{Format: "md"}, "- 1  \\\\x1b\\[2Jred\n- 2  a\\\\nb\n"},
		{Options{JQ: ".number"}, "1\n2\n"},
		{Options{Template: "{{.number}}!"}, "1!\n2!\n"},
	} {
		for _, buffered := range []bool{false, true} {
			x := newSession(t, tt.o)
			s := events(x)
			if buffered {
				s.WithBuffer()
			}
			require.NoError(t, s.Print(event{Number: "1", Text: "\x1b[2J\x1b[31mred"}))
			if buffered {
				assert.Empty(t, x.out.String(), "held back")
			} else {
				assert.NotEmpty(t, x.out.String(), "a tail must not lag behind")
			}
			require.NoError(t, s.Print(event{Number: "2", Text: "a\nb", Tags: []string{"x"}}))
			require.NoError(t, s.Flush())
			require.NoError(t, s.Flush())
			assert.Equal(t, tt.want, x.out.String(), "%+v", tt.o)
			assert.Empty(t, x.errs.String())
		}
	}
}

func TestStreamColours(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{}, colour)
	require.NoError(t, events(x).Print(event{Number: "1", Text: "\x1b[31mred\x1b[2J"}))
	assert.Equal(t, "1  \x1b[31mred\\x1b[2J\x1b[0m\n", x.out.String(), "a colour ends with its line")
}

func TestRawStream(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{})
	require.NoError(t, events(x).WithRaw(true).Print(event{Number: "1", Text: "\x1b[2J\xff\r"}))
	assert.Equal(t, "1  \x1b[2J\xff\r\n", x.out.String())
}

func TestNamelessStream(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{Format: "name"})
	err := NewStream(x.p, "LogLine", func(e event) string { return e.Text }).Print(event{})
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.EqualError(t, err, "-o name: log line has no names")
}

func TestStreamPrintsWhatCameBeforeAMistake(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{JQ: `if .number == "2" then error("x") else .number end`})
	s := events(x).WithBuffer()
	require.NoError(t, s.Print(event{Number: "1"}))
	require.EqualError(t, s.Print(event{Number: "2"}), "--jq: error: x")
	assert.Equal(t, "1\n", x.out.String())
}

func TestBufferedStreamWritesLargePieces(t *testing.T) {
	t.Parallel()
	var writes []int
	x := newSession(t, Options{}, func(s *ios.Streams) {
		s.Out = writerFunc(func(p []byte) (int, error) { writes = append(writes, len(p)); return len(p), nil })
	})
	s := events(x).WithBuffer()
	for range 3000 {
		require.NoError(t, s.Print(event{Number: "1", Text: strings.Repeat("x", 96)}))
	}
	require.NoError(t, s.Flush())
	total := 0
	for _, n := range writes {
		total += n
		assert.Less(t, n, 2*bufferSize)
	}
	assert.Equal(t, 3000*100, total)
	assert.Len(t, writes, 5)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func BenchmarkStream(b *testing.B) {
	for _, format := range []string{"table", "jsonl"} {
		b.Run(format, func(b *testing.B) {
			x := newSession(b, Options{Format: format})
			x.s.Out = writerFunc(func(p []byte) (int, error) { return len(p), nil })
			s := events(x).WithBuffer()
			e := event{Number: "1", Text: "2026-01-02T03:04:05Z level=info component=api msg=\"request served\" status=200"}
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, s.Print(e))
			}
		})
	}
}
