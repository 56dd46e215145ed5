package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// Statuspage makes the client of the public status page.
func (f *Factory) Statuspage(ctx context.Context) (*statuspage.Client, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	s, err := secrets(ctx, cfg, "statuspage.api-key")
	if err != nil {
		return nil, err
	}
	return f.statuspage(s[0])
}

func (f *Factory) statuspage(key secret.String) (*statuspage.Client, error) {
	h, cfg, err := f.HTTP(statuspage.Vendor)
	if err != nil {
		return nil, err
	}
	f.pace(&h, cfg, key, statuspage.Limits()...)
	return statuspage.New(statuspage.Config{HTTP: h, APIKey: key, PageID: cfg.String("statuspage.page-id"), PublicURL: cfg.String("statuspage.public-url")})
}

// PublicStatus makes the status page as the team uses it.
func (f *Factory) PublicStatus(ctx context.Context) (*publicstatus.Board, error) {
	c, err := f.Statuspage(ctx)
	if err != nil {
		return nil, err
	}
	return f.board(c)
}

// PublicPage makes the status page as everybody reads it. The key is not even
// looked up: where it is kept may be locked, or away.
func (f *Factory) PublicPage() (*publicstatus.Board, error) {
	c, err := f.statuspage(secret.String{})
	if err != nil {
		return nil, err
	}
	return f.board(c)
}

func (f *Factory) board(c *statuspage.Client) (*publicstatus.Board, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	return publicstatus.New(c, publicstatus.Options{User: cfg.Context().User, Now: f.Clocked, Sleep: f.Wait, NewID: newID}), nil
}

// Audience says who is told of a public change: n subscribers, -1 when that
// could not be asked.
func Audience(n int, notify bool) string {
	switch {
	case !notify:
		return "nobody is notified"
	case n < 0:
		return "subscribers are notified; how many could not be asked"
	case n == 1:
		return "1 subscriber is notified"
	}
	return Thousands(n) + " subscribers are notified"
}

// Says tells a public text in a plan, line by line under its label.
func Says(label, text string) []string {
	out := []string{}
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if i > 0 {
			label = ""
		}
		out = append(out, fmt.Sprintf("%-6s %s", label, strings.TrimRight(line, "\r")))
	}
	return out
}

// BodyFlags are --body and --body-file, the two ways to give a public text;
// ReadText reads them.
func BodyFlags(cmd *cobra.Command, body, file *string) {
	cmd.Flags().StringVar(body, "body", "", "public text, Markdown; - is standard input")
	cmd.Flags().StringVar(file, "body-file", "", "file with the text; - is standard input")
	_ = cmd.RegisterFlagCompletionFunc("body", cobra.NoFileCompletions)
}

// Held tells which components stay as they are at an end, and why, for a plan.
func Held(held []publicstatus.Held) []string {
	out := []string{}
	for _, h := range held {
		out = append(out, fmt.Sprintf("%s stays %s: %s still names it", h.Name, publicstatus.SayStatus(h.State), strings.Join(h.By, ", ")))
	}
	return out
}

// Thousands is a number as people read it: 1,204.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// TellPager notes a public change on the pager incident that it is paired with.
// It comes after the change, so a failure is a warning.
func (f *Factory) TellPager(ctx context.Context, pair *publicstatus.Pager, text string) {
	if pair == nil || f.Change.DryRun {
		return
	}
	p, err := f.Pager(ctx)
	if err == nil {
		_, _, err = p.AddNote(ctx, pair.Number, text)
	}
	if err != nil {
		f.IO.Warn("pager incident %s got no note of it: %v", pair.Number, err)
	}
}

// PagerNumber reads the number of a pager incident from a flag; "" stays "".
func PagerNumber(flag, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	n, err := pager.Number(text)
	if err != nil {
		return "", Usage("--%s: %q is not the number of a pager incident", flag, text)
	}
	return n, nil
}

// CompleteComponents offers the components of the page; assign adds each
// status, for COMPONENT=STATUS.
func CompleteComponents(f *Factory, assign bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		inner := Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
			b, err := f.PublicStatus(ctx)
			if err != nil {
				return nil, err
			}
			all, err := b.Components(ctx)
			if err != nil {
				return nil, err
			}
			out := []cobra.Completion{}
			for _, c := range all {
				if !assign {
					out = append(out, cobra.CompletionWithDesc(c.Name, publicstatus.SayStatus(c.State)))
					continue
				}
				for _, w := range publicstatus.ComponentWords() {
					out = append(out, cobra.CompletionWithDesc(c.Name+"="+w, "now "+publicstatus.SayStatus(c.State)))
				}
			}
			return out, nil
		})
		return inner(cmd, args, typed)
	}
}

// CompletePublicIncidents offers the open public incidents.
func CompletePublicIncidents(f *Factory) cobra.CompletionFunc {
	return Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		b, err := f.PublicStatus(ctx)
		if err != nil {
			return nil, err
		}
		open, err := b.OpenIncidents(ctx)
		out := []cobra.Completion{}
		for _, i := range open {
			out = append(out, cobra.CompletionWithDesc(i.ID, publicstatus.SayState(i.State)+": "+i.Title))
		}
		return out, err
	})
}

// CompleteMaintenance offers the maintenance that is not over.
func CompleteMaintenance(f *Factory) cobra.CompletionFunc {
	return Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		b, err := f.PublicStatus(ctx)
		if err != nil {
			return nil, err
		}
		open, err := b.Maintenances(ctx, false, time.Time{})
		out := []cobra.Completion{}
		for _, m := range open {
			if m.Open() {
				out = append(out, cobra.CompletionWithDesc(m.ID, publicstatus.SayState(m.State)+": "+m.Title))
			}
		}
		return out, err
	})
}

// FirstOnly lets a completion speak for the first argument alone.
func FirstOnly(inner cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return inner(cmd, args, typed)
	}
}

// Assignments reads COMPONENT=STATUS words.
func Assignments(words []string) ([]publicstatus.Assignment, error) {
	out := []publicstatus.Assignment{}
	for _, w := range words {
		a, err := publicstatus.ParseAssignment(w)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// Names joins the names of components.
func Names(refs []publicstatus.Ref) string {
	words := []string{}
	for _, r := range refs {
		words = append(words, r.Name)
	}
	return strings.Join(words, ", ")
}

// PagerIncident reads a pager incident to pair with: its number, link and title.
func (f *Factory) PagerIncident(ctx context.Context, number string) (publicstatus.Pager, string, error) {
	p, err := f.Pager(ctx)
	if err != nil {
		return publicstatus.Pager{}, "", err
	}
	seen, err := p.Look(ctx, []string{number})
	if err != nil {
		return publicstatus.Pager{}, "", err
	}
	if len(seen) != 1 {
		return publicstatus.Pager{}, "", apierr.New(apierr.ErrNotFound, "victorops", "read incident "+number, "not found")
	}
	if seen[0].Err != nil {
		return publicstatus.Pager{}, "", seen[0].Err
	}
	url := seen[0].Incident.URL
	if url == "" {
		url, _ = p.Link(ctx, number) // without a link the pairing holds all the same
	}
	return publicstatus.Pager{Number: number, URL: url}, seen[0].Incident.Title, nil
}

// PagerPhases asks the pager where its incidents stand.
func (f *Factory) PagerPhases(ctx context.Context, numbers []string) (map[string]publicstatus.PagerAnswer, error) {
	p, err := f.Pager(ctx)
	if err != nil {
		return nil, err
	}
	seen, err := p.Look(ctx, numbers)
	out := map[string]publicstatus.PagerAnswer{}
	for _, s := range seen {
		out[s.Number] = publicstatus.PagerAnswer{Phase: string(s.Incident.Phase), Err: s.Err}
	}
	return out, err
}
