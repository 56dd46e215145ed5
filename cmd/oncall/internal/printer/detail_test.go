package printer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

const dashboard = "https://monitor.example.test/d/api?from=1767999600000&to=1768003200000"

// view is the thing of experience.md.
func view(d *Detail) {
	d.Title("API 5xx ratio above 2%", "triggered 6m ago · critical · api", ios.Red)
	d.Row("paged", "you (Operations primary, step 1) · next: secondary in 4m")
	d.Row("alert", "5xx ratio 4.1% for 5m on api (threshold 2%)")
	d.Pairs("links", [2]string{"dashboard", dashboard}, [2]string{"playbook", "api-5xx"})
	d.Row("history", "03:12:04  triggered by prometheus", "03:12:06  paged you by push and then by a call to the phone")
	d.Block("log", "| modprobe: FATAL: Module overlay not found in directory /lib/modules/6.6.87", "", "  indented")
	d.Styled("notes", ios.Yellow, "none")
	d.Next("oncall incident ack 4127", "oncall incident reroute 4127 --to user:secondary")
}

func detailed(t *testing.T, build func(*Detail), change ...func(*ios.Streams)) string {
	t.Helper()
	x := newSession(t, Options{}, change...)
	require.NoError(t, Item(x.p, incidents, sample()[0], build))
	return x.out.String()
}

func TestDetail(t *testing.T) {
	t.Parallel()
	assert.Equal(t, lines(`
		API 5xx ratio above 2%   triggered 6m ago · critical · api
		paged    you (Operations primary, step 1) · next: secondary in 4m
		alert    5xx ratio 4.1% for 5m on api (threshold 2%)
		links    dashboard  https://monitor.example.test/d/api?from=1767999600000&to=1768003200000
		         playbook   api-5xx
		history  03:12:04  triggered by prometheus
		         03:12:06  paged you by push and then by a call to the phone
		log      | | modprobe: FATAL: Module overlay not found in directory /lib/modules/6.6.87
		         |
		         |   indented
		notes    none
		next     oncall incident ack 4127 · oncall incident reroute 4127 --to user:secondary
		`), detailed(t, view), "nothing is wrapped in a pipe")

	assert.Equal(t, lines(`
		API 5xx ratio above 2%                                             triggered 6m ago · critical · api
		paged    you (Operations primary, step 1) · next: secondary in 4m
		alert    5xx ratio 4.1% for 5m on api (threshold 2%)
		links    dashboard  https://monitor.example.test/d/api?from=1767999600000&to=1768003200000
		         playbook   api-5xx
		history  03:12:04  triggered by prometheus
		         03:12:06  paged you by push and then by a call to the phone
		log      | | modprobe: FATAL: Module overlay not found in directory /lib/modules/6.6.87
		         |
		         |   indented
		notes    none
		next     oncall incident ack 4127 · oncall incident reroute 4127 --to user:secondary
		`), detailed(t, view, width(100)))

	assert.Equal(t, lines(`
		API 5xx ratio above 2%     triggered 6m ago · critical · api
		paged    you (Operations primary, step 1) · next: secondary
		         in 4m
		alert    5xx ratio 4.1% for 5m on api (threshold 2%)
		links    dashboard  https://monitor.example.test/d/api?from=1767999600000&to=1768003200000
		         playbook   api-5xx
		history  03:12:04  triggered by prometheus
		         03:12:06  paged you by push and then by a call to
		                   the phone
		log      | | modprobe: FATAL: Module overlay not found in directory /lib/modules/6.6.87
		         |
		         |   indented
		notes    none
		next     oncall incident ack 4127
		         oncall incident reroute 4127 --to user:secondary
		`), detailed(t, view, width(60)))
}

// A line that is set in goes on where it began.
func TestDetailKeepsWhatIsSetIn(t *testing.T) {
	t.Parallel()
	assert.Equal(t, lines(`
		updates  03:12:04  identified
		           We found the cause and
		           are going back.
		`), detailed(t, func(d *Detail) { d.Row("updates", "03:12:04  identified", "  We found the cause and are going back.") }, width(36)))
}

func TestDetailIsNotSqueezed(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a        text of twenty four cols\n         and more\n", detailed(t, func(d *Detail) {
		d.Row("a", "text of twenty four cols and more")
	}, width(12)))
}

func TestDetailTitles(t *testing.T) {
	t.Parallel()
	title := func(left, right string) func(*Detail) { return func(d *Detail) { d.Title(left, right) } }
	assert.Equal(t, "left         right\n", detailed(t, title("left", "right"), width(18)))
	assert.Equal(t, "left\nright\n", detailed(t, title("left", "right"), width(11)), "no room for both")
	assert.Equal(t, "left\n", detailed(t, title("left", ""), width(80)))
	assert.Equal(t, "right\n", detailed(t, title("", "right"), width(80)))
	assert.Empty(t, detailed(t, title("", ""), width(80)))
	assert.Len(t, strings.TrimSuffix(detailed(t, title("left", "right"), width(300)), "\n"), titleWidth)
}

func TestDetailInColour(t *testing.T) {
	t.Parallel()
	painted := detailed(t, view, width(60), colour)
	assert.Contains(t, painted, "\x1b[1mAPI 5xx ratio above 2%\x1b[0m     \x1b[31mtriggered 6m ago · critical · api\x1b[0m\n")
	assert.Contains(t, painted, "\x1b[2mnotes\x1b[0m    \x1b[33mnone\x1b[0m\n")
	assert.Equal(t, detailed(t, view, width(60)), ios.FilterText(painted, ios.FilterOptions{}), "colour changes nothing else")
}

func TestDetailLeavesOutWhatIsEmpty(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a        x\nb        k  -\n", detailed(t, func(d *Detail) {
		d.Row("none")
		d.Row("blank", "", " ")
		d.Row("a", "", "x")
		d.Pairs("no pairs")
		d.Pairs("b", [2]string{"k", ""})
		d.Block("no block")
		d.Next()
	}))
}

func TestDetailLabelsAreAligned(t *testing.T) {
	t.Parallel()
	got := detailed(t, func(d *Detail) {
		d.Row("a", "x")
		d.Row("a long label", "x")
		d.Row("日本語", "x")
	})
	for l := range strings.Lines(got) {
		assert.Equal(t, len("a long label  x"), ios.TextWidth(strings.TrimSuffix(l, "\n")), "%q", l)
	}
}

func TestHostileDetail(t *testing.T) {
	t.Parallel()
	evil := "x\nnext     rm -rf \x1b[2J\u202e"
	got := detailed(t, func(d *Detail) {
		d.Title(evil, evil)
		d.Row(evil, evil)
		d.Pairs(evil, [2]string{evil, evil})
		d.Block(evil, evil)
		d.Next(evil)
	}, width(200))
	assert.Equal(t, ios.VisibleBlock(got), got)
	assert.Equal(t, 5, strings.Count(got, "\n"), "a title and four rows")
}

func TestWrap(t *testing.T) {
	longBegin := strings.Repeat("x", 30)
	t.Parallel()
	for _, tt := range []struct {
		text  string
		width int
		want  []string
	}{
		{"one two three", 0, []string{"one two three"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 3, []string{"one", "two", "three"}},
		{"one https://example.test/long two", 8, []string{"one", "https://example.test/long", "two"}},
		{"日本 語日 本語", 7, []string{"日本", "語日", "本語"}},
		{"a b   c", 4, []string{"a b   c"}},
		{longBegin + " b   c", 32, []string{longBegin + " b", "c"}},
		{longBegin + " b   c", 33, []string{longBegin + " b ", "c"}},
		{"12:00  one two three", 12, []string{"12:00  one", "       two", "       three"}},
		{"12:00 EET  one two", 15, []string{"12:00 EET  one", "           two"}},
		{"12:00  one", 3, []string{"12:00  one"}},
		{strings.Repeat("x", 30) + "  one two", 34, []string{strings.Repeat("x", 30) + " ", "one two"}},
		{"", 5, []string{""}},
	} {
		assert.Equal(t, tt.want, prose(tt.text).wrap(tt.width, false), "%q at %d", tt.text, tt.width)
	}
}

func FuzzDetail(f *testing.F) {
	f.Add("label", "a text with several words  and blanks", uint8(30))
	f.Add("\u202e", "日本語 🔥 e\u0301 \x1b[31m", uint8(5))
	f.Fuzz(func(t *testing.T, label, text string, columns uint8) {
		build := func(d *Detail) {
			d.Title(text, label)
			d.Row(label, text, label)
			d.Pairs(label, [2]string{label, text})
			d.Block(label, text)
			d.Next(text, label)
		}
		x := newSession(t, Options{}, width(int(columns)))
		require.NoError(t, Item(x.p, incidents, sample()[0], build))
		assert.Equal(t, ios.VisibleBlock(x.out.String()), x.out.String())
		words := func(s string) string { return strings.Join(strings.Fields(strings.ReplaceAll(s, "·", "")), " ") }
		pipe := newSession(t, Options{})
		require.NoError(t, Item(pipe.p, incidents, sample()[0], build))
		assert.Equal(t, words(pipe.out.String()), words(x.out.String()), "wrapping loses no word")
	})
}
