//go:build !unix

package gitops

import "os/exec"

// apart leaves git as it is: there are no process groups here.
func apart(*exec.Cmd) {}
