package healthchecks

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzCheck: whatever a server sends, a check that can be read can be written
// again as JSON, and its lists are never null.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `{"tags":null,"channels":null}`, `{"last_ping":"9999-12-31T23:59:59-23:00","grace":1e8}`,
		`{"timeout":"60","grace":null,"last_duration":""}`, `{"uuid":"A","update_url":"/","ping_url":"x/7a09efc5-3f9f-4b33-9f07-6b2a9b0d5c11"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Check
		if json.Unmarshal(b, &c) != nil {
			return
		}
		_, err := json.Marshal(c)
		require.NoError(t, err)
		if string(b) != "null" && c.Tags != nil {
			assert.NotNil(t, c.ChannelIDs)
		}
		_ = c.ID()
	})
}

func FuzzFlips(f *testing.F) {
	for _, s := range []string{`[]`, `{}`, `{"flips":null}`, ` [{"timestamp":1,"up":1}]`, `{"flips":[{"up":0,"timestamp":"x"}]}`, `"x"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := decodeFlips(b)
		assert.NotNil(t, out)
		if err == nil {
			_, err = json.Marshal(out)
			require.NoError(t, err)
		}
	})
}
