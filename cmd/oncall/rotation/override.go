package rotation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/pager"
)

type overrideOptions struct {
	f        *cli.Factory
	cover    string
	away     string
	from     string
	until    string
	length   string
	policies []string

	start, end time.Time
}

func newCmdOverride(f *cli.Factory) *cobra.Command {
	o := &overrideOptions{f: f}
	cmd := &cobra.Command{
		Use:   "override <cover> --from <when> {--until <when> | --for <length>}",
		Short: "Put somebody in another's place for a while that is to come",
		Long: `Put <cover> in the place of --away (you, when it is not said) from one time to another.
The pager needs two steps for it; here they are one: either the whole override is
there in the end and was read back, or nothing is left behind.

An override cannot start within half an hour: for now there is oncall rotation take.
Nothing is asked. The pager mails the people concerned.`,
		Example: `oncall rotation override secondary --from "2026-03-07 09:00" --for 8h
oncall rotation override manager --away secondary --from 18:00 --until 22:00
oncall rotation override secondary --from 2h --for 1d --policy "Operations primary"`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteUsers(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.cover = args[0]
			if err := o.complete(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.away, "away", "", "who is away (default: me)")
	fs.StringVar(&o.from, "from", "", "when it begins: 2h, 18:00, \"2026-03-07 09:00\"")
	fs.StringVar(&o.until, "until", "", "when it ends, in the same forms")
	fs.StringVar(&o.length, "for", "", "how long it lasts, in place of --until: 8h, 2d")
	fs.StringArrayVar(&o.policies, "policy", nil, "only for this escalation policy; may be given several times (default: all of theirs)")
	_ = cmd.RegisterFlagCompletionFunc("away", cli.CompleteUsers(f))
	_ = cmd.RegisterFlagCompletionFunc("from", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("until", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("for", cli.Words("4h", "8h", "12h", "1d", "7d"))
	_ = cmd.RegisterFlagCompletionFunc("policy", cli.CompletePolicies(f))
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *overrideOptions) complete(cmd *cobra.Command) (err error) {
	if o.from == "" || (o.until == "") == (o.length == "") {
		return cli.Usage("%s: from when to when? give --from, and one of --until and --for", cmd.CommandPath()).WithHint("%s", cmd.UseLine())
	}
	if o.start, err = o.f.Coming("from", o.from); err != nil {
		return err
	}
	if o.length != "" {
		d, err := cli.Length("for", o.length, 0)
		o.end = o.start.Add(d)
		return err
	}
	o.end, err = o.f.Coming("until", o.until)
	return err
}

func (o *overrideOptions) run(ctx context.Context) error {
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	in, err := o.resolve(ctx, p)
	if err != nil {
		return err
	}
	if err := p.CheckOverride(in); err != nil {
		return err
	}
	span := local(o.f, in.Start, "") + " to " + local(o.f, in.End, "")
	plan := mutate.Plan{Verb: "override", Done: "made", Kind: "override", Targets: []string{in.Away.Username}, Until: &in.End,
		Effects: []string{fmt.Sprintf("%s in the place of %s, %s, on %s", in.Cover.Username, in.Away.Username, span, o.on(in))}}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		made, err := p.Override(ctx, in)
		if err != nil {
			return err
		}
		x := mutate.Outcome{Changed: !made.Already, Item: made,
			Message: fmt.Sprintf("%s, %s: %s", made.Cover, span, strings.Join(made.Policies, ", "))}
		if made.Already {
			x.Words = "already there"
		}
		if len(made.Open) > 0 {
			x.Message += fmt.Sprintf("; %s stays on duty for %s", made.Away, strings.Join(made.Open, ", "))
		}
		if made.Looked {
			x.Message += "; an answer was lost, a look shows that it arrived"
		}
		report(in.Away.Username, x)
		return nil
	})
}

// resolve turns names into people and policies.
func (o *overrideOptions) resolve(ctx context.Context, p *pager.Pager) (pager.NewOverride, error) {
	in := pager.NewOverride{Start: o.start.Truncate(time.Second), End: o.end.Truncate(time.Second), Zone: o.f.Location()}
	away := o.away
	if away == "" {
		var err error
		if away, err = me(p); err != nil {
			return in, err
		}
	}
	var err error
	if in.Away, err = p.FindUser(ctx, away); err != nil {
		return in, err
	}
	if in.Cover, err = p.FindUser(ctx, o.cover); err != nil {
		return in, err
	}
	for _, name := range o.policies {
		r, err := p.FindPolicy(ctx, name)
		if err != nil {
			return in, err
		}
		in.Policies = append(in.Policies, r)
	}
	return in, nil
}

func (o *overrideOptions) on(in pager.NewOverride) string {
	if len(in.Policies) == 0 {
		return "all policies that name " + in.Away.Username
	}
	names := []string{}
	for _, r := range in.Policies {
		names = append(names, r.Label())
	}
	return strings.Join(names, ", ")
}
