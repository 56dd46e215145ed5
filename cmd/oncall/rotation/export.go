package rotation

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/atomicfile"
	"github.com/balena-io/oncall/pkg/pager"
)

type exportOptions struct {
	f     *cli.Factory
	team  string
	user  string
	mine  bool
	file  string
	query pager.ScheduleQuery
}

// calendar is what was exported.
type calendar struct {
	Name     string `json:"name"`
	Events   int    `json:"events"`
	File     string `json:"file"`     // "" when the text is the result
	Calendar string `json:"calendar"` // iCalendar text; "" when it went to a file
}

func newCmdExport(f *cli.Factory) *cobra.Command {
	o := &exportOptions{f: f}
	cmd := &cobra.Command{
		Use:   "export {<team> | --user <name> | --mine}",
		Short: "Write a plan as an iCalendar file, for a shared calendar",
		Long: `Write the shifts of a team or a person as an iCalendar file, to standard output or to
--file. Every event has an identity that stays: to import the file again brings no
duplicates, and the same plan gives the same bytes. Gaps and people who are written
into a policy for ever are no events.

A shift that changed hands is the same event with another name in it.`,
		Example: `oncall rotation export Operations --file operations.ics
oncall rotation export --mine --days 30 > mine.ics
oncall rotation export --user secondary --step 1`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteTeams(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(cmd, args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	scheduleFlags(cmd, &o.query, 90)
	fs := cmd.Flags()
	fs.StringVar(&o.user, "user", "", "the shifts of this person, in all teams")
	fs.BoolVar(&o.mine, "mine", false, "my shifts, in all teams")
	fs.StringVar(&o.file, "file", "", "write to this file, replacing it")
	_ = cmd.RegisterFlagCompletionFunc("user", cli.CompleteUsers(f))
	_ = cmd.MarkFlagFilename("file", "ics")
	return cmd
}

func (o *exportOptions) complete(cmd *cobra.Command, args []string) error {
	n := len(args)
	if o.mine {
		n++
	}
	if o.user != "" {
		n++
	}
	if n != 1 {
		return cli.Usage("%s: whose plan? give one of a team, --user, --mine", cmd.CommandPath()).WithHint("%s", cmd.UseLine())
	}
	if info, err := os.Stat(o.file); o.file != "" && err == nil && info.IsDir() {
		return cli.Usage("--file: %s is a folder", o.file).WithHint("--file %s", filepath.Join(o.file, "oncall.ics"))
	}
	if len(args) == 1 {
		o.team = args[0]
	}
	return checkDays(o.query)
}

func (o *exportOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	done := o.f.Busy("reading the plan")
	plan, name, err := o.plan(ctx, p)
	done()
	if err != nil {
		return err
	}
	for _, x := range plan.Partial {
		o.f.IO.Warn("%s is missing from the file: %v", x.Source, x.Err)
	}
	c := calendar{Name: "On call: " + name, File: o.file}
	var text strings.Builder
	if c.Events, err = (pager.Calendar{Name: c.Name, Shifts: plan.Shifts, Names: o.names(ctx, p)}).Export(&text); err != nil {
		return err
	}
	if skipped := always(plan.Shifts); skipped > 0 {
		o.f.IO.Note("%d written into a policy for ever: no event", skipped)
	}
	if o.file == "" {
		c.Calendar = text.String()
		if out.Human() {
			return printer.NewStream(out, "Calendar", func(c calendar) string { return strings.TrimSuffix(c.Calendar, "\n") }).
				WithRaw(true).Print(c)
		}
	} else if err := atomicfile.Write(o.file, []byte(text.String()), 0o644); err != nil {
		return fmt.Errorf("write the calendar: %w", err)
	}
	return printer.Item(out, printer.Table[calendar]{
		Kind: "Calendar",
		Name: func(c calendar) string { return filepath.Base(c.File) },
		Columns: []printer.Column[calendar]{
			{Header: "CALENDAR", Value: func(c calendar) string { return c.Name }},
			{Header: "EVENTS", Value: func(c calendar) string { return fmt.Sprint(c.Events) }},
			{Header: "FILE", Value: func(c calendar) string { return c.File }},
		},
	}, c, nil, printer.Meta{Partial: printer.Partials(plan.Partial)})
}

// plan reads the shifts and the name of whose they are.
func (o *exportOptions) plan(ctx context.Context, p *pager.Pager) (pager.Schedule, string, error) {
	if o.team != "" {
		team, err := p.FindTeam(ctx, o.team)
		if err != nil {
			return pager.Schedule{}, "", err
		}
		s, err := p.TeamSchedule(ctx, team.Slug, o.query)
		return s, team.Name, err
	}
	name := o.user
	if o.mine {
		var err error
		if name, err = me(p); err != nil {
			return pager.Schedule{}, "", err
		}
	}
	user, err := p.FindUser(ctx, name)
	if err != nil {
		return pager.Schedule{}, "", err
	}
	s, err := p.UserSchedule(ctx, user.Username, o.query)
	return s, user.Username, err
}

// names gives people's names for the titles of events; usernames serve when they
// cannot be read.
func (o *exportOptions) names(ctx context.Context, p *pager.Pager) func(string) string {
	all, err := p.Users(ctx)
	if err != nil {
		o.f.IO.Warn("names could not be read, usernames stand for them: %v", err)
		return nil
	}
	return func(username string) string {
		for _, u := range all {
			if strings.EqualFold(u.Username, username) {
				return u.Name
			}
		}
		return ""
	}
}

func always(all []pager.Shift) int {
	n := 0
	for _, s := range all {
		if s.Always() {
			n++
		}
	}
	return n
}
