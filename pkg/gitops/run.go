package gitops

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// git runs git in the mirror.
func (m *Mirror) git(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	return m.run(ctx, "", stdin, append([]string{"--git-dir=" + m.dir}, args...)...)
}

// run runs git so that it asks nobody, runs no hook and no helper, and ends with
// ctx. What it writes on stderr is the error's message.
func (m *Mirror) run(ctx context.Context, dir string, stdin io.Reader, args ...string) ([]byte, error) {
	all := append([]string{"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never",
		"-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.quotePath=false", "-c", "log.showSignature=false"}, args...)
	cmd := exec.CommandContext(ctx, m.c.Git, all...)
	cmd.Dir, cmd.Stdin, cmd.Env = dir, stdin, m.environ()
	apart(cmd)
	cmd.WaitDelay = 2 * time.Second // ssh may keep the pipes open
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if err == nil {
		return out.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fail(apierr.ErrUnsupported, "", "the program git is not here, and the repository cannot be read without it").WithHint("install git")
	}
	return nil, m.explain(args, errOut.String(), err)
}

// environ is the environment of git: that of the process without oncall's own
// settings, which hold secrets, and without what points at another repository.
func (m *Mirror) environ() []string {
	drop := []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR",
		"GIT_NAMESPACE", "GIT_PREFIX", "GIT_EXEC_PATH", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_PROXY_COMMAND", "LC_ALL", "LANGUAGE"}
	ssh := "ssh"
	out := []string{}
	for _, kv := range m.c.Environ {
		name, value, _ := strings.Cut(kv, "=")
		switch {
		case strings.HasPrefix(name, "ONCALL_"), strings.HasPrefix(name, "GIT_TRACE"), slices.Contains(drop, name):
		case name == "GIT_SSH_COMMAND":
			ssh = value
		default:
			out = append(out, kv)
		}
	}
	return append(out, "GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never", "GIT_ALLOW_PROTOCOL=file:https:ssh", "GIT_LITERAL_PATHSPECS=1",
		"GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1", "LC_ALL=C", "GIT_SSH_COMMAND="+ssh+" -oBatchMode=yes -oConnectTimeout=10")
}

// explain makes an error of what git said.
func (m *Mirror) explain(args []string, said string, err error) error {
	op := verbOf(args)
	text := strings.TrimSpace(said)
	lower := strings.ToLower(text)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(lower, w) })
	}
	if i := strings.LastIndexByte(text, '\n'); i >= 0 && has("and the repository exists") {
		text, _, _ = strings.Cut(text, "\n")
	} else if i >= 0 {
		text = text[i+1:]
	}
	if has(".lock': file exists") { // the last line is about a file that it does not name
		text, _, _ = strings.Cut(strings.TrimSpace(said), "\n")
		err = errors.Join(errLeftLock, err)
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "fatal: "), "error: ")
	if text == "" {
		text = err.Error()
	}
	kind := error(nil)
	switch {
	case has("permission denied", "authentication failed", "could not read username", "could not read password", "terminal prompts disabled", "host key verification failed"):
		kind = apierr.ErrAuth
	case has("couldn't find remote ref head"):
		return fail(apierr.ErrNotFound, op, "the repository has no commit")
	case op == "fetch":
		kind = apierr.ErrUnavailable
	}
	if op == "fetch" {
		op += " " + m.origin
	}
	e := fail(kind, op, "%s", text)
	e.Err = err
	return e
}

// verbOf is git's own word for what was run.
func verbOf(args []string) string {
	for i := 0; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "-") {
			return args[i]
		}
	}
	return ""
}
