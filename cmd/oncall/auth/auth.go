// Package auth is `oncall auth`: where credentials are put, whether they work,
// and how they are forgotten. A secret is never an argument and never shown.
package auth

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/pkg/nearest"
)

// NewCmd makes `oncall auth`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "auth", "Credentials: put away, try, forget",
		newCmdLogin,
		newCmdStatus,
		newCmdLogout,
	)
}

// checkService says that a word names no service.
func checkService(name string) error {
	for _, s := range config.Services() {
		if s == name {
			return nil
		}
	}
	e := cli.Usage("%q is not a service of oncall; there are %s", name, strings.Join(config.Services(), ", "))
	if near := nearest.Of(name, config.Services()); len(near) > 0 {
		return e.WithHint("did you mean %s?", near[0])
	}
	return e
}

// secretsOf lists a service's secrets, those it cannot do without first.
func secretsOf(service string) (all []config.Option, required int) {
	var optional []config.Option
	for _, o := range config.ServiceOptions(service) {
		switch {
		case o.Kind != config.Secret:
		case o.Required:
			all = append(all, o)
		default:
			optional = append(optional, o)
		}
	}
	return append(all, optional...), len(all)
}

// own is a setting's name within its service: "api-key".
func own(o config.Option) string { return strings.TrimPrefix(o.Key, o.Service+".") }

// fileContext is the chosen context, which must be one of the config file:
// only there can a credential be referenced.
func fileContext(f *cli.Factory) (*config.Config, string, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, "", err
	}
	c := cfg.Context()
	switch {
	case cfg.InFile(c.Name):
		return cfg, c.Name, nil
	case c.Demo:
		return nil, "", cli.Usage("the demo context has its credentials built in").WithHint("name another context with --context, or make one with oncall init")
	default:
		return nil, "", cli.Usage("no context of a config file is chosen, and credentials are kept for one").WithHint("oncall init makes one; without a file the environment holds them: oncall help environment")
	}
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}
