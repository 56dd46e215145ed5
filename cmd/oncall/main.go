// Command oncall turns an on-call primer into commands: the pager, the public
// status page, end-to-end tests, deploys and rollbacks, logs and metrics,
// heartbeats and probes.
package main

import (
	"os"

	"github.com/balena-io/oncall/cmd/oncall/root"
)

func main() { os.Exit(root.Main(os.Args[1:])) }
