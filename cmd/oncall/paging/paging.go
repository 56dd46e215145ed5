// Package paging is `oncall paging`: how people are reached, and whether they
// could be woken.
package paging

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/pager"
)

// NewCmd makes `oncall paging`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "paging", "How people are paged, and whether a page would wake them",
		newCmdShow,
		newCmdCheck,
	)
}

// username finds the person meant; "" is the user of the context.
func username(ctx context.Context, p *pager.Pager, name string) (string, error) {
	if name == "" {
		if p.User == "" {
			return "", cli.Usage("who are you? no user is set").WithHint("set ONCALL_USER, or: oncall config set user NAME")
		}
		return p.User, nil
	}
	u, err := p.FindUser(ctx, name)
	return u.Username, err
}
