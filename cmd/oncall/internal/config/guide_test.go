package config

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGuideSampleLoads keeps docs/configuration.md true: its sample is a file
// that loads, and shows every service and every general setting of a file.
func TestGuideSampleLoads(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../../docs/configuration.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(guide), "```yaml\n")
	require.True(t, found)
	sample, _, found := strings.Cut(rest, "```")
	require.True(t, found)

	w := newWorld(t).file(sample).at(".config/oncall/team.yaml", "")
	c := w.load()
	assert.Equal(t, Context{Name: "production", Environment: "production", User: "alice", Protected: true}, c.Context())
	for _, o := range Options() {
		switch {
		case o.Scope == Nowhere, o.Key == "read-only":
		case o.Service == "", o.Required:
			assert.True(t, c.Get(o.Key).Set, "%s is not in the sample", o.Key)
		case o.Default != "":
			assert.Equal(t, o.Default, c.String(o.Key), "%s is better left out of a sample", o.Key)
		}
	}
	w.env["ONCALL_CONTEXT"] = "staging"
	assert.Equal(t, Context{Name: "staging", Environment: "staging", User: "alice", ReadOnly: true}, w.load().Context())
}
