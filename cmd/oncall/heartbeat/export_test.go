package heartbeat

import (
	"context"
	"time"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
)

// RunWith is `heartbeat run` with another patience than that of the command.
func RunWith(ctx context.Context, f *cli.Factory, patience time.Duration, name string, argv ...string) error {
	return (&runOptions{f: f, name: name, argv: argv, patience: patience}).run(ctx)
}
