package printer

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

type incident struct {
	Number string   `json:"number"`
	Title  string   `json:"title"`
	Phase  string   `json:"phase"`
	Count  int64    `json:"alertCount"`
	Paged  []string `json:"pagedUsers"`
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
		{Header: "TITLE", Flex: true, Value: func(i incident) string { return i.Title }},
		{Header: "ACKED BY", Value: func(i incident) string { return "" }},
	},
	Empty: "no open incidents",
}

func sample() []incident {
	return []incident{
		{Number: "4127", Title: "API 5xx ratio above 2%", Phase: "triggered", Count: 1760000000000},
		{Number: "4126", Title: "e2e hourly: no success for 1h 日本語 🔥", Phase: "acknowledged", Paged: []string{"no", "you"}},
	}
}

func TestLook(t *testing.T) {
	for _, f := range append(Formats, "color") {
		var out, errs bytes.Buffer
		s := &ios.Streams{Out: &out, Err: &errs, Width: 45}
		if f == "color" {
			f = "table"
			s.Color = true
			s.Width = 32
		}
		p, err := New(Options{Format: f}, s)
		require.NoError(t, err)
		require.NoError(t, List(p, incidents, sample(), Meta{Truncated: true}))
		t.Logf("%s\n%s\n%q\nERR %s", f, out.String(), out.String(), errs.String())
	}
}
