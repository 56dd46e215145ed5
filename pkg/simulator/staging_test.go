package simulator

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStagingsAutomation: what is put into staging by hand stays when the build
// took the automation's mark away, and is undone at the next round when not.
func TestStagingsAutomation(t *testing.T) {
	t.Parallel()
	const file = "master:kubernetes/balenacloud/api/deployment.yaml"
	for name, c := range map[string]struct {
		hold     string
		quirks   JenkinsQuirks
		marked   bool
		versions string // of the file's commits after the world's start, newest first
	}{
		"held":              {"true", JenkinsQuirks{}, false, "17.4.1"},
		"not held":          {"false", JenkinsQuirks{}, true, "17.5.0 17.4.1"},
		"a job that lies":   {"true", JenkinsQuirks{IgnoreHold: true}, true, "17.5.0 17.4.1"},
		"a build that ends": {"true", JenkinsQuirks{Result: "FAILURE"}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJenkinsWorld(t)
			require.NoError(t, j.w.SetJenkins(c.quirks))
			_, err := j.w.Repository(t.Context(), EnvironmentStaging)
			require.NoError(t, err)
			j.form("/job/"+JobStaging+"/buildWithParameters", url.Values{"COMPONENT": {"api"}, "VERSION": {APIVersionGood}, "HOLD": {c.hold}, "delay": {"0sec"}})
			seen := []string{}
			for range 30 { // as somebody who looks every second
				j.pass(time.Second)
				repo, err := j.w.Repository(t.Context(), EnvironmentStaging)
				require.NoError(t, err)
				seen = strings.Fields(gitIn(t, repo, "rev-list", "master"))
			}
			repo, err := j.w.Repository(t.Context(), EnvironmentStaging)
			require.NoError(t, err)
			gitIn(t, repo, "fsck", "--strict")
			versions := []string{}
			for _, commit := range seen[:len(seen)-4] { // four were there
				text := gitIn(t, repo, "show", strings.Replace(file, "master", commit, 1))
				_, tail, _ := strings.Cut(text, "balena/api:")
				versions = append(versions, strings.Fields(tail)[0])
			}
			assert.Equal(t, c.versions, strings.Join(versions, " "))
			assert.Equal(t, c.marked, strings.Contains(gitIn(t, repo, "show", file), "$imagepolicy"))
			assert.Equal(t, seen[0], gitIn(t, repo, "rev-parse", "flux-sync^{commit}"), "Flux follows either way")
		})
	}
}
