package root

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

// Tree is the tree of commands with nothing behind it: no environment, no
// files, no streams. Documentation is written from it.
func Tree() *cobra.Command {
	cmd := New(cli.New(cli.Deps{
		IO:        &ios.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard},
		LookupEnv: func(string) (string, bool) { return "", false },
	}))
	cmd.InitDefaultHelpCmd()
	cmd.InitDefaultCompletionCmd()
	return cmd
}
