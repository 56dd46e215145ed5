package printer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

func TestColumnsThatMatterStayLongest(t *testing.T) {
	t.Parallel()
	cell := func(text string) func(string) string { return func(string) string { return text } }
	duties := Table[string]{Kind: "Duty", Columns: []Column[string]{
		{Header: "TEAM", Value: cell("Operations")},
		{Header: "POLICY", Flex: true, Min: 14, Value: cell("Operations low urgency")},
		{Header: "STEP", Keep: true, Value: cell("1")},
		{Header: "AFTER", Value: cell("15 min")},
		{Header: "ON CALL", Keep: true, Value: cell("secondary")},
		{Header: "NOTE", Flex: true, Min: 27, Spare: true, Value: cell("until the end of the month")},
	}}
	for name, tt := range map[string]struct {
		width     int
		out, errs string
	}{
		"a spare one before all":          {60, "TEAM        POLICY                  STEP  AFTER   ON CALL\nOperations  Operations low urgency  1     15 min  secondary\n", "no room for NOTE (-o wide shows all)\n"},
		"the last that is not kept first": {46, "TEAM        POLICY             STEP  ON CALL\nOperations  Operations low u…  1     secondary\n", "no room for AFTER and NOTE (-o wide shows all)\n"},
		"even the first, when others stay": {38, "POLICY                 STEP  ON CALL\nOperations low urgen…  1     secondary\n",
			"no room for TEAM, AFTER and NOTE (-o wide shows all)\n"},
		"then the kept ones from the end": {20, "POLICY          STEP\nOperations lo…  1\n", "no room for TEAM, AFTER, ON CALL and NOTE (-o wide shows all)\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newSession(t, Options{}, width(tt.width))
			require.NoError(t, List(x.p, duties, []string{"x"}, Meta{}))
			assert.Equal(t, tt.out, x.out.String())
			assert.Equal(t, tt.errs, x.errs.String())
		})
	}
}

// What is left out takes its colour and its least width along.
func TestLeftOutColumnsLeaveTheOthersAsTheyWere(t *testing.T) {
	t.Parallel()
	cell := func(text string) func(string) string { return func(string) string { return text } }
	x := newSession(t, Options{}, width(17), colour)
	require.NoError(t, List(x.p, Table[string]{Kind: "Duty", Columns: []Column[string]{
		{Header: "TEAM", Min: 2, Value: cell("Operations")},
		{Header: "WHO", Keep: true, Value: cell("you"), Style: func(string) ios.Style { return ios.Red }},
		{Header: "WHY", Flex: true, Min: 13, Keep: true, Value: cell("a sentence about it")},
	}}, []string{"x"}, Meta{}))
	red := (&ios.Streams{Color: true}).Paint(ios.Red, "you")
	assert.Contains(t, x.out.String(), "\n"+red+" a sentence a…\n")
}
