package status_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/judges"
)

// prism starts Prism, a mock server that nobody here wrote, on the vendor's own
// description, as it is, and returns its base URL. It refuses a request that the
// description does not allow and answers with the description's examples.
func prism(t *testing.T) string {
	t.Helper()
	contract, modules := judges.Contract(t, "statuspage.json"), judges.Modules(t)
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, filepath.Join(modules, ".bin", "prism"), "mock", "--host", "127.0.0.1", "--port", "0", contract)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	late := time.AfterFunc(5*time.Minute, cancel) // of its start, which takes half a minute on a busy machine
	defer late.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, base, ok := strings.Cut(lines.Text(), "Prism is listening on "); ok {
			go func() {
				for lines.Scan() {
				}
			}()
			return strings.TrimSpace(base)
		}
	}
	require.FailNow(t, "Prism did not start")
	return ""
}

// Every row of the noun against the independent mock. It forgets everything, so
// what must be read back is seen not to have been kept.
func TestAgainstAnIndependentMock(t *testing.T) {
	t.Parallel()
	base := prism(t)
	const id = "p31zjtct2jer" // the description's example
	file := filepath.Join(t.TempDir(), "text.md")
	require.NoError(t, os.WriteFile(file, []byte("Some text."), 0o600))
	create := "status maintenance create --title T --component string --body b --yes "
	for line, want := range map[string]struct {
		code int
		text string // on stdout, or on stderr when the command fails
	}{
		"status show":                                                          {0, "My Company Status"},
		"status show -o json":                                                  {0, `"source": "manage"`},
		"status set string=partial --yes":                                      {0, "component/string partial outage"},
		"status set string degraded --yes":                                     {0, "component/string degraded"},
		`status set string=major --incident "Down" --yes`:                      {0, "component/string major outage"},
		"status set nothing=major --yes":                                       {4, `no component is called "nothing"`},
		"status incident list":                                                 {0, id},
		"status incident list --all --since 100d":                              {0, id},
		"status incident get " + id:                                            {0, "Data Layer Migration"},
		"status incident get":                                                  {0, "Data Layer Migration"},
		"status incident create --title T --component string=partial --yes":    {0, "public-incident/" + id},
		"status incident create --title T --impact minor --no-notify --yes":    {0, "public-incident/" + id},
		"status incident create --template str --component string=major --yes": {0, "public-incident/" + id},
		"status incident create --template string --yes":                       {2, "names string without saying what their status shall be"},
		"status incident create --from 4127 --component string=major --yes":    {0, "public-incident/" + id},
		"status incident update --status identified --yes":                     {0, "public-incident/" + id},
		"status incident update " + id + " --body b --component string=major --title N --impact major --yes": {0, "public-incident/" + id},
		"status incident update --edit last --body b --yes":                                                  {0, "public-incident/" + id + " edited"},
		"status incident resolve --yes":                                                                      {0, "public-incident/" + id + " resolved"},
		"status incident resolve " + id + " --keep-components --yes":                                         {0, "public-incident/" + id + " resolved"},
		"status incident postmortem " + id:                                                                   {0, "Data Layer Migration"},
		"status incident postmortem " + id + " --file " + file:                                               {0, "postmortem/" + id + " drafted"},
		"status incident postmortem " + id + " --publish --notify --yes":                                     {0, "postmortem/" + id + " already published"},
		"status incident postmortem " + id + " --publish --notify --yes --file " + file:                      {0, "postmortem/" + id + " published"},
		"status template list":                          {0, "string"},
		create + "--start 9d --for 2h":                  {0, "maintenance/" + id},
		create + "--start 2d --end 3d --short-notice r": {0, "maintenance/" + id},
		"status maintenance list":                       {0, ""},
		"status maintenance start " + id + " --yes":     {0, "maintenance/" + id + " in progress"},
		"status maintenance verify " + id + " --yes":    {0, "maintenance/" + id + " verifying"},
		"status maintenance complete " + id + " --yes":  {0, "maintenance/" + id + " completed"},
		"status maintenance cancel " + id + " --yes":    {0, "maintenance/" + id + " cancelled"},
		"status check -o json":                          {9, ""},
		"status stale":                                  {0, id},
		"status snooze " + id + " --for 1h --reason r":  {1, "the page took it and does not show it"},
		"status open":                                   {0, "https://status.mycompany.com"},
		"status open " + id:                             {0, "http://stspg.io/803310a12"},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			e.Serve() // the pager; the page is the mock's
			e.Vars["ONCALL_STATUSPAGE_URL"], e.Vars["ONCALL_STATUSPAGE_PAGE_ID"] = base, "j1nvlvyv7w27"
			r := e.Run(line)
			assert.Equal(t, want.code, r.Code, r.Err)
			if want.code == 0 || want.code == 9 {
				assert.Contains(t, r.Out, want.text)
			} else {
				assert.Contains(t, r.Err, want.text)
			}
			assert.NotContains(t, r.Err, "not accepted")
		})
	}
}
