package e2e

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/jenkins"
)

// fake is a Source whose consoles are texts.
type fake struct {
	mu       sync.Mutex
	consoles map[int]string
	tests    map[int]jenkins.TestReport
	robot    map[int]jenkins.RobotReport
	stages   map[int][]jenkins.Stage
	fail     error

	stagesFail error

	read []int
	open int
	most int // consoles open at once
}

var errNone = apierr.New(apierr.ErrNotFound, "jenkins", "", "none")

func (f *fake) Builds(context.Context, jenkins.JobName, int, int) ([]jenkins.Build, error) {
	return nil, nil
}

func (f *fake) Console(_ context.Context, _ jenkins.JobName, n int) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = append(f.read, n)
	if f.fail != nil {
		return nil, f.fail
	}
	f.open++
	f.most = max(f.most, f.open)
	return closing{strings.NewReader(f.consoles[n]), f}, nil
}

type closing struct {
	io.Reader
	f *fake
}

func (c closing) Close() error {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.open--
	return nil
}

func (f *fake) TestReport(_ context.Context, _ jenkins.JobName, n int) (jenkins.TestReport, error) {
	if r, ok := f.tests[n]; ok {
		return r, nil
	}
	return jenkins.TestReport{}, errNone
}

func (f *fake) RobotReport(_ context.Context, _ jenkins.JobName, n int) (jenkins.RobotReport, error) {
	if r, ok := f.robot[n]; ok {
		return r, nil
	}
	return jenkins.RobotReport{}, errNone
}

func (f *fake) Stages(_ context.Context, _ jenkins.JobName, n int, _ bool) ([]jenkins.Stage, error) {
	if f.stagesFail != nil {
		return nil, f.stagesFail
	}
	if s, ok := f.stages[n]; ok {
		return s, nil
	}
	return nil, apierr.New(apierr.ErrUnsupported, "jenkins", "", "no stage view")
}

var e2eJob = jenkins.JobName{"e2e"}

func finished(n int, result jenkins.Result, params ...jenkins.Parameter) jenkins.Build {
	return jenkins.Build{Job: e2eJob, Number: n, Result: result, Queued: time.Unix(int64(n)*3600, 0).UTC(), DurationMS: 1, Parameters: params}
}

const twoBad = "TAP version 13\nok 1 - boots\nnot ok 2 - loads a rather long na...\nnot ok 3 - settles\n1..3\nERROR: script returned exit code 1\nFinished: FAILURE\n"

// Published results come before text: they have whole names and last verdicts,
// the text says where.
func TestStructuredBeforeText(t *testing.T) {
	t.Parallel()
	f := &fake{consoles: map[int]string{1: twoBad}, tests: map[int]jenkins.TestReport{1: {Cases: []jenkins.TestCase{
		{Class: "Kernel", Name: "loads a rather long name", Status: "REGRESSION", Details: "no overlay"},
		{Class: "Kernel", Name: "settles", Status: "PASSED"},
		{Class: "Update", Name: "only published", Status: "FAILED", Details: "Connection refused"},
	}}}, stages: map[int][]jenkins.Stage{1: {{Name: "Build", Status: jenkins.StageSuccess}, {Name: "autohat", Status: jenkins.StageFailed, Error: "script returned exit code 1"}}}}
	r, err := (&Reader{Source: f}).Why(t.Context(), finished(1, jenkins.Failure))
	require.NoError(t, err)
	require.Len(t, r.Failures, 2)
	first := r.First()
	assert.Equal(t, "loads a rather long name", first.Name)
	assert.Equal(t, 3, first.Line)
	assert.Equal(t, "no overlay", first.Message)
	assert.Equal(t, "autohat", first.Stage)
	assert.Equal(t, Step{Runner: RunnerJUnit, Suite: "Update", Name: "only published", Message: "Connection refused", Infra: "a connection was refused", Before: []ContextLine{}, After: []ContextLine{}}, r.Failures[1])
	require.Len(t, r.Recovered, 1)
	assert.Equal(t, "settles", r.Recovered[0].Name)
	assert.Equal(t, KindTest, r.Kind)
}

func TestRobotReportAlone(t *testing.T) {
	t.Parallel()
	f := &fake{consoles: map[int]string{1: "some tests ran\nERROR: script returned exit code 3\nFinished: FAILURE\n"},
		robot: map[int]jenkins.RobotReport{1: {Cases: []jenkins.TestCase{{Name: "E2E.Kernel.loads", Status: "FAILED", Details: "no"}}}}}
	r, err := (&Reader{Source: f}).Why(t.Context(), finished(1, jenkins.Failure))
	require.NoError(t, err)
	require.Len(t, r.Failures, 1, "the shell's exit code says nothing more")
	assert.Equal(t, "E2E.Kernel.loads", r.First().Name)
	assert.Equal(t, RunnerRobot, r.First().Runner)
	assert.Equal(t, KindTest, r.Kind)
}

func TestStageErrorWhenNothingElse(t *testing.T) {
	t.Parallel()
	f := &fake{consoles: map[int]string{1: "nothing to see\nFinished: FAILURE\n"},
		stages: map[int][]jenkins.Stage{1: {{Name: "autohat", Status: jenkins.StageFailed, Error: "No space left on device"}}}}
	r, err := (&Reader{Source: f}).Why(t.Context(), finished(1, jenkins.Failure))
	require.NoError(t, err)
	assert.Equal(t, "autohat", r.First().Name)
	assert.Equal(t, "a disk is full", r.First().Infra)
}

// The stage view knows which stage a shell step failed in; the console tells the
// exit code at its end, behind commands that ran since.
func TestCommandOfTheFailedStage(t *testing.T) {
	t.Parallel()
	const console = "[Pipeline] { (Push)\n+ docker push x\nno space left on device\n[Pipeline] }\n[Pipeline] { (Tidy)\n+ ./tidy\ngone\n[Pipeline] }\n" +
		"ERROR: script returned exit code 2\nFinished: FAILURE\n"
	f := &fake{consoles: map[int]string{1: console}, stages: map[int][]jenkins.Stage{1: {
		{Name: "Push", Status: jenkins.StageFailed, Error: "script returned exit code 2"}, {Name: "Tidy", Status: jenkins.StageSuccess}}}}
	reader := &Reader{Source: f}
	r, err := reader.Console(t.Context(), finished(1, jenkins.Failure))
	require.NoError(t, err)
	assert.Equal(t, "./tidy", r.First().Name, "the text alone")
	r, err = reader.Why(t.Context(), finished(1, jenkins.Failure))
	require.NoError(t, err)
	first := r.First()
	assert.Equal(t, []string{"docker push x", "Push", "no space left on device\nscript returned exit code 2", "a disk is full"}, []string{first.Name, first.Stage, first.Message, first.Infra})
	assert.Equal(t, 2, first.Begin)
	assert.Equal(t, KindInfra, r.Kind)
}

func TestCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := &fake{consoles: map[int]string{1: twoBad}}
	reader := &Reader{Source: f, Cache: &Cache{Dir: dir, Controller: "http://a"}}
	b := finished(1, jenkins.Failure)
	first, err := reader.Why(t.Context(), b)
	require.NoError(t, err)
	again, err := reader.Why(t.Context(), b)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	_, err = reader.Console(t.Context(), b)
	require.NoError(t, err)
	assert.Equal(t, []int{1}, f.read, "a finished log is read once")

	files, err := filepath.Glob(filepath.Join(dir, "*", "1.json"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())

	for name, other := range map[string]func() (*Reader, jenkins.Build){
		"another controller": func() (*Reader, jenkins.Build) {
			return &Reader{Source: f, Cache: &Cache{Dir: dir, Controller: "http://b"}}, b
		},
		"a job made anew": func() (*Reader, jenkins.Build) { c := b; c.Queued = c.Queued.Add(time.Hour); return reader, c },
		"still running":   func() (*Reader, jenkins.Build) { c := b; c.Building = true; return reader, c },
	} {
		n := len(f.read)
		r, build := other()
		_, err := r.Console(t.Context(), build)
		require.NoError(t, err, name)
		assert.Len(t, f.read, n+1, name)
	}
	require.NoError(t, os.WriteFile(files[0], []byte("{"), 0o600))
	_, err = reader.Console(t.Context(), b)
	require.NoError(t, err, "a broken file is no file")

	// From the console alone is not enough for why, and the other way it is.
	c := finished(2, jenkins.Failure)
	n := len(f.read)
	_, _ = reader.Console(t.Context(), c)
	_, _ = reader.Why(t.Context(), c)
	_, _ = reader.Console(t.Context(), c)
	assert.Len(t, f.read, n+2)
}

// A source that did not answer is asked again the next time, and a console that
// lacks its last line is read again until nothing can come any more.
func TestCacheKeepsNothingHalf(t *testing.T) {
	t.Parallel()
	now := time.Unix(3600, 0).Add(time.Minute)
	f := &fake{consoles: map[int]string{1: twoBad, 2: strings.TrimSuffix(twoBad, "Finished: FAILURE\n")}, stagesFail: apierr.New(apierr.ErrUnavailable, "jenkins", "", "503"),
		stages: map[int][]jenkins.Stage{1: {{Name: "Test", Status: jenkins.StageFailed}}}}
	reader := &Reader{Source: f, Cache: &Cache{Dir: t.TempDir(), Now: func() time.Time { return now }}}
	r, err := reader.Why(t.Context(), finished(1, jenkins.Failure))
	require.NoError(t, err)
	assert.Empty(t, r.First().Stage)
	f.stagesFail = nil
	r, err = reader.Why(t.Context(), finished(1, jenkins.Failure))
	require.NoError(t, err)
	assert.Equal(t, "Test", r.First().Stage)

	late := finished(2, jenkins.Failure)
	late.Queued = now.Add(-time.Minute)
	for want, at := range []time.Duration{0, 0, time.Hour, 2 * time.Hour} {
		f.read, now = nil, late.Queued.Add(at)
		_, err := reader.Console(t.Context(), late)
		require.NoError(t, err)
		assert.Len(t, f.read, map[bool]int{true: 1, false: 0}[want < 3], "look %d", want)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	warned := 0
	reader := &Reader{Source: &fake{consoles: map[int]string{1: twoBad}}, Cache: &Cache{Dir: file, Warn: func(error) { warned++ }}}
	for range 3 {
		r, err := reader.Console(t.Context(), finished(1, jenkins.Failure))
		require.NoError(t, err)
		assert.Equal(t, 2, r.Total())
	}
	assert.Equal(t, 1, warned)
}

func TestKnownReadsTwoAtATime(t *testing.T) {
	t.Parallel()
	f := &fake{consoles: map[int]string{}}
	builds := []jenkins.Build{}
	for n := 30; n > 0; n-- {
		f.consoles[n] = twoBad
		builds = append(builds, finished(n, jenkins.Failure))
	}
	builds = append(builds, finished(31, jenkins.Success), finished(32, jenkins.NotBuilt), jenkins.Build{Number: 33, Building: true})
	got, err := (&Reader{Source: f}).Known(t.Context(), builds, 10)
	require.NoError(t, err)
	assert.Len(t, got, 10)
	assert.LessOrEqual(t, f.most, readers)
	for n := range got {
		assert.Greater(t, n, 20, "the newest first")
	}
	f.fail = apierr.New(apierr.ErrAuth, "jenkins", "", "no")
	f.read = nil
	_, err = (&Reader{Source: f}).Known(t.Context(), builds, 10)
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.LessOrEqual(t, len(f.read), 2, "a refused token is not tried on every build")
	f.fail = errors.New("a passing one")
	_, err = (&Reader{Source: f}).Known(t.Context(), builds, 10)
	require.EqualError(t, err, "a passing one")
}

func failing(names ...string) *Report {
	r := &Report{Runners: []Totals{{Runner: RunnerTAP, Passed: 5}}}
	for _, n := range names {
		r.Failures = append(r.Failures, Step{Runner: RunnerTAP, Name: n})
	}
	return r
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	device := func(v string) jenkins.Parameter { return jenkins.Parameter{Name: "DEVICE", Value: v} }
	builds := []jenkins.Build{ // newest first, as Jenkins lists them
		{Number: 10, Building: true},
		finished(9, jenkins.Failure, device("a")),  // kernel, and no later build
		finished(8, jenkins.Aborted, device("a")),  // says nothing of kernel
		finished(7, jenkins.Success, device("b")),  // other parameters
		finished(6, jenkins.Failure, device("a")),  // net; kernel passed here
		finished(5, jenkins.Failure, device("a")),  // kernel; recovered in 6
		finished(4, jenkins.Unstable, device("b")), // kernel recovered within the build
		finished(3, jenkins.Failure, device("b")),  // unread
		finished(2, jenkins.Success, device("a")),
		finished(1, jenkins.NotBuilt, device("a")),
	}
	within := failing("net")
	within.Recovered = []Step{{Runner: RunnerTAP, Name: "kernel"}}
	reports := map[int]*Report{9: failing("kernel"), 8: {}, 6: failing("net"), 5: failing("kernel"), 4: within}
	got := Statistics(builds, reports)
	require.Len(t, got, 2)
	assert.Equal(t, StepHistory{Step: "kernel", Runner: RunnerTAP, Looked: 8, Builds: 6, Failed: 3, Passed: 3, Recovered: 2, Flaky: true,
		LastFailed: 9, LastSeen: builds[1].Queued, Unread: 1}, got[0])
	assert.Equal(t, "net", got[1].Step)
	assert.Equal(t, 2, got[1].Failed)
	assert.Equal(t, 2, got[1].Recovered, "6 in 9, 4 in 7: each with its own parameters")

	h := HistoryOf(Step{Name: "never"}, builds, reports)
	assert.Zero(t, h.Failed)
}

// With secret parameters nobody can tell whether a later build was a retry.
func TestSecretParametersAreNoRetry(t *testing.T) {
	t.Parallel()
	secret := jenkins.Parameter{Name: "TOKEN", Secret: true}
	got := Statistics([]jenkins.Build{finished(2, jenkins.Success, secret), finished(1, jenkins.Failure, secret)}, map[int]*Report{1: failing("a")})
	require.Len(t, got, 1)
	assert.Zero(t, got[0].Recovered)
	assert.False(t, got[0].Flaky)
}

func TestTrend(t *testing.T) {
	t.Parallel()
	line := func(s string) (out []verdict) {
		for _, ch := range s {
			out = append(out, map[rune]verdict{'p': passed, 'f': failed}[ch])
		}
		return out
	}
	assert.Equal(t, Rising, trendOf(line("pppppfpf")))
	assert.Equal(t, Falling, trendOf(line("ffpfpppp")))
	assert.Equal(t, Steady, trendOf(line("pfpppfpp")))
	assert.Equal(t, NoTrend, trendOf(line("pf")))
}

func TestStager(t *testing.T) {
	t.Parallel()
	g := NewStager()
	var got []string
	for _, l := range []string{"[Pipeline] {", "[Pipeline] { (Test)", "a line", "[Pipeline] { (Branch: qemu x86)", "[qemu x86] in the branch", "plain", "[Pipeline] }", "[Pipeline] }", "after"} {
		named := []string{}
		for _, s := range g.Stages([]byte(l)) {
			if s != "" {
				named = append(named, s)
			}
		}
		got = append(got, strings.Join(named, "/"))
	}
	assert.Equal(t, []string{"", "Test", "Test", "Test/qemu x86", "Test/qemu x86", "Test/qemu x86", "Test", "", ""}, got)
}
