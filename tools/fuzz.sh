#!/bin/sh
# Fuzzes every Fuzz function of the tree, one after another, for the time given.
set -eu
for pkg in $(go list ./...); do
	for f in $(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
		echo "$pkg $f"
		go test -run '^$' -fuzz "^$f\$" -fuzztime "${1:-10s}" "$pkg"
	done
done
