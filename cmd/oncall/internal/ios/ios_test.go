package ios

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
)

// env is a getenv over a map.
func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestSetColor(t *testing.T) {
	t.Parallel()
	type vars = map[string]string
	tests := map[string]struct {
		mode     string
		env      vars
		tty      bool
		want     bool
		wantDumb bool
	}{
		"terminal":                             {"auto", nil, true, true, false},
		"pipe":                                 {"auto", nil, false, false, false},
		"no mode is auto":                      {"", nil, true, true, false},
		"always in a pipe":                     {"always", nil, false, true, false},
		"never on a terminal":                  {"never", nil, true, false, false},
		"NO_COLOR":                             {"auto", vars{"NO_COLOR": "1"}, true, false, false},
		"empty NO_COLOR is not set":            {"auto", vars{"NO_COLOR": ""}, true, true, false},
		"always beats NO_COLOR":                {"always", vars{"NO_COLOR": "1"}, true, true, false},
		"CLICOLOR_FORCE in a pipe":             {"auto", vars{"CLICOLOR_FORCE": "1"}, false, true, false},
		"CLICOLOR_FORCE=0 forces nothing":      {"auto", vars{"CLICOLOR_FORCE": "0"}, false, false, false},
		"NO_COLOR beats CLICOLOR_FORCE":        {"auto", vars{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, true, false, false},
		"never beats CLICOLOR_FORCE":           {"never", vars{"CLICOLOR_FORCE": "1"}, true, false, false},
		"dumb terminal":                        {"auto", vars{"TERM": "dumb"}, true, false, true},
		"CLICOLOR_FORCE beats a dumb terminal": {"auto", vars{"TERM": "dumb", "CLICOLOR_FORCE": "1"}, true, true, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Streams{OutTTY: tt.tty, ErrTTY: tt.tty}
			require.NoError(t, s.SetColor(tt.mode, env(tt.env)))
			assert.Equal(t, tt.want, s.Color)
			assert.Equal(t, tt.want, s.ErrColor)
			assert.Equal(t, tt.wantDumb, s.Dumb)
		})
	}
}

func TestSetColorDecidesEachStream(t *testing.T) {
	t.Parallel()
	s := &Streams{OutTTY: false, ErrTTY: true}
	require.NoError(t, s.SetColor("auto", env(nil)))
	assert.False(t, s.Color, "stdout is a pipe")
	assert.True(t, s.ErrColor, "stderr is the terminal")
}

func TestSetColorUnknown(t *testing.T) {
	t.Parallel()
	s := &Streams{}
	err := s.SetColor("blue", env(nil))
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.EqualError(t, err, `--color: unknown mode "blue": auto, always or never`)
}

func TestSystemInAPipe(t *testing.T) {
	t.Parallel()
	if isTerminal(os.Stdout) {
		t.Skip("stdout of the test is a terminal")
	}
	s := System(env(map[string]string{"COLUMNS": "60"}), "auto")
	assert.False(t, s.OutTTY)
	assert.Zero(t, s.Width, "COLUMNS must not cut what goes into a pipe")
	assert.False(t, s.Color)
	columns, rows := s.Size()
	assert.Zero(t, columns)
	assert.Zero(t, rows)

	assert.True(t, System(env(nil), "always").Color)
	assert.False(t, System(env(nil), "unknown").Color, "an unknown mode counts as auto")
}

func TestInteractive(t *testing.T) {
	t.Parallel()
	assert.True(t, (&Streams{InTTY: true, ErrTTY: true}).Interactive())
	assert.False(t, (&Streams{InTTY: true, OutTTY: true}).Interactive(), "nobody would see the question")
	assert.False(t, (&Streams{ErrTTY: true}).Interactive(), "nobody can answer")
}

func TestPaint(t *testing.T) {
	t.Parallel()
	on := &Streams{Color: true}
	assert.Equal(t, "\x1b[31mx\x1b[0m", on.Paint(Red, "x"))
	assert.Equal(t, "\x1b[1;36mx\x1b[0m", on.Paint(Bold|Cyan, "x"))
	assert.Equal(t, "\x1b[2mx\x1b[0m", on.Paint(Dim, "x"))
	assert.Equal(t, "x", on.Paint(None, "x"))
	assert.Empty(t, on.Paint(Red, ""))
	assert.Equal(t, "x", on.PaintErr(Red, "x"), "stderr has no colour")
	assert.Equal(t, "x", (&Streams{ErrColor: true}).Paint(Red, "x"))
	for style, code := range map[Style]string{Underline: "4", Green: "32", Yellow: "33", Blue: "34", Magenta: "35"} {
		assert.Equal(t, "\x1b["+code+"mx\x1b[0m", on.Paint(style, "x"))
	}
}

func TestStdoutWithoutTerminalIsOut(t *testing.T) {
	t.Parallel()
	s := &Streams{Out: io.Discard}
	n, err := s.Stdout().Write([]byte("abc"))
	require.NoError(t, err)
	assert.Equal(t, 3, n)
}

// TestDumbStaysDumb: streams that were made for a transcript are not drawn on,
// whatever TERM says when the flags are read.
func TestDumbStaysDumb(t *testing.T) {
	t.Parallel()
	s := &Streams{Dumb: true}
	require.NoError(t, s.SetColor("auto", func(string) string { return "" }))
	assert.True(t, s.Dumb)
}
