package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/simulator"
)

// stopWithin is how long requests under way may take when the server stops.
const stopWithin = 3 * time.Second

type serveOptions struct {
	f         *cli.Factory
	listen    string
	remote    bool
	throwaway bool
	noLimits  bool
}

// variable is one environment variable as the JSON contract has it.
type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func newCmdServe(f *cli.Factory) *cobra.Command {
	o := &serveOptions{f: f}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the demo world over HTTP, for other clients",
		Long: `Serve the world of the context demo over HTTP, each service under its own path, and
print the variables that point oncall (or your own client) at it. Requests change the
same world that --context demo shows; --throwaway serves a new one that nobody keeps.

The services have the limits of the real ones unless --no-limits is given. Ctrl-C stops it.`,
		Example: `oncall demo serve --listen 127.0.0.1:4127
oncall demo serve --listen 127.0.0.1:0 --throwaway -o json`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.listen, "listen", "127.0.0.1:4127", "address and port; port 0 takes a free one")
	fs.BoolVar(&o.remote, "allow-remote", false, "listen on an address that others on the network can reach")
	fs.BoolVar(&o.throwaway, "throwaway", false, "serve a new world that is gone afterwards")
	fs.BoolVar(&o.noLimits, "no-limits", false, "leave out the services' rate limits")
	_ = cmd.RegisterFlagCompletionFunc("listen", cobra.NoFileCompletions)
	return cmd
}

// validate refuses an address that is not this machine's own: the world's keys
// are no secret.
func (o *serveOptions) validate() error {
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return cli.Usage("--listen: %q is not ADDRESS:PORT", o.listen).WithHint("--listen 127.0.0.1:4127")
	}
	ip := net.ParseIP(host)
	if !o.remote && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return cli.Usage("--listen: %s would let others on the network in", o.listen).
			WithHint("--listen 127.0.0.1:4127, or --allow-remote if that is meant")
	}
	return o.f.UseDemo("oncall demo serve")
}

func (o *serveOptions) world() (*simulator.World, error) {
	if !o.throwaway && !o.noLimits {
		return o.f.DemoWorld()
	}
	dir, err := o.f.DemoWorldPath()
	if err != nil {
		return nil, err
	}
	if o.throwaway {
		dir = ""
	}
	return simulator.Open(simulator.Options{Dir: dir, Now: o.f.Clocked, NoLimits: o.noLimits})
}

func (o *serveOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	w, err := o.world()
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return (&apierr.Error{Op: "listen on " + o.listen, Err: err}).WithHint("--listen 127.0.0.1:0 takes a free port")
	}
	defer func() { _ = l.Close() }()
	url := "http://" + l.Addr().String()
	lines := printer.NewStream(out, "Variable", func(v variable) string { return "export " + v.Name + "=" + v.Value }).
		WithName(func(v variable) string { return v.Name })
	for _, line := range w.Env(url) {
		name, value, _ := strings.Cut(line, "=")
		if err := lines.Print(variable{name, value}); err != nil {
			return err
		}
	}
	o.f.IO.Note("serving the demo world at %s; Ctrl-C stops it", url)
	return o.serve(ctx, l, w.Handler())
}

// serve answers until ctx ends, which is the usual way and no failure. Streams
// are told to end, other requests have stopWithin.
func (o *serveOptions) serve(ctx context.Context, l net.Listener, h http.Handler) error {
	streams, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	srv := &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return streams },
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("the server stopped: %w", err)
	case <-ctx.Done():
	}
	stop()
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := srv.Shutdown(within); errors.Is(err, context.DeadlineExceeded) {
		return srv.Close()
	} else if err != nil {
		return err
	}
	o.f.IO.Note("stopped")
	return nil
}
