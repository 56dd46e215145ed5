package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestActionsPassInputsThroughTheEnvironment: an expression inside a script is
// text that becomes code.
func TestActionsPassInputsThroughTheEnvironment(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../.github/actions/*/action.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var action struct {
			Inputs map[string]struct {
				Description string
			}
			Outputs map[string]struct{ Value string }
			Runs    struct {
				Using string
				Steps []struct {
					Run   string
					Shell string
				}
			}
		}
		require.NoError(t, yaml.Unmarshal(data, &action), file)
		assert.Equal(t, "composite", action.Runs.Using, file)
		for name, in := range action.Inputs {
			assert.NotEmpty(t, in.Description, "%s: %s", file, name)
		}
		assert.NotEmpty(t, action.Outputs, file)
		for _, s := range action.Runs.Steps {
			assert.NotContains(t, s.Run, "${{", file)
			if s.Run != "" {
				assert.NotEmpty(t, s.Shell, file)
			}
		}
	}
}
