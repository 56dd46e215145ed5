package printer

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type listed struct {
	Name  string            `json:"name"`
	Odd   string            `json:"odd"`
	Parts []string          `json:"parts"`
	More  map[string]string `json:"more"`
}

// A list is written item by item, and reads byte for byte as the envelope does.
func TestListJSONIsTheEnvelope(t *testing.T) {
	t.Parallel()
	many := make([]listed, 3000)
	for i := range many {
		many[i] = listed{Name: strings.Repeat("x", 800), Odd: "\u202e,\"meta\":{}", Parts: []string{"a", "b"}, More: map[string]string{"k": "v"}}
	}
	for name, c := range map[string]struct {
		items []listed
		meta  Meta
	}{
		"none": {nil, Meta{}}, "one": {many[:1], Meta{}}, "meta": {many[:2], Meta{Truncated: true, Partial: []Partial{{Source: "x", Error: "y"}}}}, "many": {many, Meta{}},
	} {
		var want, got bytes.Buffer
		require.NoError(t, (&Printer{format: FormatJSON}).envelope(&want, listEnvelope("Thing", c.items, c.meta)))
		require.NoError(t, listJSON(&got, "Thing", c.items, c.meta))
		assert.Equal(t, want.String() == got.String(), true, name) //nolint:testifylint // two megabytes need not be shown
	}
}
