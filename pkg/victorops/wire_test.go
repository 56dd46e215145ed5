package victorops_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/victorops"
)

func decode[T any](t *testing.T, s string) (T, error) {
	t.Helper()
	var v T
	err := json.Unmarshal([]byte(s), &v)
	return v, err
}

func TestScalars(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]victorops.ID{`"4127"`: "4127", `4127`: "4127", `12345678901234567890`: "12345678901234567890", `null`: "", `""`: ""} {
		got, err := decode[victorops.ID](t, in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for in, want := range map[string]victorops.Int{`10`: 10, `"10"`: 10, `10.0`: 10, `"10.0"`: 10, `null`: 0, `""`: 0, `-3`: -3, `1e3`: 1000} {
		got, err := decode[victorops.Int](t, in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{`"ten"`, `1.5`, `{}`, `[]`, `1e30`, `true`} {
		_, err := decode[victorops.Int](t, in)
		require.Error(t, err, in)
	}
	for in, want := range map[string]victorops.Flag{`true`: true, `"true"`: true, `"verified"`: true, `"Verified"`: true, `false`: false, `"unverified"`: false, `"false"`: false, `null`: false, `""`: false} {
		got, err := decode[victorops.Flag](t, in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	_, err := decode[victorops.ID](t, `{"a":1}`)
	require.Error(t, err)
	text, err := decode[victorops.Text](t, `"&gt; 2% &amp;amp; \u00e9"`)
	require.NoError(t, err)
	assert.Equal(t, victorops.Text("> 2% &amp; é"), text, "decoded once")
}

func TestTimes(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 3, 4, 2, 11, 9, 0, time.UTC)
	for _, in := range []string{`"2026-03-04T02:11:09Z"`, `"2026-03-04T02:11:09+0000"`, `"2026-03-04T03:11:09+01:00"`,
		`"2026-03-04T02:11:09.000Z"`, `"2026-03-04T02:11:09"`, `1772590269000`, `"1772590269000"`} {
		got, err := decode[victorops.Time](t, in)
		require.NoError(t, err, in)
		assert.True(t, got.Equal(want), "%s is %s", in, got)
	}
	// One odd time must not hide a list of incidents.
	for _, in := range []string{`""`, `null`, `"yesterday"`, `-1`, `99999999999999999`, `"9999-12-31T23:59:59-23:59"`, `"0000-01-01T00:00:00+23:59"`} {
		got, err := decode[victorops.Time](t, in)
		require.NoError(t, err, in)
		assert.True(t, got.IsZero(), in)
	}
	sec, err := decode[victorops.EpochSeconds](t, `1772590269`)
	require.NoError(t, err)
	assert.True(t, sec.Equal(want))
	sec, err = decode[victorops.EpochSeconds](t, `"1772590269.5"`)
	require.NoError(t, err)
	assert.Equal(t, 500*time.Millisecond, sec.Sub(want))
	for _, in := range []string{`0`, `null`, `""`, `"x"`, `1e300`} {
		sec, err = decode[victorops.EpochSeconds](t, in)
		require.NoError(t, err, in)
		assert.True(t, sec.IsZero(), in)
		ms, err := decode[victorops.EpochMillis](t, in)
		require.NoError(t, err, in)
		assert.True(t, ms.IsZero(), in)
	}
}

// Whatever the vendor sends, decoding ends with a value or an error, and a time
// can be written as JSON again.
func FuzzWire(f *testing.F) {
	for _, s := range []string{`"a"`, `1`, `null`, `{}`, `[]`, `[[]]`, `{"users":[[{}]]}`, `{"notes":{}}`, `{"contactMethods":null}`, `"2026-03-04T02:11:09+0000"`,
		`253402300800000`, `"99999-01-01T00:00:00Z"`, wireIncident, wireSchedule, `{"override":null,"schedule":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var at victorops.Time
		if json.Unmarshal(b, &at) == nil && !at.IsZero() {
			_, err := at.UTC().MarshalJSON()
			require.NoError(t, err)
		}
		var sec victorops.EpochSeconds
		if json.Unmarshal(b, &sec) == nil {
			_, err := sec.MarshalJSON()
			require.NoError(t, err)
		}
		for _, v := range []any{&victorops.Incident{}, &victorops.Contacts{}, &victorops.ContactMethods{}, &victorops.Note{}, &victorops.TeamSchedule{},
			&victorops.AlertDetails{}, new(victorops.Int), new(victorops.Flag), new(victorops.Text), new(victorops.ID)} {
			_ = json.Unmarshal(b, v)
		}
		_ = victorops.AlertDetails{Raw: string(b)}.Fields()
	})
}
