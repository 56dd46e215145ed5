package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/loki"
	"github.com/balena-io/oncall/pkg/prometheus"
)

// States of a service's credentials.
const (
	accepted    = "accepted"    // the service answered a read with them
	refused     = "refused"     // it did not take them
	missing     = "missing"     // one is not set, or its reference leads nowhere
	unreachable = "unreachable" // no answer, so nothing is known
	failed      = "failed"      // the read failed for another reason
	notTried    = "not tried"   // they are there; there is no read to try them with
	notNeeded   = "not needed"  // the service works without, and none is set
)

// statusItem is what is known of a service's credentials.
type statusItem struct {
	Name    string       `json:"name"` // service
	Context string       `json:"context"`
	State   string       `json:"state"`
	Secrets []secretItem `json:"secrets"`
	Message string       `json:"message,omitempty"`

	err error
}

// secretItem tells where a secret comes from, never what it is.
type secretItem struct {
	Name   string `json:"name"`           // setting: "victorops.api-key"
	Origin string `json:"origin"`         // env, context
	Where  string `json:"where"`          // "ONCALL_VICTOROPS_API_KEY", "config.yaml:12", "built in"
	Kept   string `json:"kept,omitempty"` // reference, where it is one
}

// try are the cheap reads that show whether a service takes the credentials.
func try(f *cli.Factory) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"victorops": func(ctx context.Context) error {
			return pagerUser(ctx, f)
		},
		"statuspage": func(ctx context.Context) error {
			c, err := f.Statuspage(ctx)
			if err == nil {
				_, err = c.Page(ctx)
			}
			return err
		},
		"healthchecks": func(ctx context.Context) error {
			c, err := f.Healthchecks(ctx)
			if err == nil {
				_, err = c.Checks(ctx)
			}
			return err
		},
		"nodeping": func(ctx context.Context) error {
			c, err := f.NodePing(ctx)
			if err == nil {
				_, err = c.Probes(ctx)
			}
			return err
		},
		"balena": func(ctx context.Context) error {
			c, err := f.Balena(ctx)
			if err == nil {
				_, err = c.WhoAmI(ctx)
			}
			return err
		},
		"loki": func(ctx context.Context) error {
			c, err := f.Loki(ctx)
			if err == nil {
				_, err = c.LabelNames(ctx, "", loki.Span{}) // wants the tenant too
			}
			return err
		},
		"prometheus": func(ctx context.Context) error {
			c, err := f.Prometheus(ctx)
			if err == nil {
				_, err = c.Query(ctx, prometheus.Query{Expr: "1"})
			}
			return err
		},
		"grafana": func(ctx context.Context) error {
			c, err := f.Grafana(ctx)
			if err == nil {
				_, err = c.Me(ctx)
			}
			return err
		},
	}
}

// pagerUser reads the user of the context: the key is the organisation's, so whom
// a change would be made as is as much a part of signing in as the key is.
func pagerUser(ctx context.Context, f *cli.Factory) error {
	c, err := f.VictorOps(ctx)
	if err != nil {
		return err
	}
	cfg, err := f.Config()
	if err != nil {
		return err
	}
	name := cfg.Context().User
	if name == "" {
		_, err = c.Maintenance(ctx)
		return err
	}
	_, err = c.User(ctx, name)
	if errors.Is(err, apierr.ErrNotFound) {
		return apierr.New(apierr.ErrNotFound, "victorops", "", "the key is accepted, but nobody is called %q there: changes are made as the user of the context", name).
			WithHint("set ONCALL_USER, or: oncall config set user NAME")
	}
	return err
}

func newCmdStatus(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "status [service]...",
		Short: "Tell where credentials come from, and try them with a read",
		Long: `For each service (default: those that something is set for) tell where its credentials
come from, and try them with one cheap read where there is one. Nothing is shown of them.
Ends with 3 when one is missing or refused, with 7 when a service could not be reached.`,
		Example:           "oncall auth status\noncall auth status victorops --context production",
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cli.Services(0),
		RunE:              func(cmd *cobra.Command, args []string) error { return status(cmd.Context(), f, args) },
	}
}

func status(ctx context.Context, f *cli.Factory, services []string) error {
	for _, s := range services {
		if err := checkService(s); err != nil {
			return err
		}
	}
	out := f.Printer()
	cfg, err := f.Config()
	if err != nil {
		return err
	}
	if len(services) == 0 {
		services = configured(cfg)
	}
	items := make([]statusItem, len(services))
	var wg sync.WaitGroup
	for i, s := range services {
		wg.Go(func() { items[i] = look(ctx, f, cfg, s) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := printer.List(out, statusTable(cfg.Context().Name), items, printer.Meta{}); err != nil {
		return err
	}
	return verdict(f, items)
}

// configured lists the services that somebody set something for.
func configured(cfg *config.Config) []string {
	out := []string{}
	for _, s := range config.Services() {
		if anySet(cfg, s) {
			out = append(out, s)
		}
	}
	return out
}

func anySet(cfg *config.Config, service string) bool {
	return slices.ContainsFunc(config.ServiceOptions(service), func(o config.Option) bool { return cfg.Get(o.Key).Set })
}

func look(ctx context.Context, f *cli.Factory, cfg *config.Config, service string) statusItem {
	item := statusItem{Name: service, Context: cfg.Context().Name, State: notNeeded, Secrets: []secretItem{}}
	all, required := secretsOf(service)
	for i, o := range all {
		v := cfg.Get(o.Key)
		if !v.Set && i >= required {
			continue
		}
		if v.Set {
			item.Secrets = append(item.Secrets, secretItem{o.Key, v.Origin.Kind.String(), v.Origin.Where, cfg.Kept(o.Key).String()})
		}
		if _, err := cfg.Secret(ctx, o.Key); err != nil {
			item.failed(missing, err)
			return item
		}
		item.State = notTried
	}
	read, ok := try(f)[service]
	if !ok || !anySet(cfg, service) {
		if item.State == notTried {
			item.Message = "there is no cheap read to try them with"
		}
		return item
	}
	err := read(ctx)
	switch {
	case err == nil:
		item.State = accepted
		if service == "victorops" && cfg.Context().User == "" {
			item.Message = "no user is set: changes need one (ONCALL_USER, or oncall config set user NAME)"
		}
	case errors.Is(err, apierr.ErrAuth):
		item.failed(refused, err)
	case errors.Is(err, apierr.ErrUnavailable), errors.Is(err, apierr.ErrRateLimited):
		item.failed(unreachable, err)
	default:
		item.failed(failed, err)
	}
	return item
}

func (i *statusItem) failed(state string, err error) {
	i.State, i.err = state, err
	i.Message = strings.TrimPrefix(err.Error(), i.Name+": ")
}

// remedy is what to do about refused credentials: those of the environment win
// over the ones that a login puts away.
func (i *statusItem) remedy() string {
	vars := []string{}
	all, required := secretsOf(i.Name)
	for _, s := range i.Secrets {
		// Those that are not required were not tried.
		tried := slices.ContainsFunc(all[:required], func(o config.Option) bool { return o.Key == s.Name }) || required == 0
		if tried && s.Origin == config.FromEnv.String() {
			vars = append(vars, s.Where)
		}
	}
	if len(vars) > 0 {
		return "correct " + strings.Join(vars, ", ") + " in the environment"
	}
	return "oncall auth login " + i.Name
}

// verdict gives the worst state its exit code: a credential that is not taken
// counts more than a service that does not answer.
func verdict(f *cli.Factory, items []statusItem) error {
	code := exit.OK
	for _, i := range items {
		if i.err == nil {
			continue
		}
		if c := exit.Code(i.err); code == exit.OK || c == exit.Auth {
			code = c
		}
		switch hint := apierr.HintOf(i.err); {
		case i.State == refused:
			f.IO.Hint("%s", i.remedy())
		case hint != "":
			f.IO.Hint("%s", hint)
		}
	}
	if code == exit.OK {
		return nil
	}
	return exit.Quiet(code)
}

func statusTable(context string) printer.Table[statusItem] {
	return printer.Table[statusItem]{
		Kind: "CredentialStatus",
		Name: func(s statusItem) string { return s.Name },
		Columns: []printer.Column[statusItem]{
			{Header: "SERVICE", Value: func(s statusItem) string { return s.Name }},
			{Header: "STATE", Value: func(s statusItem) string { return s.State }, Style: stateStyle},
			{Header: "FROM", Value: from},
			{Header: "MESSAGE", Flex: true, Value: func(s statusItem) string { return s.Message }},
			{Header: "CONTEXT", Wide: true, Value: func(s statusItem) string { return s.Context }},
		},
		Empty: "context " + context + " has nothing set for any service",
	}
}

func stateStyle(s statusItem) ios.Style {
	switch s.State {
	case accepted:
		return ios.Green
	case refused, missing:
		return ios.Red
	case unreachable, failed:
		return ios.Yellow
	default:
		return ios.None
	}
}

// from names each place once: usually all secrets of a service are in one.
func from(s statusItem) string {
	var out []string
	for _, x := range s.Secrets {
		text := x.Where
		if x.Kept != "" {
			text = x.Kept
		}
		if len(out) == 0 || out[len(out)-1] != text {
			out = append(out, text)
		}
	}
	return strings.Join(out, ", ")
}
