package dashboard

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/grafana"
)

type annotateOptions struct {
	f         *cli.Factory
	text      string
	tags      []string
	at, until string
	dashboard string
	mark      grafana.Annotation
}

func newCmdAnnotate(f *cli.Factory) *cobra.Command {
	o := &annotateOptions{f: f}
	cmd := &cobra.Command{
		Use:   "annotate <text>",
		Short: "Mark a deploy or an incident on the dashboards",
		Long: `Put a mark with tags on Grafana's dashboards: on all that show these tags, or on one
(--dashboard). With --incident the mark begins when the incident did, unless --at
says otherwise, and is tagged with its number. Nothing is asked.`,
		Example: `oncall dashboard annotate "api 17.4.1 rolled back" --tag deploy --tag api
oncall dashboard annotate "API 5xx" --tag incident --incident 4127 --until 03:31
oncall dashboard annotate "load test" --at 14:00 --until 14:30 --dashboard rds`,
		Args:              cli.MinArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.text = strings.Join(args, " ")
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&o.tags, "tag", nil, "tags of the mark: deploy, incident, api")
	fs.StringVar(&o.at, "at", "", "when: 10m (ago), 15:04 (default now)")
	fs.StringVar(&o.until, "until", "", "end of a mark over a time")
	fs.StringVar(&o.dashboard, "dashboard", "", "on this dashboard alone")
	_ = cmd.RegisterFlagCompletionFunc("tag", cli.Words("deploy", "incident", "api"))
	_ = cmd.RegisterFlagCompletionFunc("at", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("until", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("dashboard", completeDashboards(f))
	cli.ChangeFlags(cmd, f)
	return cmd
}

// times sets when the mark begins and ends.
func (o *annotateOptions) times(ctx context.Context) error {
	at, err := o.f.Instant("at", o.at)
	if err != nil {
		return err
	}
	end, err := o.f.Instant("until", o.until)
	if err != nil {
		return err
	}
	if n := o.f.Change.Incident; n != "" {
		begin, _, err := incidentTime(ctx, o.f, n)
		if err != nil {
			return err
		}
		if at.IsZero() {
			at = begin
		}
		o.tags = append(o.tags, "incident:"+n)
	}
	if at.IsZero() {
		if _, err := o.f.Config(); err != nil {
			return err
		}
		at = o.f.Now()
	}
	if !end.IsZero() && !end.After(at) {
		return cli.Usage("the mark ends (%s) before it begins (%s)", o.f.Clock(end), o.f.Clock(at))
	}
	// Grafana keeps milliseconds.
	o.mark = grafana.Annotation{Time: at.Truncate(time.Millisecond), TimeEnd: end, Text: o.text, Tags: o.tags}
	return nil
}

func (o *annotateOptions) run(ctx context.Context) error {
	if strings.TrimSpace(o.text) == "" {
		return cli.Usage("the text is empty")
	}
	if err := o.times(ctx); err != nil {
		return err
	}
	c, err := o.f.Grafana(ctx)
	if err != nil {
		return err
	}
	where := "on every dashboard that shows its tags"
	if o.dashboard != "" {
		d, err := find(ctx, c, o.dashboard)
		if err != nil {
			return err
		}
		o.mark.Dashboard, where = d.UID, "on the dashboard "+d.Title
	}
	if len(o.tags) > 0 {
		where += ", tagged " + strings.Join(o.tags, ", ")
	}
	plan := mutate.Plan{Verb: "annotate", Done: "added", Kind: "annotation", Effects: []string{where + ", at " + o.f.Clock(o.mark.Time)}}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		id, err := c.Annotate(ctx, o.mark)
		if err != nil {
			return err
		}
		o.mark.ID = id
		report(strconv.FormatInt(id, 10), mutate.Outcome{Changed: true, Message: o.text + ", " + o.f.Clock(o.mark.Time), Item: o.mark})
		return nil
	})
}
