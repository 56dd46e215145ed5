package e2e

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// BenchmarkScan reads a console like the demo's: Robot Framework and what the
// tests print.
func BenchmarkScan(b *testing.B) {
	var text strings.Builder
	for i := 0; text.Len() < 64<<20; i++ {
		fmt.Fprintf(&text, "[%8.3f] systemd[1]: Started service unit number %d of the device under test\n", float64(i)/10, i)
		if i%200 == 0 {
			fmt.Fprintf(&text, "Checking thing number %-49d| PASS |\n%s\n", i, strings.Repeat("-", 78))
		}
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(io.MultiReader(strings.NewReader(text.String())), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
