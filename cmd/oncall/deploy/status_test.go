package deploy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/pkg/simulator"
)

type standing struct {
	Component, Environment, Version, Follows string
	Facts                                    []struct{ Name, Answer, Evidence string }
	Ongoing                                  []struct{ Version string }
	Beside                                   []struct{ Environment, Version, Follows string }
}

type one struct{ Item standing }

func answers(x standing) []string {
	out := []string{}
	for _, f := range x.Facts {
		out = append(out, f.Name+" "+f.Answer)
	}
	return out
}

func TestStatusKeepsTheFactsApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault *simulator.Fault
		want  []string
	}{
		"all is there":     {nil, []string{"declared yes", "applied yes", "running yes", "verified no"}},
		"metrics are down": {&simulator.Fault{Service: "prometheus", Kind: simulator.FaultStatus, Status: 503}, []string{"declared yes", "applied yes", "running unknown", "verified unknown"}},
		"metrics refuse":   {&simulator.Fault{Service: "prometheus", Kind: simulator.FaultStatus, Status: 403}, []string{"declared yes", "applied yes", "running unknown", "verified unknown"}},
		"a sign-in page":   {&simulator.Fault{Service: "prometheus", Kind: simulator.FaultHTML}, []string{"declared yes", "applied yes", "running unknown", "verified unknown"}},
		"Jenkins is down":  {&simulator.Fault{Service: "jenkins", Kind: simulator.FaultStatus, Status: 503}, []string{"declared yes", "applied yes", "running yes", "verified no"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			if c.fault != nil {
				require.NoError(t, e.World.AddFault(*c.fault))
			}
			r := e.Run(`deploy status api -o json`)
			require.Zero(t, r.Code, r.Err)
			x := clitest.JSON[one](t, r).Item
			assert.Equal(t, c.want, answers(x))
			assert.Equal(t, "17.5.0", x.Version)
			require.Len(t, x.Beside, 1)
			assert.Equal(t, "staging", x.Beside[0].Environment)
			assert.Equal(t, "newest", x.Beside[0].Follows)
			for _, f := range x.Facts {
				assert.NotEmpty(t, f.Evidence, f.Name)
			}
		})
	}
}

func TestListMarksWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Zero(t, e.Run(`deploy rollback jellyfish`+yes).Code)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{QueueHolds: true}))
	require.Zero(t, e.Run(`deploy rollback api --no-wait`+yes).Code)
	r := e.Run(`deploy list -o json`)
	require.Zero(t, r.Code, r.Err)
	got := map[string]standing{}
	for _, x := range clitest.JSON[struct{ Items []standing }](t, r).Items {
		got[x.Component] = x
	}
	assert.Len(t, got, 6)
	require.Len(t, got["api"].Ongoing, 1)
	assert.Equal(t, "17.4.1", got["api"].Ongoing[0].Version)
	assert.Equal(t, "pinned", got["jellyfish"].Follows)
	assert.Empty(t, got["ui"].Ongoing)
	r = e.Run(`deploy list --environment staging -o name`)
	assert.Equal(t, "component/api-staging\n", r.Out)
	r = e.Run(`deploy unpin jellyfish` + yes)
	require.Zero(t, r.Code, r.Err)
	r = e.Run(`deploy unpin jellyfish` + yes)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "already follows the newest release")
	assert.Equal(t, exit.Guard, e.Run(`deploy unpin api`+yes).Code)
}

func TestEnvironmentAloneKnowsBuildsAlone(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	r := e.Run(`deploy status api -o json`)
	require.Zero(t, r.Code, r.Err)
	x := clitest.JSON[one](t, r).Item
	assert.Equal(t, []string{"declared unknown", "applied unknown", "running unknown", "verified unknown"}, answers(x))
	assert.Equal(t, "17.5.0", x.Version)
	r = e.Run(`deploy list`)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err+r.Out, "no component is defined")
	delete(e.Vars, "ONCALL_JENKINS_DEPLOY_JOB")
	r = e.Run(`deploy rollback api` + yes)
	assert.Equal(t, exit.Usage, r.Code)
	assert.Contains(t, r.Err, "ONCALL_JENKINS_DEPLOY_JOB")
}

func TestAComponentInWhateverCase(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	assert.Equal(t, "component/api\n", e.Run(`deploy status API -o name`).Out)
	r := e.Run(`deploy run API 17.5.0 --yes --reason x`)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "component/api already at 17.5.0: nothing to do")
	assert.NotContains(t, r.Err, "note", "nothing is done, so nothing is to be weighed")
	assert.Contains(t, e.Run(`deploy diff api 17.4.1 17.4.1`).Out, "manifest  no change")
}

// TestAListReadsEachJobAndRepositoryOnce, however many components they hold.
func TestAListReadsEachJobAndRepositoryOnce(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`deploy list -v`)
	require.Zero(t, r.Code, r.Err)
	assert.Equal(t, 2, strings.Count(r.Err, "/queue/api/json"), "two jobs: %s", r.Err)
	assert.Equal(t, 4, strings.Count(r.Err, "/jenkins/job/"), "each with its builds: %s", r.Err)
}
