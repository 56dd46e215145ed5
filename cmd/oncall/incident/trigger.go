package incident

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/pager"
)

type triggerOptions struct {
	f *cli.Factory

	summary string
	details string
	to      []string
	all     bool

	routingKey string
	kind       string
	entityID   string
	host       string
	links      []string
}

func newCmdTrigger(f *cli.Factory) *cobra.Command {
	o := &triggerOptions{f: f}
	cmd := &cobra.Command{
		Use:   "trigger --summary <text> {--to {user|policy}:<name> | --routing-key <key>}",
		Short: "Page somebody: open an incident, or send an alert as a monitor would",
		Long: `With --to, open an incident and page users or policies by name, as you.

With --routing-key, send an alert through the pager's REST integration, as a monitor
would: --type says what kind, --entity-id ties a later ack or recovery to it. The
pager takes a misspelt type or an unknown key without a word and pages nobody, so
both are checked here first.

Nothing is asked; the line says who is paged.`,
		Example: `oncall incident trigger --summary "Registry is out of disk" --to user:secondary
oncall incident trigger --routing-key ops --entity-id disk/registry-2 --summary "Disk 97%" \
    --annotate-url "Dashboard=https://monitor.example.test/d/disk"
oncall incident trigger --routing-key ops --entity-id disk/registry-2 --type recovery`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(cmd); err != nil {
				return err
			}
			if o.routingKey != "" {
				return o.alert(cmd.Context())
			}
			return o.incident(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.summary, "summary", "", "what is wrong, in one line: the incident's title")
	fs.StringVar(&o.details, "details", "", "more about it")
	fs.StringArrayVar(&o.to, "to", nil, "whom to page: user:NAME or policy:NAME; may be given several times")
	fs.BoolVar(&o.all, "all", false, "with --to: all of them must acknowledge (Enterprise plans)")
	fs.StringVar(&o.routingKey, "routing-key", "", "send an alert with this routing key instead")
	fs.StringVar(&o.kind, "type", "critical", "with --routing-key: "+strings.Join(pager.AlertTypes(), ", "))
	fs.StringVar(&o.entityID, "entity-id", "", "with --routing-key: what ties trigger, ack and recovery together")
	fs.StringVar(&o.host, "host", "", "with --routing-key: the host that it is about")
	fs.StringArrayVar(&o.links, "annotate-url", nil, "with --routing-key: a link, TITLE=URL; may be given several times")
	_ = cmd.RegisterFlagCompletionFunc("to", completeTargets(f))
	_ = cmd.RegisterFlagCompletionFunc("type", cli.Words(pager.AlertTypes()...))
	_ = cmd.RegisterFlagCompletionFunc("routing-key", completeRoutingKeys(f))
	cli.ChangeFlags(cmd, f)
	return cmd
}

// validate refuses flags that belong to the other way of paging: one that were
// passed over in silence would be a promise not kept.
func (o *triggerOptions) validate(cmd *cobra.Command) error {
	alertOnly := []string{"type", "entity-id", "host", "annotate-url"}
	incidentOnly := []string{"to", "all"}
	wrong, with := alertOnly, "--routing-key"
	if o.routingKey != "" {
		wrong, with = incidentOnly, "--to"
	}
	for _, name := range wrong {
		if !cmd.Flags().Changed(name) {
			continue
		}
		if name == "to" {
			return cli.Usage("--to and --routing-key: only one of them")
		}
		return cli.Usage("--%s goes with %s", name, with)
	}
	if o.routingKey == "" && len(o.to) == 0 {
		return cli.Usage("%s: whom to page?", cmd.CommandPath()).WithHint("--to user:NAME, --to policy:NAME, or --routing-key KEY")
	}
	if o.routingKey == "" && strings.TrimSpace(o.summary) == "" {
		return cli.Usage("%s: what is wrong?", cmd.CommandPath()).WithHint(`--summary "Registry is out of disk"`)
	}
	for _, l := range o.links {
		if title, url, ok := strings.Cut(l, "="); !ok || title == "" || url == "" {
			return cli.Usage("--annotate-url: %q is not TITLE=URL", l)
		}
	}
	return nil
}

func (o *triggerOptions) incident(ctx context.Context) error {
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	to, err := p.Targets(ctx, o.to)
	if err != nil {
		return err
	}
	in := pager.NewIncident{Summary: o.summary, Details: o.details, To: to, All: o.all}
	if err := pager.CheckIncident(in); err != nil {
		return err
	}
	who := []string{}
	for _, t := range to {
		who = append(who, t.String())
	}
	plan := mutate.Plan{Verb: "trigger", Done: "triggered", Kind: "incident", Effects: []string{"pages " + joined(who)}}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		made, err := p.Trigger(ctx, in)
		if err != nil {
			return err
		}
		report(made.Number, mutate.Outcome{Changed: true, Message: "pages " + joined(who), Looked: made.Looked, Item: made})
		return nil
	})
}

func (o *triggerOptions) alert(ctx context.Context) error {
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	links := []pager.Link{}
	for _, l := range o.links {
		title, url, _ := strings.Cut(l, "=")
		links = append(links, pager.Link{Title: title, URL: url})
	}
	a, err := p.CheckAlert(ctx, pager.NewAlert{RoutingKey: o.routingKey, Type: o.kind, EntityID: o.entityID,
		Title: o.summary, Message: o.details, Host: o.host, Links: links})
	if err != nil {
		return err
	}
	plan := mutate.Plan{Verb: "send", Done: "sent", Kind: "alert", Notes: a.Advice}
	if len(a.Policies) > 0 {
		plan.Effects = []string{"alert by routing key " + a.RoutingKey + " to " + joined(a.Policies)}
	}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		sent, err := p.SendAlert(ctx, a)
		if err != nil {
			return err
		}
		note := sent.Type + " by routing key " + sent.RoutingKey
		if sent.Number != "" {
			note += ", incident " + sent.Number
		}
		report(sent.EntityID, mutate.Outcome{Changed: true, Message: note, Looked: sent.Looked, Item: sent})
		return nil
	})
}

func completeRoutingKeys(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		vo, err := f.VictorOps(ctx)
		if err != nil {
			return nil, err
		}
		keys, err := vo.RoutingKeys(ctx)
		out := []cobra.Completion{}
		for _, k := range keys {
			if !k.IsDefault { // the default one's name is a pattern
				out = append(out, k.Key)
			}
		}
		return out, err
	})
}
