package root

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/pkg/browser"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/apierr"
)

// Main runs oncall as a process and returns its exit code.
func Main(args []string) int {
	ctx, interrupted, stop := signals(context.Background())
	defer stop()
	home, _ := os.UserHomeDir() // without one, paths come from XDG_* alone
	d := cli.Deps{
		IO:        ios.System(os.Getenv, "auto"), //nolint:forbidigo // the one place where the environment enters
		LookupEnv: os.LookupEnv,                  //nolint:forbidigo // the same
		Environ:   os.Environ,                    //nolint:forbidigo // the same
		Home:      home,
		Version:   Version(),
		OpenURL:   openURL,
	}
	f := cli.New(d)
	f.Interrupted = interrupted
	return Run(ctx, f, args)
}

// Run runs one command line with the given surroundings and returns its exit
// code. It is Main without a process: tests and the tour use it.
func Run(ctx context.Context, f *cli.Factory, args []string) int {
	f.Words = append([]string{}, args...)
	cmd := New(f)
	cmd.SetArgs(args)
	cmd.SetIn(f.IO.In)
	cmd.SetOut(f.IO.Stdout())
	cmd.SetErr(f.IO.Err)
	err := cmd.ExecuteContext(ctx)
	code := f.Code(err)
	if err != nil {
		report(f, err, code)
	}
	f.Texts(err == nil)
	return code
}

// report prints an error: as text, or as one JSON object where the result would
// have been JSON. A quiet error, a signal and a broken pipe print
// nothing.
func report(f *cli.Factory, err error, code int) {
	var quiet *exit.Error
	if code == exit.BrokenPipe || errors.As(err, &quiet) && quiet.Err == nil {
		return
	}
	// Who pressed Ctrl-C knows; what they cannot know is told.
	if (code == exit.Interrupted || code == exit.Terminated) && !errors.Is(err, apierr.ErrUnknownOutcome) {
		return
	}
	fault := mutate.FaultOf(err)
	fault.Code, fault.Name = code, exit.NameOf(code)
	fault.Message, fault.Hint = f.Masker.Mask(fault.Message), f.Masker.Mask(fault.Hint)
	switch f.OutputFormat() {
	case "json", "jsonl", "yaml":
		text, merr := json.Marshal(struct {
			APIVersion string        `json:"apiVersion"`
			Kind       string        `json:"kind"`
			Error      *mutate.Fault `json:"error"`
		}{"oncall/v1", "Error", fault})
		if merr == nil {
			fmt.Fprintln(f.IO.Err, string(text))
		}
	default:
		for _, line := range strings.Split(fault.Message, "\n") {
			f.IO.Note("%s", line)
		}
		if fault.Hint != "" {
			f.IO.Hint("%s", fault.Hint)
		}
	}
}

// signals ends the context at the first SIGINT or SIGTERM and remembers which;
// a second one ends the process at once. A broken pipe is an error of the
// write, not the end of the process, so that a change in flight is finished.
func signals(parent context.Context) (ctx context.Context, code func() (int, bool), stop func()) {
	ctx, cancel := context.WithCancel(parent)
	var got atomic.Int32
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	signal.Ignore(syscall.SIGPIPE)
	go func() {
		s, ok := <-ch
		if !ok {
			return
		}
		code := exit.Interrupted
		if s == syscall.SIGTERM {
			code = exit.Terminated
		}
		got.Store(int32(code))
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		cancel()
	}()
	code = func() (int, bool) { c := int(got.Load()); return c, c != 0 }
	return ctx, code, func() { signal.Stop(ch); close(ch); cancel() }
}

// openURL opens a link in the browser of the user. What the browser prints is
// not ours.
func openURL(url string) error {
	browser.Stdout, browser.Stderr = nil, nil
	if err := browser.OpenURL(url); err != nil {
		return (&apierr.Error{Op: "open " + url, Err: err}).WithHint("copy the link")
	}
	return nil
}
