package gitops_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/gitops"
)

// hanging is a mirror whose ssh never answers. It tells its process's number.
func hanging(t *testing.T, first time.Duration) (m *gitops.Mirror, pid string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the ssh is a shell script")
	}
	folder := t.TempDir()
	pid = filepath.Join(folder, "pid")
	ssh := filepath.Join(folder, "ssh")
	require.NoError(t, os.WriteFile(ssh, []byte("#!/bin/sh\necho $$ > "+pid+".new && mv "+pid+".new "+pid+"\nexec sleep 600\n"), 0o700))
	m, err := gitops.Open(t.Context(), gitops.Config{Repository: "ssh://git@h.test/x.git", Folder: filepath.Join(folder, "mirrors"), First: first,
		Environ: []string{"PATH=" + os.Getenv("PATH"), "GIT_SSH_COMMAND=" + ssh}})
	require.NoError(t, err)
	return m, pid
}

// gone waits until a process is no more.
func gone(t *testing.T, pid string) {
	t.Helper()
	text, err := os.ReadFile(pid)
	require.NoError(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	assert.Eventually(t, func() bool {
		state, err := os.ReadFile("/proc/" + strconv.Itoa(n) + "/stat")
		return err != nil || strings.Contains(string(state), ") Z ")
	}, 30*time.Second, 10*time.Millisecond, "ssh is left behind")
}

func TestAnOriginThatHangs(t *testing.T) {
	t.Parallel()
	m, _ := hanging(t, 2*time.Second)
	_, err := m.Refresh(t.Context())
	require.ErrorIs(t, err, apierr.ErrUnavailable)
	assert.Contains(t, err.Error(), "no answer within 2s")
}

func TestAnInterruptEndsGitAndItsSSH(t *testing.T) {
	t.Parallel()
	m, pid := hanging(t, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() { _, err := m.Refresh(ctx); failed <- err }()
	require.Eventually(t, func() bool { _, err := os.Stat(pid); return err == nil }, time.Minute, 5*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	if runtime.GOOS == "linux" {
		gone(t, pid)
	}
}
