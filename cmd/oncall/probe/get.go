package probe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nodeping"
	"github.com/balena-io/oncall/pkg/probe"
	"github.com/balena-io/oncall/pkg/shell"
)

// detail is a check with its recent history.
type detail struct {
	probe.Check
	Places []place        `json:"places"` // of the last hour
	Recent []probe.Result `json:"recent"` // newest first
	Uptime []probe.Uptime `json:"uptime"` // by month, the total last
}

// place is what one probe was answered.
type place struct {
	Code    string  `json:"location"`
	Runs    int     `json:"runs"`
	Failed  int     `json:"failed"`
	Seconds float64 `json:"medianSeconds"`

	results []probe.Result
}

func newCmdGet(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "get <name>",
		Short: "Show an outside check: what was answered, by place, with run times",
		Long: `Show one outside check: how it stands, what each place was answered in the last hour, the
latest runs and the uptime by month. It is named by its label, its id, its target, or
the begin of exactly one label or id.`,
		Example: `oncall probe get api
oncall probe get api -o json --jq '.item.places[]'`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteProbes(f)),
		RunE:              func(cmd *cobra.Command, args []string) error { return get(cmd.Context(), f, args[0]) },
	}
}

// How much of the history get shows.
const (
	getSpan = time.Hour
	getRows = 6
)

func get(ctx context.Context, f *cli.Factory, name string) error {
	out := f.Printer()
	d, err := f.Probe(ctx)
	if err != nil {
		return err
	}
	c, err := d.Find(ctx, name)
	if err != nil {
		return err
	}
	v := detail{Check: c, Places: []place{}, Recent: []probe.Result{}, Uptime: []probe.Uptime{}}
	partial := []apierr.Partial{}
	results, _, err := d.Results(ctx, c, f.Now().Add(-getSpan), 1000)
	if err != nil {
		partial = append(partial, apierr.Partial{Source: "results", Err: err})
	}
	up, err := d.Uptime(ctx, c, nodeping.ByMonth, time.Time{})
	if err != nil {
		partial = append(partial, apierr.Partial{Source: "uptime", Err: err})
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	v.Places, v.Recent, v.Uptime = places(results), append(v.Recent, results[:min(len(results), getRows)]...), up
	t := printer.Table[detail]{Kind: "Probe", Name: func(v detail) string { return v.Label() }}
	for _, col := range table(f).Columns {
		t.Columns = append(t.Columns, printer.Column[detail]{Header: col.Header, Wide: col.Wide, Flex: col.Flex, Value: func(v detail) string { return col.Value(v.Check) }})
	}
	return printer.Item(out, t, v, func(p *printer.Detail) { view(f, p, v, results) }, printer.Meta{Partial: printer.Partials(partial)})
}

// places sums up results by the probe that asked first, most failures first.
func places(results []probe.Result) []place {
	out := []place{}
	for _, r := range results {
		i := slices.IndexFunc(out, func(p place) bool { return p.Code == r.From })
		if i < 0 {
			out = append(out, place{Code: r.From})
			i = len(out) - 1
		}
		out[i].Runs++
		if !r.Passed {
			out[i].Failed++
		}
		out[i].results = append(out[i].results, r)
	}
	for i := range out {
		times := []float64{}
		for _, r := range out[i].results {
			times = append(times, r.Seconds)
		}
		slices.Sort(times)
		out[i].Seconds = times[len(times)/2]
	}
	slices.SortFunc(out, func(a, b place) int { return cmp.Or(cmp.Compare(b.Failed, a.Failed), cmp.Compare(a.Code, b.Code)) })
	return out
}

func view(f *cli.Factory, p *printer.Detail, v detail, results []probe.Result) {
	head := stateWords(v.Check)
	if v.Since != nil {
		head += " for " + f.Age(*v.Since)
	}
	p.Title(v.Label(), head+" · "+v.Type, style(v.Check))
	p.Row("about", v.Description)
	p.Row("target", v.Target)
	if v.Last != nil {
		p.Row("last", answer(v.Last)+", "+ios.Ago(v.Last.At, f.Now())+", from "+from(v.Last))
	}
	rule := "asks every " + length(v.Every)
	if v.Threshold > 0 {
		rule += ", an answer may take " + length(v.Threshold)
	}
	if v.Rechecks > 0 {
		rule += fmt.Sprintf(", %d probes more ask to be sure", v.Rechecks)
	}
	p.Row("rule", rule)
	if v.Muted {
		until := "until somebody ends it"
		if v.MutedUntil != nil {
			until = "until " + f.Clock(*v.MutedUntil)
		}
		p.Row("muted", until)
	}
	lines := [][2]string{}
	for _, x := range v.Places {
		lines = append(lines, [2]string{x.Code, fmt.Sprintf("%d of %d failed, usually %s  %s", x.Failed, x.Runs, took(x.Seconds), spark(x.results))})
	}
	p.Pairs("from", lines...)
	p.Row("times", spark(results))
	rows := []string{}
	for _, r := range v.Recent {
		rows = append(rows, f.Clock(r.At)+"  "+answer(&r)+", from "+from(&r))
	}
	p.Row("runs", rows...)
	rows = []string{}
	for _, u := range v.Uptime {
		rows = append(rows, fmt.Sprintf("%s  %.3f%%", u.Span, u.Percent))
	}
	p.Row("uptime", strings.Join(rows, " · "))
	p.Row("id", v.ID)
	name := shell.Word(v.Label())
	if v.State == probe.Failing {
		p.Next("oncall probe run "+name, "oncall probe results "+name+" --failed", "oncall probe mute "+name+" --for 1h --reason WHY")
		return
	}
	p.Next("oncall probe results "+name, "oncall probe outages "+name)
}
