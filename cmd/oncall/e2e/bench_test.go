package e2e_test

import (
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/root"
	"github.com/balena-io/oncall/pkg/simulator"
)

// benchMiB is the size of the console that passes through a benchmark; make
// bench compares a gigabyte with curl and grep (tools/bench-e2e.sh).
const benchMiB = 256

func benchRun(b *testing.B, args ...string) {
	w, err := simulator.Open(simulator.Options{})
	require.NoError(b, err)
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	vars := map[string]string{
		"ONCALL_JENKINS_URL": srv.URL + "/jenkins", "ONCALL_JENKINS_USER": simulator.JenkinsUser, "ONCALL_JENKINS_TOKEN": simulator.JenkinsToken,
		"ONCALL_JENKINS_E2E_JOB": simulator.JobConsole,
	}
	b.SetBytes(benchMiB << 20)
	for b.Loop() {
		f := cli.New(cli.Deps{
			IO:        &ios.Streams{In: nil, Out: io.Discard, Err: io.Discard},
			LookupEnv: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
			Environ:   func() []string { return nil },
			Home:      b.TempDir(), Version: "bench", Now: time.Now,
		})
		require.Zero(b, root.Run(b.Context(), f, args))
	}
}

func BenchmarkLogs(b *testing.B) { benchRun(b, "e2e", "logs", "256") }

func BenchmarkWhy(b *testing.B) { benchRun(b, "e2e", "why", "256", "--history", "0") }
