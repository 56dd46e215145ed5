package victorops_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/victorops"
)

func TestNotesInEveryShape(t *testing.T) {
	t.Parallel()
	one := victorops.Note{Name: "n1", DisplayName: "First & last", Value: json.RawMessage(`{"text":"hello"}`)}
	const wire = `{"name":"n1","displayName":"First &amp; last","json_value":{"text":"hello"}}`
	for name, test := range map[string]struct {
		reply httpxtest.Reply
		want  []victorops.Note
	}{
		"object, as the spec says": {reply(200, wire), []victorops.Note{one}},
		"array":                    {reply(200, "["+wire+","+wire+"]"), []victorops.Note{one, one}},
		"wrapped":                  {reply(200, `{"notes":[`+wire+`]}`), []victorops.Note{one}},
		"wrapped null":             {reply(200, `{"notes":null}`), []victorops.Note{}},
		"snake case":               {reply(200, `{"name":"n1","display_name":"First & last","json_value":{"text":"hello"}}`), []victorops.Note{one}},
		"no value":                 {reply(200, `[{"name":"n1","displayName":"First & last","json_value":null}]`), []victorops.Note{{Name: "n1", DisplayName: one.DisplayName, Value: json.RawMessage("{}")}}},
		"no body":                  {httpxtest.Status(200), []victorops.Note{}},
		"empty object":             {reply(200, "{}"), []victorops.Note{}},
		"empty array":              {reply(200, "[]"), []victorops.Note{}},
		"null":                     {reply(200, "null"), []victorops.Note{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := talk(t, httpxtest.Exchange{Path: "/api-public/v1/incidents/12/notes", Reply: test.reply})
			got, err := c.Notes(t.Context(), "12")
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestNotesThatAreNone(t *testing.T) {
	t.Parallel()
	c := talk(t,
		httpxtest.Exchange{Path: "/api-public/v1/incidents/12/notes", Reply: reply(200, `"no"`)},
		httpxtest.Exchange{Path: "/api-public/v1/incidents/12/notes", Reply: httpxtest.LoginPage(200)})
	_, err := c.Notes(t.Context(), "12")
	require.EqualError(t, err, "victorops: list notes of 12: the answer is not a list of notes")
	_, err = c.Notes(t.Context(), "12")
	require.ErrorIs(t, err, apierr.ErrAuth)
}

// The display name is snake_case out and camelCase back.
func TestNoteChanges(t *testing.T) {
	t.Parallel()
	n := victorops.Note{Name: "n1", DisplayName: "First", Value: json.RawMessage(`{"text":"hello"}`)}
	const body = `{"name":"n1","display_name":"First","json_value":{"text":"hello"}}`
	c := talk(t,
		httpxtest.Exchange{Method: "POST", Path: "/api-public/v1/incidents/12/notes", Body: body,
			Reply: reply(200, `{"name":"n1","displayName":"First","json_value":{"text":"hello"}}`)},
		httpxtest.Exchange{Method: "PUT", Path: "/api-public/v1/incidents/12/notes/n1", Body: body, Reply: httpxtest.Status(200)},
		httpxtest.Exchange{Method: "DELETE", Path: "/api-public/v1/incidents/12/notes/n1", Body: httpxtest.NoBody, Reply: httpxtest.Status(200)})
	got, err := c.CreateNote(t.Context(), "12", n)
	require.NoError(t, err)
	assert.Equal(t, n, got)
	require.NoError(t, c.UpdateNote(t.Context(), "12", n))
	require.NoError(t, c.DeleteNote(t.Context(), "12", "n1"))
}
