package main_test

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/balena-io/oncall/cmd/oncall/root"
)

var update = flag.Bool("update", false, "rewrite the expectations of the story scripts")

// TestMain lets the story scripts run oncall as the process that a user runs.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"oncall": func() { os.Exit(root.Main(os.Args[1:])) },
	})
}

// TestScript runs the stories in testdata/script: each is what a person on call
// would type, with what they see. Every story has a home folder and a demo world
// of its own, whose clock stands at the time the demo was opened.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exitcode": exitCode},
		Setup: func(e *testscript.Env) error {
			top, err := filepath.Abs("../..") // where the repository's own scripts are
			if err != nil {
				return err
			}
			e.Setenv("TOP", top)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("USERPROFILE", e.WorkDir)
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/config")
			e.Setenv("XDG_STATE_HOME", e.WorkDir+"/state")
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/cache")
			e.Setenv("TZ", "UTC")
			e.Setenv("ONCALL_CONTEXT", "demo")
			e.Setenv("ONCALL_DEMO_NOW", "2026-03-04T03:18:30Z")
			e.Setenv("ONCALL_DEMO_PACING", "off")
			return nil
		},
	})
}

// exitCode runs a command that must end with the given code:
// exitcode 6 oncall incident ack 4127 9999.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%v ended with %d, not %d", args[1:], got, want)
	}
}
