package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// defaultExecLimit is how long a password manager may take, a prompt of its own included.
const defaultExecLimit = 30 * time.Second

// secretExec runs {exec: [COMMAND, ARG]}: no shell, no standard input, nothing
// of oncall's own settings or secrets in its environment. The first line it
// prints is the secret. What it prints on stderr is not shown, as a password
// manager's trace may hold the very thing it guards.
func (c *Config) secretExec(ctx context.Context, r *reference) (string, error) {
	tooSlow := fmt.Errorf("no answer within %s", c.execLimit)
	ctx, stop := context.WithTimeoutCause(ctx, c.execLimit, tooSlow)
	defer stop()
	program := c.src.expand(r.argv[0], "")
	cmd := exec.CommandContext(ctx, program, r.argv[1:]...)
	cmd.Env = c.childEnv()
	cmd.WaitDelay = time.Second // a grandchild that keeps the pipe open ends with it
	var out limited
	cmd.Stdout = &out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		if cause := context.Cause(ctx); errors.Is(cause, tooSlow) {
			return "", cause
		}
		return "", fmt.Errorf("%s: %w", r, ctx.Err())
	case out.full:
		return "", errors.New("printed too much for a secret")
	case errors.As(err, &exit):
		return "", fmt.Errorf("%s; run the command by hand to see why", exit.ProcessState)
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("there is no command %s", filepath.Base(program))
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return "", errors.New("the command cannot be run")
	}
	line, _, _ := strings.Cut(out.kept.String(), "\n")
	return line, nil
}

// childEnv is the environment without what is oncall's: its ONCALL_* variables
// and every variable that {env: NAME} calls a secret.
func (c *Config) childEnv() []string {
	hidden := map[string]bool{}
	for _, name := range c.doc.referencedEnv() {
		hidden[name] = true
	}
	var out []string
	for _, pair := range c.src.environ() {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(strings.ToUpper(name), "ONCALL_") && !hidden[name] {
			out = append(out, pair)
		}
	}
	return out
}

// limited keeps what a child prints, up to maxSecret. The buffer is not
// embedded: io.Copy would find its ReadFrom and pass the limit by.
type limited struct {
	kept bytes.Buffer
	full bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.kept.Len()+len(p) > maxSecret {
		l.full = true
		return 0, errors.New("too much output")
	}
	return l.kept.Write(p)
}
