//go:build unix

package gitops

import (
	"os/exec"
	"syscall"
)

// apart gives git a process group of its own. Ctrl-C then reaches oncall alone,
// which decides what it means, and the end of git is that of its ssh as well.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
