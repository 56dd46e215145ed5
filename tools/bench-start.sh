#!/bin/sh
# Prints what a start of oncall costs beside an empty Go program's, and what a
# person waits for at the prompt: the median of many runs of each, in turn, in
# milliseconds. The demo answers unpaced, from a state folder of the bench's own.
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
	oncall, empty := os.Args[1], os.Args[2]
	rows := []struct {
		name string
		argv []string
		took []time.Duration
	}{
		{name: "empty Go program", argv: []string{empty}},
		{name: "oncall version", argv: []string{oncall, "version"}},
		{name: "oncall help", argv: []string{oncall, "help"}},
		{name: "oncall incident list", argv: []string{oncall, "incident", "list", "--context", "demo"}},
		{name: "completion of a number", argv: []string{oncall, "__complete", "incident", "ack", "--context", "demo", ""}},
	}
	for range runs {
		for i := range rows {
			begin := time.Now()
			if out, err := exec.Command(rows[i].argv[0], rows[i].argv[1:]...).CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n%s", rows[i].name, err, out)
				os.Exit(1)
			}
			rows[i].took = append(rows[i].took, time.Since(begin))
		}
	}
	for _, r := range rows {
		slices.Sort(r.took)
		fmt.Printf("%-22s %6.2f ms (median of %d)\n", r.name, float64(r.took[runs/2].Microseconds())/1000, runs)
	}
}
GO
CGO_ENABLED=0 go build -o "$dir/empty" "$dir/empty.go"
CGO_ENABLED=0 go build -o "$dir/time" "$dir/time.go"
HOME=$dir XDG_CONFIG_HOME=$dir XDG_STATE_HOME=$dir XDG_CACHE_HOME=$dir ONCALL_DEMO_PACING=off \
	"$dir/time" "$bin" "$dir/empty"
