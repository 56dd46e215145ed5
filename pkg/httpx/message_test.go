package httpx

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/secret"
)

func TestErrorText(t *testing.T) {
	t.Parallel()
	const asJSON, asText, asHTML = "application/json", "text/plain; charset=utf-8", "text/html"
	long := strings.Repeat("é", 400)
	for name, c := range map[string]struct{ kind, body, want string }{
		"error":                      {asJSON, `{"error":"Could not authenticate"}`, "Could not authenticate"},
		"message":                    {asJSON, `{"message":"Unauthorized"}`, "Unauthorized"},
		"error before message":       {asJSON, `{"message":"m","error":"e"}`, "e"},
		"an empty error":             {asJSON, `{"error":"","message":"m"}`, "m"},
		"error false":                {asJSON, `{"error":false,"message":"m"}`, "m"},
		"errors":                     {asJSON, `{"errors":["a","b","a"]}`, "a; b"},
		"errors of objects":          {asJSON, `{"errors":[{"message":"a","code":3},{"detail":"b"}]}`, "a; b"},
		"fields (Statuspage)":        {asJSON, `{"error":{"name":["can't be blank"],"body":["is too long"]}}`, "body is too long; name can't be blank"},
		"nested (balena)":            {asJSON, `{"error":{"text":"bad filter"}}`, "bad filter"},
		"OData":                      {asJSON, `{"error":{"code":"","message":{"lang":"en","value":"no such field"}}}`, "no such field"},
		"a JSON string":              {asJSON, `"Too Many Requests"`, "Too Many Requests"},
		"a list":                     {asJSON, `["x",{"message":"y"}]`, "x; y"},
		"Prometheus":                 {asJSON, `{"status":"error","errorType":"bad_data","error":"parse error"}`, "parse error"},
		"RFC 9457":                   {"application/problem+json", `{"title":"Forbidden","detail":"no right","status":403}`, "no right"},
		"JSON of an unknown shape":   {asJSON, `{"incidents":[]}`, ""},
		"a bare number":              {asJSON, `42`, ""},
		"null":                       {asJSON, `null`, ""},
		"cut JSON":                   {asJSON, `{"error":"x`, ""},
		"text":                       {asText, "parse error at line 1,\n\tcol 20\n", "parse error at line 1, col 20"},
		"text without a type":        {"", "busy", "busy"},
		"a page":                     {asHTML, "<html>secret internals", ""},
		"a page without a start":     {asHTML, "Error <b>x</b>", ""},
		"a word that claims HTML":    {asHTML, "not found", "not found"},
		"a page that claims text":    {asText, " <!DOCTYPE html><html>", ""},
		"XML":                        {"application/xml", "<Error>x</Error>", ""},
		"bytes":                      {"application/octet-stream", "\x00\x01\x02", ""},
		"nothing":                    {asJSON, " ", ""},
		"control characters":         {asJSON, `{"error":"a\u001b[31mred\u0007\u202e\u0000\r\nb\u009b"}`, "a[31mred b"},
		"too long":                   {asText, long, strings.Repeat("é", 300) + "..."},
		"exactly long enough":        {asText, long[:2*300], long[:2*300]},
		"invalid UTF-8":              {asText, "a\xff\xfeb", "ab"},
		"the depth of a deep object": {asJSON, strings.Repeat(`{"error":`, 50) + `"x"` + strings.Repeat("}", 50), ""},
	} {
		assert.Equal(t, c.want, errorText(http.Header{"Content-Type": {c.kind}}, []byte(c.body)), name)
	}
}

func FuzzErrorText(f *testing.F) {
	for _, s := range []string{`{"error":"x"}`, `[1,"a"]`, "text", "\x1b]0;title\x07", `{"error":{"a":[{"b":"c"}]}}`, "<html>", "\u202e", `"\ud800"`} {
		f.Add("application/json", s)
		f.Add("text/plain", s)
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		got := errorText(http.Header{"Content-Type": {kind}}, []byte(body))
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxMessage+len("...") || got != strings.TrimSpace(got) {
			t.Fatalf("%q", got)
		}
		for _, r := range got {
			if !shown(r) {
				t.Fatalf("%q holds %U", got, r)
			}
		}
		if !strings.HasSuffix(got, "...") && got != oneLine(got, maxMessage) {
			t.Fatalf("%q is not stable", got)
		}
	})
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	c, err := New(Config{BaseURL: "http://host", Password: secret.New("s3cr3t"), User: "ann"})
	require.NoError(t, err)
	assert.Empty(t, c.requestID(http.Header{}))
	assert.Equal(t, "id-***", c.requestID(http.Header{"X-Request-Id": {"id-s3cr3t"}}))
	assert.Equal(t, "ab12", c.requestID(http.Header{"Cf-Ray": {"c"}, "X-Request-Id": {"ab12"}}))
	assert.Equal(t, "c1-FRA", c.requestID(http.Header{"Cf-Ray": {"c1-FRA"}}))
	assert.Equal(t, "a[31mb", c.requestID(http.Header{"X-Request-Id": {"a\x1b[31mb"}}))
}

func TestJSONErrorsNameNoGoTypes(t *testing.T) {
	t.Parallel()
	type inner struct {
		When  stamp           `json:"when"`
		Count int             `json:"count"`
		Small int8            `json:"small"`
		Ratio float64         `json:"ratio"`
		Text  *string         `json:"text"`
		List  []string        `json:"list"`
		Map   map[string]bool `json:"map"`
		OK    bool            `json:"ok"`
		Fn    func()          `json:"fn"`
	}
	type outer struct {
		Items []inner `json:"items"`
	}
	for body, want := range map[string]string{
		`{"items":[{"count":"x"}]}`: "the answer has text at items.count, where a whole number was due",
		`{"items":[{"count":1.5}]}`: "the answer has the number 1.5 at items.count, where a whole number was due",
		`{"items":[{"small":300}]}`: "the answer has the number 300 at items.small, where a whole number was due",
		`{"items":[{"ratio":[]}]}`:  "the answer has a list at items.ratio, where a number was due",
		`{"items":[{"text":{}}]}`:   "the answer has an object at items.text, where text was due",
		`{"items":[{"list":true}]}`: "the answer has true or false at items.list, where a list was due",
		`{"items":[{"map":1}]}`:     "the answer has a number at items.map, where an object was due",
		`{"items":[{"ok":"no"}]}`:   "the answer has text at items.ok, where true or false was due",
		`{"items":[{"fn":"no"}]}`:   "the answer has text at items.fn, where something else was due",
		`[]`:                        "the answer has a list, where an object was due",
		`{"items":[}`:               "the answer is not valid JSON (at byte 11)",
		`{"items":`:                 "the answer was cut off: its JSON has no end",
		``:                          "the answer was cut off: its JSON has no end",
		`{}{}`:                      "the answer is not valid JSON (at byte 3)",
		`{"items":[{"when":"x"}]}`:  "the answer has an unexpected value: not a time: x",
	} {
		var out outer
		err := json.Unmarshal([]byte(body), &out)
		require.Error(t, err, body)
		assert.Equal(t, want, plainJSONError(err), body)
	}
	for value, want := range map[any]string{1: "", make(chan int): "a field has no form in JSON"} {
		if _, err := json.Marshal(value); err != nil {
			assert.Equal(t, want, plainJSONError(err))
		}
	}
}

// stamp has a decoder of its own, as vendors' odd times have.
type stamp struct{}

func (*stamp) UnmarshalJSON(b []byte) error {
	return errors.New("not a time: " + strings.Trim(string(b), `"`))
}

func TestSize(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 5 << 20: "5.0 MiB", 3 << 30: "3.0 GiB"} {
		assert.Equal(t, want, size(n))
	}
}
