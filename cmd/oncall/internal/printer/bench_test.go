package printer

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

func manyRows(n int) []incident {
	out := make([]incident, n)
	for i := range out {
		out[i] = incident{
			Number: fmt.Sprint(4000 + i), Title: fmt.Sprintf("API 5xx ratio above %d%% on host %d", i%100, i),
			Phase: "triggered", Age: "6m", Service: "api", Alerts: int64(i), Paged: []string{"you", "secondary"},
		}
	}
	return out
}

func BenchmarkFormats(b *testing.B) {
	items := manyRows(10_000)
	for _, format := range Formats {
		b.Run(format, func(b *testing.B) { benchList(b, Options{Format: format}, 0, items) })
	}
	b.Run("table at 100 columns", func(b *testing.B) { benchList(b, Options{}, 100, items) })
	b.Run("jq", func(b *testing.B) { benchList(b, Options{JQ: ".items[].number"}, 0, items) })
	b.Run("template", func(b *testing.B) {
		benchList(b, Options{Template: `{{range .items}}{{.number}}{{"\n"}}{{end}}`}, 0, items)
	})
}

func benchList(b *testing.B, o Options, width int, items []incident) {
	p, err := New(o, &ios.Streams{Out: io.Discard, Err: io.Discard, Width: width})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, List(p, incidents, items, Meta{}))
	}
}
