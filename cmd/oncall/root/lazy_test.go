package root_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/root"
)

// TestALineMakesWhatItCanReach holds that a tree made for one command line
// answers it as the whole tree does: help, completion and misspelt words.
func TestALineMakesWhatItCanReach(t *testing.T) {
	t.Parallel()
	answer := func(words, line []string) string {
		var out, errOut bytes.Buffer
		f := cli.New(cli.Deps{
			IO:        &ios.Streams{In: strings.NewReader(""), Out: &out, Err: &errOut},
			LookupEnv: func(string) (string, bool) { return "", false },
		})
		f.Words = words
		cmd := root.New(f)
		cmd.SetArgs(line)
		cmd.SetOut(&out)
		cmd.SetErr(&errOut)
		text := ""
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			text = err.Error()
		}
		return text + "\n" + out.String() + "\n" + errOut.String()
	}
	lines := [][]string{{}, {"--help"}, {"help"}, {"xyzzy"}, {"incdent", "incident"}, {"__complete", ""}, {"__complete", "s"},
		{"-v", "status", "--help"}, {"--context", "logs", "status", "incident", "--help"}, {"help", "environment"}}
	n := len(lines)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			path := strings.Fields(sub.CommandPath())[1:]
			with := func(before, after []string) []string { return append(append(before, path...), after...) }
			lines = append(lines, with(nil, []string{"--help"}), with([]string{"help"}, nil), with([]string{"__complete", "help"}, []string{""}),
				with([]string{"__complete"}, []string{"-"}), with([]string{"__complete"}, []string{"--no-such"}))
			if sub.HasSubCommands() {
				lines = append(lines, with(nil, []string{"xyzzy"}), with([]string{"__complete"}, []string{""}))
			}
			walk(sub)
		}
	}
	walk(root.Tree())
	assert.Greater(t, len(lines), n+300, "the tree was not walked")
	for _, line := range lines {
		assert.Equal(t, answer(nil, line), answer(line, line), "oncall %s", strings.Join(line, " "))
	}
}

// TestALineMakesNoMore: what a start costs grows with the commands that it makes.
func TestALineMakesNoMore(t *testing.T) {
	t.Parallel()
	f := cli.New(cli.Deps{IO: &ios.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard},
		LookupEnv: func(string) (string, bool) { return "", false }})
	f.Words = []string{"status", "set"}
	made := map[string]int{}
	for _, noun := range root.New(f).Commands() {
		made[noun.Name()] = len(noun.Commands())
	}
	assert.Positive(t, made["status"])
	assert.Zero(t, made["incident"])
	assert.Contains(t, made, "incident", "it is in the list all the same")
}
