package rotation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
)

// A plan without its ends, or without the step that tells two rows apart, is no
// plan: in a narrow window other columns give way.
func TestShowNarrow(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Terminal, e.Width = true, 60
	r := e.Run("rotation show Operations --days 10 --color never")
	require.Equal(t, 0, r.Code, r.Err)
	lines := strings.Split(r.Out, "\n")
	assert.Regexp(t, `^FROM +ON CALL +STEP +POLICY +UNTIL$`, lines[0])
	assert.Contains(t, r.Out, "Fri 27 Feb 07:00 UTC you       1")
	for _, l := range lines {
		assert.LessOrEqual(t, len([]rune(l)), 60, l)
	}
}

// The zone of the end stands beside its start, unless summer time begins between them.
func TestShowOverTheChangeOfTheClocks(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Vars["ONCALL_TZ"] = "Europe/Athens"
	e.Advance(23 * 24 * time.Hour) // to 27 March 2026; the clocks change on the 29th
	require.NoError(t, e.World.Reset())
	r := e.Run("rotation show Operations --days 10 --step 1")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Regexp(t, `Sun 22 Mar 09:00 EET .* Sun 29 Mar 09:00 EEST\n`, r.Out)
	assert.Regexp(t, `Sun 29 Mar 09:00 EEST .* Sun 05 Apr 09:00\n`, r.Out)
}

// A weekday and a day alone are taken for the nearest such day.
func TestFarTimesBearTheirYear(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("rotation override secondary --from 1d --for 400d --dry-run")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Err, "Thu 05 Mar 03:19 UTC to Fri 09 Apr 2027 03:19 UTC")
}

// A folder is found out before the pager is asked.
func TestExportIntoAFolder(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("rotation export --mine --file '" + e.Home + "'")
	assert.Equal(t, 2, r.Code)
	assert.Contains(t, r.Err, "--file: "+e.Home+" is a folder\nhint: --file "+e.Home)
}

// The id is what takes an override back: a narrow window keeps it, and who covers.
func TestOverridesNarrow(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Equal(t, 0, e.Run("rotation override secondary --from 2h --for 8h").Code)
	e.Terminal = true
	for width, header := range map[int]string{
		60:  `^ID +FROM +AWAY? *COVER$|^ID +FROM +COVER$`,
		80:  `^ID +FROM +UNTIL +AWAY +COVER$`,
		120: `^ID +FROM +UNTIL +AWAY +COVER +POLICIES$`,
	} {
		e.Width = width
		r := e.Run("rotation override --color never")
		require.Equal(t, 0, r.Code, r.Err)
		lines := strings.Split(r.Out, "\n")
		assert.Regexp(t, header, lines[0], "%d columns", width)
		assert.Regexp(t, `^ovrprd-\w+ +Wed 04 Mar 05:19 UTC `, lines[1], "%d columns", width)
		assert.LessOrEqual(t, len(lines[1]), width)
	}
}
