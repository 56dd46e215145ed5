package auth

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
)

func newCmdLogout(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "logout <service>",
		Short: "Delete a service's credentials that oncall keeps",
		Long: `Delete the secrets that oncall auth login put into the keyring or into a file, and their
references in the config file. A reference to anything else ({env: ...}, {exec: ...}, a file
of your own) is left alone and named. The credential itself stays valid: revoke it at the
vendor if it may be known to others.`,
		Example:           "oncall auth logout victorops\noncall auth logout victorops --context staging",
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.Services(1),
		RunE:              func(cmd *cobra.Command, args []string) error { return logout(cmd.Context(), f, args[0]) },
	}
}

func logout(ctx context.Context, f *cli.Factory, service string) error {
	if err := checkService(service); err != nil {
		return err
	}
	out := f.Printer()
	// A variable in this shell must not hide what the file says.
	src := f.ConfigSource()
	_, name, err := fileContext(f)
	if err != nil {
		return err
	}
	cfg, err := config.Load(src.In(name))
	if err != nil {
		return err
	}
	items, gone := []keptItem{}, []string{}
	all, _ := secretsOf(service)
	for _, opt := range all {
		k := cfg.Kept(opt.Key)
		if k.Kind == "" {
			continue
		}
		item := keptItem{opt.Key, service, name, "left", k.String()}
		if k.Ours {
			if err := src.Forget(ctx, k); errors.Is(err, config.ErrNoKeyring) {
				return apierr.New(apierr.ErrAuth, service, "logout", "no keyring answers here; %s was not deleted", k)
			} else if err != nil {
				return err
			}
			item.State = "forgotten"
			gone = append(gone, opt.Key)
		}
		items = append(items, item)
	}
	if len(gone) > 0 {
		if err := config.Edit(ctx, cfg.ConfigFile(), func(d *config.Draft) error {
			for _, key := range gone {
				if err := d.Unset(name, key); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	table := keptTable()
	table.Empty = "context " + name + " holds no credential of " + service
	if err := printer.List(out, table, items, printer.Meta{}); err != nil {
		return err
	}
	for _, opt := range all {
		if f.Env(opt.Env) != "" {
			f.IO.Warn("%s is still set in this shell", opt.Env)
		}
	}
	for _, i := range items {
		if i.State == "left" {
			f.IO.Hint("%s is not oncall's to delete; to drop the reference: oncall config set %s --unset --context %s", i.Kept, i.Name, name)
		}
	}
	return nil
}
