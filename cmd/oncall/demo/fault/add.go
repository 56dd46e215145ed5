package fault

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/simulator"
)

type addOptions struct {
	f          *cli.Factory
	fault      simulator.Fault
	retryAfter string
	delay      string
}

func newCmdAdd(f *cli.Factory) *cobra.Command {
	o := &addOptions{f: f}
	cmd := &cobra.Command{
		Use:   "add <kind>",
		Short: "Switch a fault on",
		Long: `Switch a fault on in the world of the context demo. The kinds:

  reset-before   the connection is lost before anything was done
  reset-after    the connection is lost after the service acted: nobody says whether
  status         an answer with --status (503), and --retry-after when given; nothing was done
  status-after   the same, though the service acted
  html           a sign-in page with status 200
  cut            the answer breaks off half-way
  slow           the answer comes a byte at a time, --delay apart
  endless        an answer without an end
  redirect       a redirect to --location, another host when left out

The first fault that fits takes a request: --service, --method and --path narrow it,
--times ends it by itself.`,
		Example: `oncall demo fault add reset-after --service victorops --method PATCH --times 1
oncall demo fault add status --status 429 --retry-after 30s --path '*/incidents'`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.Words(simulator.FaultKinds()...),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := o.complete(args[0]); err != nil {
				return err
			}
			return o.run()
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.fault.Service, "service", "", "only requests to this service")
	fs.StringVar(&o.fault.Method, "method", "", "only requests of this method, such as PATCH")
	fs.StringVar(&o.fault.PathGlob, "path", "", "only paths like this; * stands for any text")
	fs.IntVar(&o.fault.Times, "times", 0, "how many requests it takes (default: all until it is cleared)")
	fs.IntVar(&o.fault.Status, "status", 0, "status of the answer, 400 to 599 (default 503)")
	fs.StringVar(&o.retryAfter, "retry-after", "", "ask to wait this long: 30s")
	fs.StringVar(&o.delay, "delay", "", "time between two bytes (default 200ms)")
	fs.StringVar(&o.fault.Location, "location", "", "where a redirect leads")
	_ = cmd.RegisterFlagCompletionFunc("service", cli.Words(simulator.ServiceNames()...))
	_ = cmd.RegisterFlagCompletionFunc("method", cli.Words("GET", "POST", "PUT", "PATCH", "DELETE"))
	for _, name := range []string{"path", "times", "status", "retry-after", "delay", "location"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

func (o *addOptions) complete(kind string) error {
	if err := known("fault", kind, simulator.FaultKinds()); err != nil {
		return err
	}
	if o.fault.Service != "" {
		if err := known("--service", o.fault.Service, simulator.ServiceNames()); err != nil {
			return err
		}
	}
	o.fault.Kind = kind
	o.fault.Method = strings.ToUpper(o.fault.Method)
	if err := o.fits(); err != nil {
		return err
	}
	for _, d := range []struct {
		flag, text string
		into       *time.Duration
	}{{"retry-after", o.retryAfter, &o.fault.RetryAfter}, {"delay", o.delay, &o.fault.Delay}} {
		v, err := cli.Length(d.flag, d.text, 0)
		if err != nil {
			return err
		}
		*d.into = v
	}
	return nil
}

// fits refuses a flag that the kind would not look at.
func (o *addOptions) fits() error {
	status := strings.HasPrefix(o.fault.Kind, simulator.FaultStatus)
	for _, x := range []struct {
		flag  string
		given bool
		of    string
		ok    bool
	}{
		{"status", o.fault.Status != 0, "status and status-after", status},
		{"retry-after", o.retryAfter != "", "status and status-after", status},
		{"delay", o.delay != "", "slow", o.fault.Kind == simulator.FaultSlow},
		{"location", o.fault.Location != "", "redirect", o.fault.Kind == simulator.FaultRedirect},
	} {
		if x.given && !x.ok {
			return cli.Usage("--%s is for the kinds %s, not for %s", x.flag, x.of, o.fault.Kind)
		}
	}
	switch {
	case o.fault.Status != 0 && (o.fault.Status < 400 || o.fault.Status > 599):
		return cli.Usage("--status: %d is not from 400 to 599", o.fault.Status)
	case o.fault.Times < 0:
		return cli.Usage("--times: %d is not a number of requests", o.fault.Times)
	}
	return nil
}

func known(what, word string, words []string) error {
	if slices.Contains(words, word) {
		return nil
	}
	err := cli.Usage("%s: %q is not one of %s", what, word, strings.Join(words, ", "))
	if near := nearest.Of(word, words); len(near) > 0 {
		return err.WithHint("%s", near[0])
	}
	return err
}

func (o *addOptions) run() error {
	out, w, err := open(o.f, "oncall demo fault add")
	if err != nil {
		return err
	}
	if err := w.AddFault(o.fault); err != nil {
		return err
	}
	all, err := w.Faults()
	if err != nil {
		return err
	}
	list := items(all)
	return printer.List(out, table(), list[len(list)-1:], printer.Meta{})
}
