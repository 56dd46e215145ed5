#!/bin/sh
# Prints what a start of oncall costs beside an empty Go program's: the median
# of many runs of each, in turn, in milliseconds.
set -eu
bin=${1:-bin/oncall}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat >"$dir/empty.go" <<'GO'
package main

func main() {}
GO
cat >"$dir/time.go" <<'GO'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

func main() {
	const runs = 101
	took := make([][]time.Duration, 2)
	for range runs {
		for i, argv := range [][]string{{os.Args[1], "version"}, {os.Args[2]}} {
			begin := time.Now()
			if err := exec.Command(argv[0], argv[1:]...).Run(); err != nil {
				fmt.Fprintln(os.Stderr, argv[0], err)
				os.Exit(1)
			}
			took[i] = append(took[i], time.Since(begin))
		}
	}
	for i, name := range []string{"oncall version", "empty Go program"} {
		slices.Sort(took[i])
		fmt.Printf("%-18s %6.2f ms (median of %d)\n", name, float64(took[i][runs/2].Microseconds())/1000, runs)
	}
}
GO
CGO_ENABLED=0 go build -o "$dir/empty" "$dir/empty.go"
CGO_ENABLED=0 go build -o "$dir/time" "$dir/time.go"
"$dir/time" "$bin" "$dir/empty"
