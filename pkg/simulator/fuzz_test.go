package simulator

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func FuzzGlob(f *testing.F) {
	f.Add("*/incidents/*", "/api-public/v1/incidents/4127")
	f.Add("**", "")
	f.Add("a*a", "a")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		got := glob(pattern, text)
		if !strings.Contains(pattern, "*") {
			assert.Equal(t, pattern == text, got)
		}
		if got {
			assert.True(t, glob(pattern+"*", text+"x"), "more text after a star fits too")
		}
		assert.True(t, glob("*"+text+"*", text))
	})
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"world":{"version":1,"startedAt":"2026-03-04T03:18:00Z"},"requests":[{}],"services":{"victorops":{}}}`))
	f.Add([]byte(`{"world":null}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parseDocument(data)
		if err != nil {
			return
		}
		s, err := d.state(testStart, services())
		if err != nil {
			return
		}
		out, err := s.document()
		if !assert.NoError(t, err) {
			return
		}
		_, err = parseDocument(out.bytes())
		assert.NoError(t, err, "what is written can be read")
	})
}

func FuzzVictorOpsAlert(f *testing.F) {
	f.Add([]byte(`{"message_type":"CRITICAL","entity_id":"a","state_start_time":1.7e9,"vo_annotate.u.X":"y"}`))
	f.Add([]byte(`{"message_type":["x"],"routing_key":7,"entity_display_name":null}`))
	f.Add([]byte(`{"message_type":"RECOVERY","entity_id":"prometheus/API5xxRatioHigh/api"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := newState(testStart, []service{victoropsService()})
		vo := part[victoropsState](s)
		id, why := voTakeAlert(s, vo, VictorOpsRESTKey, "ops", body)
		assert.NotEqual(t, id == "", why == "", "an entity or a reason")
		for _, i := range vo.Incidents {
			assert.NotEmpty(t, vo.incidentJSON(i)["lastAlertId"])
		}
	})
}

func FuzzVictorOpsNumbers(f *testing.F) {
	f.Add("4,5,20:50", 21)
	f.Add(":", 0)
	f.Add("9999999999999999999999", 1)
	f.Fuzz(func(t *testing.T, list string, n int) {
		if voNumberIn(list, n) && list != "" {
			assert.True(t, voNumberIn(list+",1", n), "a longer list holds what the shorter one holds")
		}
	})
}
