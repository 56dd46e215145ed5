package simulator

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func gitIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", append([]string{"--git-dir=" + dir}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return strings.TrimSpace(string(out))
}

func TestRepositoryFollowsTheDeployJob(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)
	for name, dir := range map[string]string{"in memory": "", "in a folder": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := now
			w, err := Open(Options{Dir: dir, Now: func() time.Time { return at }})
			require.NoError(t, err)
			defer func() { _ = w.Close() }()
			repo, err := w.Repository(t.Context(), EnvironmentProduction)
			require.NoError(t, err)
			const file = "master:kubernetes/balenacloud/api/deployment.yaml"
			assert.Contains(t, gitIn(t, repo, "show", file), "/api:"+APIVersionBad)
			assert.Equal(t, "10", gitIn(t, repo, "rev-list", "--count", "master"))
			head := gitIn(t, repo, "rev-parse", "master")
			assert.Equal(t, head, gitIn(t, repo, "rev-parse", "flux-sync^{commit}"))

			require.NoError(t, w.update(func(s *State) error { s.Facts.BeginDeploy("api", APIVersionGood, 882, s.Now); return nil }))
			look := func(after time.Duration) (file1, applied string) {
				at = now.Add(after)
				_, err := w.Repository(t.Context(), EnvironmentProduction)
				require.NoError(t, err)
				return gitIn(t, repo, "show", file), gitIn(t, repo, "show", strings.Replace(file, "master", "flux-sync^{commit}", 1))
			}
			declared, applied := look(BuildDelay - time.Second)
			assert.Contains(t, declared, APIVersionBad)
			assert.Contains(t, applied, APIVersionBad)
			declared, applied = look(BuildDelay)
			assert.Contains(t, declared, APIVersionGood)
			assert.Contains(t, applied, APIVersionBad)
			_, applied = look(BuildDelay + FluxDelay)
			assert.Contains(t, applied, APIVersionGood)
			assert.Equal(t, head, gitIn(t, repo, "rev-parse", "master~1"), "what was there stays")
			assert.Contains(t, gitIn(t, repo, "log", "-1", "--format=%s%n%b", "master"), "api 17.5.0 -> 17.4.1")
			gitIn(t, repo, "fsck", "--strict")

			require.NoError(t, w.Reset())
			_, err = w.Repository(t.Context(), EnvironmentProduction)
			require.NoError(t, err)
			assert.Contains(t, gitIn(t, repo, "show", file), "/api:"+APIVersionBad)

			staging, err := w.Repository(t.Context(), EnvironmentStaging)
			require.NoError(t, err)
			assert.Contains(t, gitIn(t, staging, "show", file), APIVersionBad+` # {"$imagepolicy"`)
			_, err = w.Repository(t.Context(), "elsewhere")
			require.Error(t, err)
		})
	}
}
