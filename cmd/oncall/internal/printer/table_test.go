package printer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

func TestTableAtWidths(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		width     int
		out, errs string
	}{
		"100 columns": {100, `
			NUMBER  PHASE         AGE  TITLE                          SERVICE  PAGED  ACKED BY
			4127    triggered     6m   API 5xx ratio above 2%         api      you    -
			4126    triggered     41m  e2e hourly: no success for 1h  e2e      you    -
			4119    acknowledged  4d   Disk 91% on registry-2         infra    -      secondary
			`, ""},
		"80 columns: the title gives way": {80, `
			NUMBER  PHASE         AGE  TITLE                       SERVICE  PAGED  ACKED BY
			4127    triggered     6m   API 5xx ratio above 2%      api      you    -
			4126    triggered     41m  e2e hourly: no success fo…  e2e      you    -
			4119    acknowledged  4d   Disk 91% on registry-2      infra    -      secondary
			`, ""},
		"60 columns: then the gaps": {60, `
			NUMBER PHASE        AGE TITLE        SERVICE PAGED ACKED BY
			4127   triggered    6m  API 5xx rat… api     you   -
			4126   triggered    41m e2e hourly:… e2e     you   -
			4119   acknowledged 4d  Disk 91% on… infra   -     secondary
			`, ""},
		"40 columns: then the last columns": {40, `
			NUMBER  PHASE         AGE  TITLE
			4127    triggered     6m   API 5xx rati…
			4126    triggered     41m  e2e hourly: …
			4119    acknowledged  4d   Disk 91% on …
			`, "no room for SERVICE, PAGED and ACKED BY (-o wide shows all)\n"},
		"20 columns: number and title stay": {20, `
			NUMBER  TITLE
			4127    API 5xx rat…
			4126    e2e hourly:…
			4119    Disk 91% on…
			`, "no room for PHASE, AGE, SERVICE, PAGED and ACKED BY (-o wide shows all)\n"},
		"10 columns: numbers are never cut": {10, `
			NUMBER TITLE
			4127   API 5xx rat…
			4126   e2e hourly:…
			4119   Disk 91% on…
			`, "no room for PHASE, AGE, SERVICE, PAGED and ACKED BY (-o wide shows all)\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newSession(t, Options{}, width(tt.width))
			require.NoError(t, List(x.p, incidents, sample(), Meta{}))
			assert.Equal(t, lines(tt.out), x.out.String())
			assert.Equal(t, tt.errs, x.errs.String())
			if tt.width >= 20 {
				for l := range strings.Lines(x.out.String()) {
					assert.LessOrEqual(t, ios.TextWidth(strings.TrimSuffix(l, "\n")), tt.width)
				}
			}
		})
	}
}

func TestWideIsNeverCut(t *testing.T) {
	t.Parallel()
	narrow, pipe := newSession(t, Options{Format: "wide"}, width(30)), newSession(t, Options{Format: "wide"})
	require.NoError(t, List(narrow.p, incidents, sample(), Meta{}))
	require.NoError(t, List(pipe.p, incidents, sample(), Meta{}))
	assert.Equal(t, pipe.out.String(), narrow.out.String())
	assert.Empty(t, narrow.errs.String())
}

func TestSeveralFlexibleColumnsShareTheLoss(t *testing.T) {
	t.Parallel()
	type row struct{ id, title, detail string }
	table := Table[row]{Kind: "Row", Columns: []Column[row]{
		{Header: "TITLE", Flex: true, Value: func(r row) string { return r.title }},
		{Header: "A LONG HEADER", Flex: true, Value: func(r row) string { return r.detail }},
		{Header: "ID", Value: func(r row) string { return r.id }},
	}}
	rows := []row{{"1234567890", strings.Repeat("a", 40), strings.Repeat("b", 30)}}
	x := newSession(t, Options{}, width(44))
	require.NoError(t, List(x.p, table, rows, Meta{}))
	assert.Equal(t, "TITLE            A LONG HEADER    ID\n"+
		"aaaaaaaaaaaaaa…  bbbbbbbbbbbbbb…  1234567890\n", x.out.String())

	x = newSession(t, Options{}, width(37))
	require.NoError(t, List(x.p, table, rows, Meta{}))
	assert.Equal(t, "TITLE        A LONG HEADER ID\n"+
		"aaaaaaaaaaa… bbbbbbbbbbbb… 1234567890\n", x.out.String(), "a header is not cut")

	x = newSession(t, Options{}, width(36))
	require.NoError(t, List(x.p, table, rows, Meta{}))
	assert.Equal(t, "no room for ID (-o wide shows all)\n", x.errs.String())
}

func TestTableInColour(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{}, colour, width(50))
	require.NoError(t, List(x.p, incidents, sample(), Meta{}))
	assert.Equal(t, "NUMBER PHASE        AGE TITLE        SERVICE PAGED\n", strings.SplitAfter(x.out.String(), "\n")[0])
	assert.Equal(t, 2, strings.Count(x.out.String(), "\x1b[31mtriggered\x1b[0m"))
	assert.Equal(t, 4, strings.Count(x.out.String(), "\x1b"), "nothing but these two is coloured")

	plain := newSession(t, Options{}, width(50))
	require.NoError(t, List(plain.p, incidents, sample(), Meta{}))
	assert.Equal(t, plain.out.String(), ios.FilterText(x.out.String(), ios.FilterOptions{}), "colour changes nothing else")
}

func TestNothingHasNoColour(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{}, colour)
	require.NoError(t, List(x.p, Table[int]{Columns: []Column[int]{
		{Header: "A", Value: func(int) string { return " " }, Style: func(int) ios.Style { return ios.Red }},
	}}, []int{1}, Meta{}))
	assert.Equal(t, "A\n-\n", x.out.String())
}

// TestTableOfManyScripts: wide, combined and modified characters shift nothing.
func TestTableOfManyScripts(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{}, colour)
	titles := []string{"plain", "日本語", "🔥 down", "e\u0301te\u0301", "⚠\ufe0f warn", "👍🏽", "🇬🇷 flag", "한국어", "…·–"}
	require.NoError(t, List(x.p, Table[string]{Columns: []Column[string]{
		{Header: "TITLE", Value: func(s string) string { return s }, Style: func(string) ios.Style { return ios.Bold }},
		{Header: "END", Value: func(string) string { return "end" }},
	}}, titles, Meta{}))
	for l := range strings.Lines(ios.FilterText(x.out.String(), ios.FilterOptions{})) {
		before, _, ok := strings.Cut(l, "end")
		if !ok {
			before, _, ok = strings.Cut(l, "END")
		}
		require.True(t, ok, "%q", l)
		assert.Equal(t, 9, ios.TextWidth(before), "%q", l)
	}
}

func TestLinesEndWithText(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{})
	require.NoError(t, List(x.p, Table[string]{Columns: []Column[string]{
		{Header: "A", Value: func(s string) string { return s }},
	}}, []string{"blanks  ", "x"}, Meta{}))
	assert.Equal(t, "A\nblanks\nx\n", x.out.String())
}

func TestTableWithoutColumns(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{})
	require.NoError(t, List(x.p, Table[int]{Kind: "Number"}, []int{1, 2}, Meta{}))
	assert.Empty(t, x.out.String())
}

// TestTableDoesNotTouchItems: fitting one table leaves the next one whole.
func TestTableDoesNotTouchItems(t *testing.T) {
	t.Parallel()
	items := sample()
	x := newSession(t, Options{}, width(20))
	require.NoError(t, List(x.p, incidents, items, Meta{}))
	assert.Equal(t, sample(), items)
	assert.Len(t, incidents.Columns, 8)
}

func FuzzTable(f *testing.F) {
	for _, s := range []string{"plain", "日本語 🔥", "a\nb", "\x1b[31mred", "\u202e", "e\u0301", "\xff", "  ", "\u0300", "👩\u200d💻", "🇬🇷🇬"} {
		f.Add("4127", s, uint8(0), false)
		f.Add(s, "title", uint8(30), true)
	}
	f.Fuzz(func(t *testing.T, a, b string, columns uint8, color bool) {
		table := Table[[2]string]{Columns: []Column[[2]string]{
			{Header: "A", Flex: true, Value: func(r [2]string) string { return r[0] }, Style: func([2]string) ios.Style { return ios.Red }},
			{Header: "B", Flex: true, Value: func(r [2]string) string { return r[1] }},
			{Header: "END", Value: func([2]string) string { return "|" }},
		}}
		x := newSession(t, Options{}, colour, width(int(columns)))
		x.s.Color = color
		require.NoError(t, List(x.p, table, [][2]string{{a, b}, {b, a}}, Meta{}))
		if !color {
			assert.Equal(t, ios.VisibleBlock(x.out.String()), x.out.String())
		}
		got := strings.Split(strings.TrimSuffix(ios.FilterText(x.out.String(), ios.FilterOptions{}), "\n"), "\n")
		require.Len(t, got, 3, "one line a row")
		if !strings.HasSuffix(got[0], "END") {
			return // left out for want of room
		}
		if joins(a) || joins(b) {
			return
		}
		for _, l := range got[1:] {
			assert.Equal(t, ios.TextWidth(got[0])-len("END")+len("|"), ios.TextWidth(l), "the last column is aligned: %q", got)
		}
		if columns > 30 {
			for _, l := range got {
				assert.LessOrEqual(t, ios.TextWidth(l), int(columns))
			}
		}
	})
}

// joins tells whether a text holds a letter that is measured as one with a blank
// beside it, as are the few that modify their neighbour: its column cannot be
// read off a whole line then.
func joins(text string) bool {
	for _, r := range ios.Visible(text) {
		alone := ios.TextWidth(string(r))
		if ios.TextWidth(string(r)+" ") != alone+1 || ios.TextWidth(" "+string(r)) != alone+1 {
			return true
		}
	}
	return false
}
