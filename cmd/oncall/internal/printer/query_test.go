package printer

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
)

func TestJQ(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		".items[].number":                  "4127\n4126\n4119\n",
		".kind, .apiVersion":               "IncidentList\noncall/v1\n",
		".items[0] | {number, alertCount}": `{"alertCount":1760000000000,"number":"4127"}` + "\n",
		".items[].alertCount":              "1760000000000\n0\n0\n",
		".items[0].alertCount + 1":         "1760000000001\n",
		".items | map(.pagedUsers)":        `[["you"],["you"],[]]` + "\n",
		".items[0].nothing":                "null\n",
		".items[0].url":                    "https://portal.example.test/4127?a=1&b=2\n",
		`"a\nb"`:                           "a\nb\n",
		"12345678901234567890123":          "12345678901234567890123\n",
		"empty":                            "",
		".items[].number | if . == \"4126\" then halt else . end": "4127\n",
		"env | length": "0\n",
		// What begins with .items[] is asked of each item by itself, with the same result.
		".items[] | .number as $n | [$n, .phase] | first": "4127\n4126\n4119\n",
		".items[] as $i | .kind":                          "IncidentList\nIncidentList\nIncidentList\n",
		".items[]?.pagedUsers[]":                          "you\nyou\n",
		".items[].number, .kind":                          "4127\n4126\n4119\nIncidentList\n",
		".items[].nothing // \"none\"":                    "none\n",
		"def f: .number; .items[] | f":                    "4127\n4126\n4119\n",
		"[.items[] | .number] | length":                   "3\n",
		".items[] | (.number, .kind)":                     "4127\nnull\n4126\nnull\n4119\nnull\n",
		".items[] |= .number | .items":                    `["4127","4126","4119"]` + "\n",
		"$ENV | length":                                   "0\n",
	} {
		x := newSession(t, Options{JQ: expr, Format: "table"})
		require.NoError(t, List(x.p, incidents, sample(), Meta{}), "%s", expr)
		assert.Equal(t, want, x.out.String(), "%s", expr)
	}
	x := newSession(t, Options{JQ: ".item.number"})
	require.NoError(t, Item(x.p, incidents, sample()[0], func(d *Detail) { d.Title("not", "printed") }))
	assert.Equal(t, "4127\n", x.out.String())
}

func TestJQKeepsNumbersExact(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{JQ: ".item"})
	type id struct {
		ID uint64 `json:"id"`
	}
	require.NoError(t, Item(x.p, Table[id]{Kind: "ID"}, id{18446744073709551615}, nil))
	assert.Equal(t, `{"id":18446744073709551615}`+"\n", x.out.String())
}

// TestJQStrings: a program gets the bytes, a terminal gets what is safe.
func TestJQStrings(t *testing.T) {
	t.Parallel()
	pipe := newSession(t, Options{JQ: ".items[0] | .title, [.title]"})
	require.NoError(t, List(pipe.p, incidents, []incident{evil()}, Meta{}))
	assert.Equal(t, evil().Title+"\n"+`["a\u202eb | <script>\nincident/2 \udb40\udc41"]`+"\n", pipe.out.String())

	terminal := newSession(t, Options{JQ: ".items[0].title"}, width(80))
	require.NoError(t, List(terminal.p, incidents, []incident{evil()}, Meta{}))
	assert.Equal(t, ios.VisibleBlock(evil().Title)+"\n", terminal.out.String())
}

func TestJQFails(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]struct{ out, err string }{
		".items[] | .number, (.title | keys)": {"4127\n", `--jq: keys cannot be applied to: string ("API 5xx ratio above 2%")`},
		".item[]":                             {"", "--jq: cannot iterate over: null"},
		`error("own \u001b[2J words")`:        {"", `--jq: error: own \x1b[2J words`},
		`"why" | halt_error`:                  {"", "--jq: halt error: why"},
	} {
		x := newSession(t, Options{JQ: expr})
		err := List(x.p, incidents, sample(), Meta{})
		require.EqualError(t, err, want.err, "%s", expr)
		require.NotErrorIs(t, err, apierr.ErrUsage, "the expression was read; the data is the matter")
		assert.Equal(t, want.out, x.out.String())
	}
}

func TestJQOfManyResults(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{JQ: "range(50000)"})
	require.NoError(t, List(x.p, incidents, nil, Meta{}))
	assert.Equal(t, 50000, strings.Count(x.out.String(), "\n"))
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 10, 1, 18, 4, 0, time.UTC)
	for text, want := range map[string]string{
		`{{range .items}}{{.number}} {{.phase}}{{"\n"}}{{end}}`: "4127 triggered\n4126 triggered\n4119 acknowledged\n",
		`{{len .items}}`: "3\n",
		`{{with index .items 0}}{{.alertCount}} {{if gt .alertCount 5}}many{{end}}{{end}}`: "1760000000000 many\n",
		`{{range .items}}{{default "nobody" .ackedBy}};{{end}}`:                            "nobody;nobody;secondary;\n",
		`{{range .items}}{{join "," .pagedUsers | default "none"}};{{end}}`:                "you;you;none;\n",
		`{{(index .items 0).title | upper}} {{"ABC" | lower}} {{trim " x "}}`:              "API 5XX RATIO ABOVE 2% abc x\n",
		`{{(index .items 0).pagedUsers | json}} {{json .meta}}`:                            `["you"] {}` + "\n",
		`{{age (index .items 0).startedAt}} {{age nil}}`:                                   "6m -\n",
		`{{upper 5}} {{join "," "alone"}} {{default 1 .meta}} {{default 1 true}}`:          "5 alone 1 true\n",
	} {
		x := newSession(t, Options{Template: text, Now: func() time.Time { return now }})
		require.NoError(t, List(x.p, incidents, sample(), Meta{}), "%s", text)
		assert.Equal(t, want, x.out.String(), "%s", text)
	}
}

func TestTemplateNumbers(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{Template: `{{range .items}}{{.}} {{end}}{{with index .items 1}}{{if gt . 0.5}}above {{printf "%.1f" .}}{{end}}{{end}}`})
	require.NoError(t, List(x.p, Table[any]{Kind: "Number"},
		[]any{int64(9007199254740993), 1760000000000.5, uint64(18446744073709551615), 1e21, -0.25}, Meta{}))
	assert.Equal(t, "9007199254740993 1760000000000.5 18446744073709551615 1e+21 -0.25 above 1760000000000.5\n", x.out.String())
}

func TestTemplateFails(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`before {{index .items 7}}`: `--template: line 1:9: executing "--template" at <index .items 7>: error calling index: index out of range: 7`,
		`{{age "yesterday"}}`:       `--template: line 1:2: executing "--template" at <age "yesterday">: error calling age: parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"`,
	} {
		x := newSession(t, Options{Template: text})
		err := List(x.p, incidents, sample(), Meta{})
		require.EqualError(t, err, want)
		require.NotErrorIs(t, err, apierr.ErrUsage)
		assert.Empty(t, x.out.String(), "half a text is no result")
	}
}

func TestTemplateOnATerminal(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{Template: "{{range .items}}{{.title}}\t|\n{{end}}"}, width(80))
	require.NoError(t, List(x.p, incidents, []incident{evil()}, Meta{}))
	assert.Equal(t, ios.VisibleBlock(evil().Title)+"\t|\n", x.out.String())
}
