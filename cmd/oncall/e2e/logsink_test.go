package e2e

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSinkLeavesWhatItIsGiven: the bytes belong to whoever reads ahead, who
// fills them anew. A line without markup, kept as scratch space, would be
// written over by the next one that has some.
func TestSinkLeavesWhatItIsGiven(t *testing.T) {
	t.Parallel()
	const console = "a plain line that is rather long\n\x1b[31mFAIL\x1b[0m in colour\n"
	var out bytes.Buffer
	s := &logSink{direct: &out, pattern: regexp.MustCompile("plain|FAIL")}
	given := []byte(strings.Repeat(console, 3))
	n, err := s.Write(given)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	assert.Equal(t, len(given), n)
	assert.Equal(t, strings.Repeat(console, 3), string(given))
	assert.Equal(t, strings.Repeat(console, 3), out.String())
}
