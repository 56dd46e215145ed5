package rotation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/when"
)

type overrideOptions struct {
	f        *cli.Factory
	cover    string
	away     string
	from     string
	until    string
	length   string
	policies []string
	cancel   string

	start, end time.Time
}

func newCmdOverride(f *cli.Factory) *cobra.Command {
	o := &overrideOptions{f: f}
	cmd := &cobra.Command{
		Use:   "override [<cover> --from <when> {--until <when> | --for <length>} | --cancel <id>]",
		Short: "Put somebody in another's place for a while that is to come, or list who is",
		Long: `Put <cover> in the place of --away (you, when it is not said) from one time to another.
The pager needs two steps for it; here they are one: either the whole override is
there in the end and was read back, or nothing is left behind. It is refused where
somebody else stands in already (exit 8). The pager cannot refuse two that are made
at the same moment: who comes later is told, with the line that takes theirs back.

Without an argument it lists the overrides that are not over; --cancel takes one back.

An override cannot start within half an hour: for now there is oncall rotation take.
A length such as 2h counts from the next full minute. Nothing is asked. The pager
mails the people concerned.`,
		Example: `oncall rotation override secondary --from "2026-03-07 09:00" --for 8h
oncall rotation override manager --away secondary --from 18:00 --until 22:00
oncall rotation override secondary --from 2h --for 1d --policy "Operations primary"
oncall rotation override
oncall rotation override --cancel ovrprd-7Lk2mN9pQ4rS1tUv`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteUsers(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(cmd, args); err != nil {
				return err
			}
			switch {
			case o.cancel != "":
				return o.takeBack(cmd.Context())
			case o.cover == "":
				return o.list(cmd.Context())
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
	fs.StringVar(&o.cancel, "cancel", "", "take this override back, by its id")
	_ = cmd.RegisterFlagCompletionFunc("cancel", completeOverrides(f))
	_ = cmd.RegisterFlagCompletionFunc("away", cli.CompleteUsers(f))
	_ = cmd.RegisterFlagCompletionFunc("from", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("until", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("for", cli.Words("4h", "8h", "12h", "1d", "7d"))
	_ = cmd.RegisterFlagCompletionFunc("policy", cli.CompletePolicies(f))
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *overrideOptions) complete(cmd *cobra.Command, args []string) (err error) {
	given := len(args) > 0
	for _, name := range []string{"away", "from", "until", "for", "policy"} {
		given = given || cmd.Flags().Changed(name)
	}
	switch {
	case cmd.Flags().Changed("cancel"):
		if given {
			return cli.Usage("--cancel goes with the id of an override alone").WithHint("oncall rotation override --cancel ID")
		}
		if o.cancel = strings.TrimPrefix(strings.TrimSpace(o.cancel), "override/"); o.cancel == "" {
			return cli.Usage("--cancel: which override?").WithHint("oncall rotation override lists them")
		}
		return nil
	case !given:
		return nil
	case len(args) == 0:
		return cli.Usage("%s: who is to stand in?", cmd.CommandPath()).WithHint("%s", cmd.UseLine())
	}
	o.cover = args[0]
	if o.from == "" || (o.until == "") == (o.length == "") {
		return cli.Usage("%s: from when to when? give --from, and one of --until and --for", cmd.CommandPath()).WithHint("%s", cmd.UseLine())
	}
	if o.start, err = o.moment("from", o.from); err != nil {
		return err
	}
	if o.length != "" {
		d, err := cli.Length("for", o.length, 0)
		o.end = o.start.Add(d)
		return err
	}
	o.end, err = o.moment("until", o.until)
	return err
}

// moment reads a time. One that is told as a length from now is the next full
// minute: nobody means the second, and a shift that starts 11 seconds past the
// minute makes gaps and slivers in every plan and calendar.
func (o *overrideOptions) moment(flag, text string) (time.Time, error) {
	at, err := o.f.Coming(flag, text)
	if _, no := when.Duration(text); no == nil && err == nil {
		at = at.Add(time.Minute - 1).Truncate(time.Minute)
	}
	return at, err
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
	o.f.WarnOfClock(p)
	if err := p.CheckOverride(in); err != nil {
		return err
	}
	span := local(o.f, in.Start, "") + " to " + local(o.f, in.End, "")
	// Its name comes with its making.
	plan := mutate.Plan{Verb: "override", Done: "made", Kind: "override", Until: &in.End,
		Effects: []string{fmt.Sprintf("%s in the place of %s, %s, on %s", in.Cover.Username, in.Away.Username, span, o.on(in))}}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		made, err := p.Override(ctx, in)
		if err != nil {
			return err
		}
		x := mutate.Outcome{Changed: !made.Already, Item: made, Looked: made.Looked,
			Message: fmt.Sprintf("%s for %s, %s: %s", made.Cover, made.Away, span, strings.Join(made.Policies, ", "))}
		if made.Already {
			x.Words = "already there"
		}
		if len(made.Open) > 0 {
			x.Message += fmt.Sprintf("; %s stays on duty for %s", made.Away, strings.Join(made.Open, ", "))
		}
		report(made.ID, x)
		if len(made.Across) > 0 {
			return twice(o.f, made)
		}
		if !made.Already {
			o.f.IO.Hint("undo: oncall rotation override --cancel %s", made.ID)
		}
		return nil
	})
}

// twice is the error of an override that was made while somebody else made another
// for the same time. It stands: too many on duty are better than nobody.
func twice(f *cli.Factory, made pager.Override) error {
	x := made.Across[0]
	who := []string{}
	for _, c := range x.Covers {
		if c.User != "" && !slices.Contains(who, c.User) {
			who = append(who, c.User)
		}
	}
	return apierr.New(apierr.ErrConflict, "rotation", "override",
		"%s is there, and somebody made %s at the same moment: %s for %s, %s to %s; the pager keeps both, and does not tell who is on duty then",
		made.ID, x.ID, strings.Join(who, ", "), x.Away, local(f, x.Start, ""), local(f, x.End, "")).
		WithHint("agree on one, and take the other back: oncall rotation override --cancel %s", made.ID)
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
