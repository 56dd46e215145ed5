package printer

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
)

// incident is a type as a noun has it: its JSON form first.
type incident struct {
	Number  string    `json:"number"`
	Title   string    `json:"title"`
	Phase   string    `json:"phase"`
	Age     string    `json:"-"`
	Service string    `json:"service"`
	Started time.Time `json:"startedAt"`
	Alerts  int64     `json:"alertCount"`
	Paged   []string  `json:"pagedUsers"`
	AckedBy string    `json:"ackedBy,omitempty"`
	URL     string    `json:"url"`
}

var incidents = Table[incident]{
	Kind: "Incident",
	Name: func(i incident) string { return i.Number },
	Columns: []Column[incident]{
		{Header: "NUMBER", Value: func(i incident) string { return i.Number }},
		{Header: "PHASE", Value: func(i incident) string { return i.Phase }, Style: func(i incident) ios.Style {
			if i.Phase == "triggered" {
				return ios.Red
			}
			return ios.None
		}},
		{Header: "AGE", Value: func(i incident) string { return i.Age }},
		{Header: "TITLE", Flex: true, Value: func(i incident) string { return i.Title }},
		{Header: "SERVICE", Value: func(i incident) string { return i.Service }},
		{Header: "PAGED", Value: func(i incident) string { return strings.Join(i.Paged, ",") }},
		{Header: "ACKED BY", Value: func(i incident) string { return i.AckedBy }},
		{Header: "URL", Wide: true, Value: func(i incident) string { return i.URL }},
	},
	Empty: "no open incidents",
}

// sample is the list of experience.md.
func sample() []incident {
	eet := time.FixedZone("EET", 2*3600)
	return []incident{
		{Number: "4127", Phase: "triggered", Age: "6m", Title: "API 5xx ratio above 2%", Service: "api", Paged: []string{"you"},
			Alerts: 1760000000000, Started: time.Date(2026, 1, 10, 3, 12, 4, 0, eet), URL: "https://portal.example.test/4127?a=1&b=2"},
		{Number: "4126", Phase: "triggered", Age: "41m", Title: "e2e hourly: no success for 1h", Service: "e2e", Paged: []string{"you"}},
		{Number: "4119", Phase: "acknowledged", Age: "4d", Title: "Disk 91% on registry-2", Service: "infra", AckedBy: "secondary"},
	}
}

// evil is a thing whose every text tries something.
func evil() incident {
	return incident{Number: "1\x1b[2J", Phase: "open\r", Title: "a\u202eb | <script>\nincident/2 \U000e0041", Service: "\u009b31m\x7f"}
}

// session is a printer and what it printed.
type session struct {
	p         *Printer
	s         *ios.Streams
	out, errs bytes.Buffer
}

func newSession(t testing.TB, o Options, change ...func(*ios.Streams)) *session {
	t.Helper()
	x := &session{}
	x.s = &ios.Streams{Out: &x.out, Err: &x.errs}
	for _, c := range change {
		c(x.s)
	}
	p, err := New(o, x.s)
	require.NoError(t, err)
	x.p = p
	return x
}

func width(columns int) func(*ios.Streams) {
	return func(s *ios.Streams) { s.Width, s.OutTTY = columns, true }
}

func colour(s *ios.Streams) { s.Color = true }

// lines is a golden text: without its first line end and with the indent of
// its first line taken off every line.
func lines(text string) string {
	text = strings.TrimPrefix(text, "\n")
	indent := text[:len(text)-len(strings.TrimLeft(text, "\t"))]
	var b strings.Builder
	for l := range strings.Lines(text) {
		b.WriteString(strings.TrimPrefix(l, indent))
	}
	return strings.TrimRight(b.String(), "\t")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		o         Options
		err, hint string
	}{
		"a near word": {Options{Format: "jsn"},
			`--output: unknown format "jsn": table, wide, json, jsonl, yaml, name or md`, "-o json"},
		"another name": {Options{Format: "ndjson"},
			`--output: unknown format "ndjson": table, wide, json, jsonl, yaml, name or md`, "-o jsonl"},
		"upper case": {Options{Format: "YML"},
			`--output: unknown format "YML": table, wide, json, jsonl, yaml, name or md`, "-o yaml"},
		"nothing near": {Options{Format: "spreadsheet"},
			`--output: unknown format "spreadsheet": table, wide, json, jsonl, yaml, name or md`, ""},
		"both": {Options{JQ: ".", Template: "x"}, "--jq and --template: only one of them can be given", ""},
		"jq in the middle": {Options{JQ: ".items[} | .x"},
			"--jq: unexpected token \"}\"\n  .items[} | .x\n         ^", "the expression reads the JSON envelope: --jq '.items[]', --jq .item"},
		"jq at the end": {Options{JQ: ".items |"},
			"--jq: unexpected EOF\n  .items |\n          ^", "the expression reads the JSON envelope: --jq '.items[]', --jq .item"},
		"jq on a later line": {Options{JQ: ".items[]\n| 日本)"},
			"--jq: unexpected token \"日\"\n  | 日本)\n    ^", "the expression reads the JSON envelope: --jq '.items[]', --jq .item"},
		"jq string": {Options{JQ: `."items`},
			"--jq: unterminated string literal\n  .\"items\n         ^", "the expression reads the JSON envelope: --jq '.items[]', --jq .item"},
		"jq function": {Options{JQ: ".items | foo"},
			"--jq: function not defined: foo/0\n  .items | foo\n           ^", "the expression reads the JSON envelope: --jq '.items[]', --jq .item"},
		"jq variable": {Options{JQ: ".items[$i]"},
			"--jq: variable not defined: $i\n  .items[$i]\n         ^", "the expression reads the JSON envelope: --jq '.items[]', --jq .item"},
		"template": {Options{Template: "a\n{{range .items}}"},
			"--template: line 2: unexpected EOF",
			`the template reads the JSON envelope: --template '{{range .items}}{{.name}}{{"\n"}}{{end}}'`},
		"template function": {Options{Template: "{{foo}}"},
			`--template: line 1: function "foo" not defined`,
			`the template reads the JSON envelope: --template '{{range .items}}{{.name}}{{"\n"}}{{end}}'`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tt.o, &ios.Streams{})
			require.ErrorIs(t, err, apierr.ErrUsage)
			assert.Equal(t, tt.err, err.Error())
			assert.Equal(t, tt.hint, apierr.HintOf(err))
		})
	}
}

func TestFormatInUse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o     Options
		want  string
		human bool
	}{
		{Options{}, "table", true},
		{Options{Format: "table"}, "table", true},
		{Options{Format: "wide"}, "wide", true},
		{Options{Format: "json"}, "json", false},
		{Options{Format: "md"}, "md", false},
		{Options{JQ: "."}, "json", false},
		{Options{Format: "table", Template: "x"}, "json", false},
	} {
		p := newSession(t, tt.o).p
		assert.Equal(t, tt.want, p.Format(), "%+v", tt.o)
		assert.Equal(t, tt.human, p.Human(), "%+v", tt.o)
		assert.Equal(t, tt.want == "wide", p.Wide(), "%+v", tt.o)
	}
}
