package root_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/root"
	"github.com/balena-io/oncall/pkg/simulator"
)

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, err, hint string }{
		{"incdent list", `"incdent" is not a command of oncall`, "hint: oncall incident"},
		{"incident", "", ""},
		{"incident lst", `"lst" is not a command of oncall incident`, "hint: oncall incident list"},
		{"help nosuch", `"nosuch" is not a command of oncall`, "hint: oncall --help"},
		{"help incident lst", `"lst" is not a command of oncall incident`, "hint: oncall incident list"},
		{"help exit-code", `"exit-code" is not a command of oncall`, "hint: oncall exit-codes"},
		{"rotation mine --days x", `--days: "x" is not a whole number`, "hint: oncall rotation mine --help"},
		{"incident list --mine=x", `--mine: "x" is neither true nor false`, "hint: oncall incident list --help"},
		{"incident list --nosuch", "unknown flag: --nosuch", "hint: oncall incident list --help"},
		{"incident list -Z", "unknown shorthand flag: 'Z' in -Z", "hint: oncall incident list --help"},
		{"incident list extra", `oncall incident list takes no argument, got 1 ("extra" is one too many)`, "hint: oncall incident list [flags]"},
		{"incident get", "oncall incident get takes one argument, got none", "hint: oncall incident get <number> [flags]"},
		{"incident list -o xml", `unknown format "xml"`, "-o"},
		{"incident ack 4127 --jq {", "--jq: unexpected EOF", "hint: the expression"},
		{"incident note 4127 looking --template {{", "--template: line 1", "hint: the template"},
		{"incident list --color sometimes", `unknown mode "sometimes"`, ""},
		{"incident list --context nowhere", "nowhere", ""},
		{"incident list --phase trigered", `--phase: "trigered" is not one of triggered, acknowledged, resolved, all`, "hint: --phase triggered"},
		{"incident list --since 03/04", "two ways", ""},
		{"incident list --timeout soon", "--timeout", ""},
	} {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			r := e.Run(c.line)
			if c.err == "" {
				assert.Equal(t, 0, r.Code, "a group without a word is help")
				assert.Contains(t, r.Out, "Usage:")
				return
			}
			assert.Equal(t, 2, r.Code, r.Err)
			assert.Empty(t, r.Out)
			assert.Contains(t, r.Err, c.err)
			assert.Contains(t, r.Err, c.hint)
			sent, err := e.World.Requests()
			require.NoError(t, err)
			assert.Empty(t, sent, "a usage error sends nothing")
		})
	}
}

func TestHelpTopics(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	codes := e.Run("help exit-codes")
	require.Equal(t, 0, codes.Code, codes.Err)
	for _, r := range exit.Table {
		assert.Contains(t, codes.Out, r.Meaning)
	}
	env := e.Run("help environment")
	for _, o := range config.Options() {
		if o.Env != "" {
			assert.Contains(t, env.Out, o.Env+" ")
		}
	}
	out := e.Run("help output")
	for _, f := range config.Formats() {
		assert.Contains(t, out.Out, "-o "+f)
	}
	assert.Contains(t, e.Run("--help").Out, "exit-codes")
}

func TestVersion(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	delete(e.Vars, "ONCALL_CONTEXT") // it needs no configuration
	assert.Contains(t, e.Run("version").Out, "test")
	assert.Equal(t, "version/test\n", e.Run("version -o name").Out)
	assert.Equal(t, "test\n", e.Run("version --jq .item.version").Out)
	e.Vars["ONCALL_OUTPUT"] = "name"
	assert.Equal(t, "version/test\n", e.Run("version").Out)
}

func TestAWrongFormatOfTheEnvironmentIsToldBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"version", "config path", "incident watch", "incident ack 4127", "incident list"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			e.Vars["ONCALL_OUTPUT"] = "jsn"
			r := e.Run(line)
			assert.Equal(t, 2, r.Code)
			assert.Empty(t, r.Out)
			assert.Contains(t, r.Err, `ONCALL_OUTPUT: unknown format "jsn"`)
			assert.Contains(t, r.Err, "hint: ONCALL_OUTPUT=json")
			sent, err := e.World.Requests()
			require.NoError(t, err)
			assert.Empty(t, sent)
		})
	}
}

func TestNothingConfigured(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	delete(e.Vars, "ONCALL_CONTEXT")
	r := e.Run("incident list")
	assert.Equal(t, 2, r.Code)
	assert.Empty(t, r.Out)
	assert.Contains(t, r.Err, "oncall --context demo incident list")
	assert.Contains(t, r.Err, "oncall init")
}

// TestHelpOpensNothing: a broken config file and a dead network do not stand in
// the way of --help, version and completion scripts.
func TestHelpOpensNothing(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Vars["ONCALL_CONFIG"] = e.Home + "/does-not-exist.yaml"
	for _, line := range []string{"--help", "incident ack --help", "help exit-codes", "version", "completion bash", "completion zsh", "completion fish", "completion powershell"} {
		r := e.Run(line)
		assert.Equal(t, 0, r.Code, "%s: %s", line, r.Err)
		assert.NotEmpty(t, r.Out, line)
		assert.Empty(t, r.Err, line)
	}
	sent, err := e.World.Requests()
	require.NoError(t, err)
	assert.Empty(t, sent)
}

func TestCompletionHasLiveValues(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`__complete incident ack ""`)
	require.Equal(t, 0, r.Code)
	assert.Contains(t, r.Out, "4127\ttriggered 6m: API 5xx ratio above 2%\n")
	assert.NotContains(t, r.Out, "4119", "an acknowledged one cannot be acknowledged")
	assert.Contains(t, r.Out, ":4\n", "no file names")
	assert.NotContains(t, e.Run(`__complete incident ack 4127 ""`).Out, "4127\t", "one that was given is not offered again")
	assert.Contains(t, e.Run(`__complete incident list --team ""`).Out, "Operations\n")
	assert.Contains(t, e.Run(`__complete incident list --context ""`).Out, "demo\t")
	assert.Contains(t, e.Run(`__complete incident list -o ""`).Out, "jsonl\n")
	changes, err := e.World.Changes()
	require.NoError(t, err)
	assert.Empty(t, changes, "completion only reads")
}

// TestCompletionReadsGlobalFlags: the line that is completed says where to look.
func TestCompletionReadsGlobalFlags(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		`__complete incident ack --context demo ""`,
		`__complete --context demo incident ack ""`,
		`__complete -c demo incident ack ""`,
		`__complete incident ack --context=demo ""`,
	} {
		e := clitest.New(t)
		delete(e.Vars, "ONCALL_CONTEXT")
		assert.Contains(t, e.Run(line).Out, "4127\t", line)
	}
}

// TestCompletionIsSilentOnFailure: a shell shows whatever is printed in the prompt.
func TestCompletionIsSilentOnFailure(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.CompletionBudget = 50 * time.Millisecond
	require.NoError(t, e.World.AddFault(simulator.Fault{Kind: simulator.FaultSlow, Delay: time.Hour}))
	r := e.Run(`__complete incident ack ""`)
	assert.Equal(t, 0, r.Code)
	assert.True(t, strings.HasPrefix(r.Out, ":4\n"), r.Out)
	assert.NotContains(t, r.Err, "victorops")

	e = clitest.New(t)
	delete(e.Vars, "ONCALL_CONTEXT")
	r = e.Run(`__complete incident ack ""`)
	assert.Equal(t, 0, r.Code)
	assert.True(t, strings.HasPrefix(r.Out, ":4\n"), r.Out)
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestBrokenPipeIsQuiet(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	var errOut strings.Builder
	f := e.Factory(brokenPipe{}, &errOut)
	assert.Equal(t, 141, root.Run(t.Context(), f, []string{"incident", "list"}))
	assert.Empty(t, errOut.String())
}

func TestSignalWinsOverTheErrorItCauses(t *testing.T) {
	t.Parallel()
	f := cli.New(cli.Deps{IO: &ios.Streams{}, LookupEnv: func(string) (string, bool) { return "", false }})
	f.Interrupted = func() (int, bool) { return exit.Interrupted, true }
	assert.Equal(t, 130, f.Code(errors.New("context canceled")))
	assert.Equal(t, 0, f.Code(nil), "what was done before the signal is done")
}

// TestErrorsHoldNoSecret: a pasted line may hold the key in the place of a name.
func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	key := e.Vars["ONCALL_VICTOROPS_API_KEY"]
	r := e.Run("rotation show " + key)
	assert.Equal(t, 4, r.Code, r.Err)
	assert.NotEmpty(t, r.Err)
	assert.NotContains(t, r.Err, key)
}

// TestErrorsFollowTheFormat: one JSON object where a program reads.
func TestErrorsFollowTheFormat(t *testing.T) {
	t.Parallel()
	for format, object := range map[string]bool{"json": true, "jsonl": true, "yaml": true, "table": false, "name": false} {
		r := clitest.New(t).Run("incident get 9999 -o " + format)
		assert.Equal(t, 4, r.Code, r.Err)
		assert.Empty(t, r.Out)
		assert.Equal(t, object, strings.HasPrefix(r.Err, `{"apiVersion":"oncall/v1","kind":"Error","error":{"code":4,`), "%s: %s", format, r.Err)
	}
}
