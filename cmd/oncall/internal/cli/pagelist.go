package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

// PageList is the list of what the status page tells of and keeps: what is open,
// and with --all or --since also what is over.
type PageList[T any] struct {
	Table      func(*Factory) printer.Table[T]
	Read       func(b *publicstatus.Board, ctx context.Context, all bool, since time.Time) ([]T, error)
	All, Since string // help of the flags
	NoneOpen   string // said when nothing is open
	None       string // said when nothing fits --all or --since
}

// Command makes the list command; cmd has its texts.
func (l PageList[T]) Command(f *Factory, cmd *cobra.Command) *cobra.Command {
	var all bool
	var since string
	cmd.Use, cmd.Args, cmd.ValidArgsFunction = "list", NoArgs, cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		from, err := f.Since(since)
		if err != nil {
			return err
		}
		b, err := f.PublicStatus(cmd.Context())
		if err != nil {
			return err
		}
		rows, err := l.Read(b, cmd.Context(), all, from)
		if err != nil {
			return err
		}
		empty := l.NoneOpen
		if all || since != "" {
			empty = l.None
		}
		return printer.List(f.Printer(), l.Table(f), rows, printer.Meta{Empty: empty})
	}
	cmd.Flags().BoolVar(&all, "all", false, l.All)
	cmd.Flags().StringVar(&since, "since", "", l.Since+": 2h, 7d, 2006-01-02")
	_ = cmd.RegisterFlagCompletionFunc("since", cobra.NoFileCompletions)
	return cmd
}
