package printer

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
)

func TestList(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"table": `
			NUMBER  PHASE         AGE  TITLE                          SERVICE  PAGED  ACKED BY
			4127    triggered     6m   API 5xx ratio above 2%         api      you    -
			4126    triggered     41m  e2e hourly: no success for 1h  e2e      you    -
			4119    acknowledged  4d   Disk 91% on registry-2         infra    -      secondary
			`,
		"wide": `
			NUMBER  PHASE         AGE  TITLE                          SERVICE  PAGED  ACKED BY   URL
			4127    triggered     6m   API 5xx ratio above 2%         api      you    -          https://portal.example.test/4127?a=1&b=2
			4126    triggered     41m  e2e hourly: no success for 1h  e2e      you    -          -
			4119    acknowledged  4d   Disk 91% on registry-2         infra    -      secondary  -
			`,
		"json": `
			{
			  "apiVersion": "oncall/v1",
			  "kind": "IncidentList",
			  "items": [
			    {
			      "number": "4127",
			      "title": "API 5xx ratio above 2%",
			      "phase": "triggered",
			      "service": "api",
			      "startedAt": "2026-01-10T01:12:04Z",
			      "alertCount": 1760000000000,
			      "pagedUsers": [
			        "you"
			      ],
			      "url": "https://portal.example.test/4127?a=1&b=2"
			    },
			    {
			      "number": "4126",
			      "title": "e2e hourly: no success for 1h",
			      "phase": "triggered",
			      "service": "e2e",
			      "startedAt": "0001-01-01T00:00:00Z",
			      "alertCount": 0,
			      "pagedUsers": [
			        "you"
			      ],
			      "url": ""
			    },
			    {
			      "number": "4119",
			      "title": "Disk 91% on registry-2",
			      "phase": "acknowledged",
			      "service": "infra",
			      "startedAt": "0001-01-01T00:00:00Z",
			      "alertCount": 0,
			      "pagedUsers": [],
			      "ackedBy": "secondary",
			      "url": ""
			    }
			  ],
			  "meta": {}
			}
			`,
		"jsonl": `
			{"number":"4127","title":"API 5xx ratio above 2%","phase":"triggered","service":"api","startedAt":"2026-01-10T01:12:04Z","alertCount":1760000000000,"pagedUsers":["you"],"url":"https://portal.example.test/4127?a=1&b=2"}
			{"number":"4126","title":"e2e hourly: no success for 1h","phase":"triggered","service":"e2e","startedAt":"0001-01-01T00:00:00Z","alertCount":0,"pagedUsers":["you"],"url":""}
			{"number":"4119","title":"Disk 91% on registry-2","phase":"acknowledged","service":"infra","startedAt":"0001-01-01T00:00:00Z","alertCount":0,"pagedUsers":[],"ackedBy":"secondary","url":""}
			`,
		"yaml": `
			apiVersion: oncall/v1
			kind: IncidentList
			items:
			  - number: "4127"
			    title: API 5xx ratio above 2%
			    phase: triggered
			    service: api
			    startedAt: "2026-01-10T01:12:04Z"
			    alertCount: 1760000000000
			    pagedUsers:
			      - you
			    url: https://portal.example.test/4127?a=1&b=2
			  - number: "4126"
			    title: "e2e hourly: no success for 1h"
			    phase: triggered
			    service: e2e
			    startedAt: "0001-01-01T00:00:00Z"
			    alertCount: 0
			    pagedUsers:
			      - you
			    url: ""
			  - number: "4119"
			    title: Disk 91% on registry-2
			    phase: acknowledged
			    service: infra
			    startedAt: "0001-01-01T00:00:00Z"
			    alertCount: 0
			    pagedUsers: []
			    ackedBy: secondary
			    url: ""
			meta: {}
			`,
		"name": `
			incident/4127
			incident/4126
			incident/4119
			`,
		"md": `
			| NUMBER | PHASE | AGE | TITLE | SERVICE | PAGED | ACKED BY |
			| --- | --- | --- | --- | --- | --- | --- |
			| 4127 | triggered | 6m | API 5xx ratio above 2% | api | you | - |
			| 4126 | triggered | 41m | e2e hourly: no success for 1h | e2e | you | - |
			| 4119 | acknowledged | 4d | Disk 91% on registry-2 | infra | - | secondary |
			`,
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			x := newSession(t, Options{Format: format})
			require.NoError(t, List(x.p, incidents, sample(), Meta{}))
			assert.Equal(t, lines(want), x.out.String())
			assert.Empty(t, x.errs.String())
		})
	}
}

// TestHostileList: the texts of others harm no terminal and forge nothing, and
// are still all there.
func TestHostileList(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"table": `
			NUMBER    PHASE   AGE  TITLE                                       SERVICE        PAGED  ACKED BY
			1\x1b[2J  open\r  -    a\u202eb | <script>\nincident/2 \U000e0041  \u009b31m\x7f  -      -
			`,
		"wide": `
			NUMBER    PHASE   AGE  TITLE                                       SERVICE        PAGED  ACKED BY  URL
			1\x1b[2J  open\r  -    a\u202eb | <script>\nincident/2 \U000e0041  \u009b31m\x7f  -      -         -
			`,
		"json": `
			{
			  "apiVersion": "oncall/v1",
			  "kind": "IncidentList",
			  "items": [
			    {
			      "number": "1\u001b[2J",
			      "title": "a\u202eb | <script>\nincident/2 \udb40\udc41",
			      "phase": "open\r",
			      "service": "\u009b31m\u007f",
			      "startedAt": "0001-01-01T00:00:00Z",
			      "alertCount": 0,
			      "pagedUsers": [],
			      "url": ""
			    }
			  ],
			  "meta": {}
			}
			`,
		"jsonl": `
			{"number":"1\u001b[2J","title":"a\u202eb | <script>\nincident/2 \udb40\udc41","phase":"open\r","service":"\u009b31m\u007f","startedAt":"0001-01-01T00:00:00Z","alertCount":0,"pagedUsers":[],"url":""}
			`,
		"yaml": `
			apiVersion: oncall/v1
			kind: IncidentList
			items:
			  - number: "1\e[2J"
			    title: "a\u202eb | <script>\nincident/2 \U000E0041"
			    phase: "open\r"
			    service: "\x9B31m\x7F"
			    startedAt: "0001-01-01T00:00:00Z"
			    alertCount: 0
			    pagedUsers: []
			    url: ""
			meta: {}
			`,
		"name": `
			incident/1\x1b[2J
			`,
		"md": `
			| NUMBER | PHASE | AGE | TITLE | SERVICE | PAGED | ACKED BY |
			| --- | --- | --- | --- | --- | --- | --- |
			| 1\\x1b\[2J | open\\r | - | a\\u202eb \| &lt;script&gt;\\nincident/2 \\U000e0041 | \\u009b31m\\x7f | - | - |
			`,
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			x := newSession(t, Options{Format: format})
			require.NoError(t, List(x.p, incidents, []incident{evil()}, Meta{}))
			assert.Equal(t, lines(want), x.out.String())
			assert.Equal(t, ios.VisibleBlock(x.out.String()), x.out.String())
		})
	}
}

func TestEmptyList(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]struct{ out, err string }{
		"table": {"", "no open incidents\n"},
		"wide":  {"", "no open incidents\n"},
		"md":    {"", "no open incidents\n"},
		"name":  {"", ""},
		"jsonl": {"", ""},
		"json":  {"{\n  \"apiVersion\": \"oncall/v1\",\n  \"kind\": \"IncidentList\",\n  \"items\": [],\n  \"meta\": {}\n}\n", ""},
		"yaml":  {"apiVersion: oncall/v1\nkind: IncidentList\nitems: []\nmeta: {}\n", ""},
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			for _, items := range [][]incident{nil, {}} {
				x := newSession(t, Options{Format: format})
				require.NoError(t, List(x.p, incidents, items, Meta{}))
				assert.Equal(t, want.out, x.out.String())
				assert.Equal(t, want.err, x.errs.String())
			}
		})
	}
}

func TestEmptyText(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{})
	require.NoError(t, List(x.p, incidents, nil, Meta{Empty: "no open incident pages you"}))
	require.NoError(t, List(x.p, Table[incident]{Kind: "StatusIncident"}, nil, Meta{}))
	assert.Equal(t, "no open incident pages you\nno status incident found\n", x.errs.String())
}

func TestMeta(t *testing.T) {
	t.Parallel()
	meta := Meta{Truncated: true, More: "--limit 500 shows more", Partial: []Partial{{Source: "loki", Error: "unreachable\x1b[2J"}}}
	const told = "warning: the list is cut: --limit 500 shows more\nwarning: loki: unreachable\\x1b[2J\n"
	for _, o := range []Options{
		{Format: "table"}, {Format: "wide"}, {Format: "jsonl"}, {Format: "name"}, {Format: "md"}, {JQ: ".kind"}, {Template: "{{.kind}}"},
	} {
		x := newSession(t, o)
		require.NoError(t, List(x.p, incidents, sample(), meta))
		assert.Equal(t, told, x.errs.String(), "%+v", o)

		x = newSession(t, o)
		require.NoError(t, Item(x.p, incidents, sample()[0], func(d *Detail) { d.Title("x", "y") }, meta))
		assert.Equal(t, told, x.errs.String(), "%+v", o)

		x = newSession(t, Options{})
		require.NoError(t, List(x.p, incidents, nil, meta))
		assert.Equal(t, "no open incidents\n"+told, x.errs.String(), "an empty list says why, too")
	}
	for _, format := range []string{"json", "yaml"} {
		x := newSession(t, Options{Format: format})
		require.NoError(t, List(x.p, incidents, nil, meta))
		assert.Empty(t, x.errs.String(), "the envelope carries it")
	}
	x := newSession(t, Options{Format: "json"})
	require.NoError(t, List(x.p, incidents, nil, meta))
	assert.JSONEq(t, `{"apiVersion":"oncall/v1","kind":"IncidentList","items":[],"meta":{"truncated":true,
		"partial":[{"source":"loki","error":"unreachable\u001b[2J"}]}}`, x.out.String())

	x = newSession(t, Options{})
	require.NoError(t, List(x.p, incidents, sample(), Meta{Truncated: true}))
	assert.Equal(t, "warning: the list is cut\n", x.errs.String())
}

func TestItem(t *testing.T) {
	t.Parallel()
	detail := func(d *Detail) {
		d.Title("API 5xx ratio above 2%", "triggered 6m ago")
		d.Row("paged", "you")
	}
	for format, want := range map[string]string{
		"table": "API 5xx ratio above 2%   triggered 6m ago\npaged    you\n",
		"wide":  "API 5xx ratio above 2%   triggered 6m ago\npaged    you\n",
		"md":    "### API 5xx ratio above 2%\n\ntriggered 6m ago\n\n- **paged**: you\n",
		"name":  "incident/4126\n",
		"jsonl": `{"number":"4126","title":"e2e hourly: no success for 1h","phase":"triggered","service":"e2e","startedAt":"0001-01-01T00:00:00Z","alertCount":0,"pagedUsers":["you"],"url":""}` + "\n",
		"json": lines(`
			{
			  "apiVersion": "oncall/v1",
			  "kind": "Incident",
			  "item": {
			    "number": "4126",
			    "title": "e2e hourly: no success for 1h",
			    "phase": "triggered",
			    "service": "e2e",
			    "startedAt": "0001-01-01T00:00:00Z",
			    "alertCount": 0,
			    "pagedUsers": [
			      "you"
			    ],
			    "url": ""
			  },
			  "meta": {}
			}
			`),
		"yaml": lines(`
			apiVersion: oncall/v1
			kind: Incident
			item:
			  number: "4126"
			  title: "e2e hourly: no success for 1h"
			  phase: triggered
			  service: e2e
			  startedAt: "0001-01-01T00:00:00Z"
			  alertCount: 0
			  pagedUsers:
			    - you
			  url: ""
			meta: {}
			`),
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			x := newSession(t, Options{Format: format})
			require.NoError(t, Item(x.p, incidents, sample()[1], detail))
			assert.Equal(t, want, x.out.String())
			assert.Empty(t, x.errs.String())
		})
	}
}

func TestItemWithoutDetailIsATableOfOneRow(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{})
	require.NoError(t, Item(x.p, incidents, sample()[0], nil))
	assert.Equal(t, lines(`
		NUMBER  PHASE      AGE  TITLE                   SERVICE  PAGED  ACKED BY
		4127    triggered  6m   API 5xx ratio above 2%  api      you    -
		`), x.out.String())
}

func TestWideDetailKnowsIt(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]bool{"table": false, "wide": true} {
		x := newSession(t, Options{Format: format})
		require.NoError(t, Item(x.p, incidents, sample()[0], func(d *Detail) { assert.Equal(t, want, d.Wide()) }))
	}
}

func TestNamelessKind(t *testing.T) {
	t.Parallel()
	x := newSession(t, Options{Format: "name"})
	err := List(x.p, Table[incident]{Kind: "DriftReport"}, sample(), Meta{})
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.EqualError(t, err, "-o name: drift report has no names")
	assert.Empty(t, x.out.String())
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"Incident": "incident", "incident": "incident", "StatusIncident": "status-incident",
		"RDSInstance": "rds-instance", "ID": "id", "OnCallNow": "on-call-now", "": "",
	} {
		assert.Equal(t, want, kebab(kind))
	}
	assert.Equal(t, "Incident", kindOf("incident"))
	assert.Empty(t, kindOf(""))
}

// TestBrokenPipe: whoever reads may stop reading, as head does; the error says
// so in every format.
func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{Format: "table"}, {Format: "wide"}, {Format: "json"}, {Format: "jsonl"}, {Format: "yaml"}, {Format: "name"}, {Format: "md"},
		{JQ: "keys[]"}, {Template: "x"},
	} {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, r.Close())
		x := newSession(t, o, func(s *ios.Streams) { s.Out = w })
		require.ErrorIs(t, List(x.p, incidents, sample(), Meta{}), syscall.EPIPE, "%+v", o)
		require.ErrorIs(t, Item(x.p, incidents, sample()[0], func(d *Detail) { d.Row("a", "b") }), syscall.EPIPE, "%+v", o)
		require.ErrorIs(t, NewStream(x.p, "Incident", func(i incident) string { return i.Title }).
			WithName(incidents.Name).Print(sample()[0]), syscall.EPIPE, "%+v", o)
		require.NoError(t, w.Close())
	}
}

func TestUnprintableValue(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "jsonl", "yaml"} {
		x := newSession(t, Options{Format: format})
		err := List(x.p, Table[broken]{Kind: "Broken"}, []broken{{}}, Meta{})
		require.ErrorIs(t, err, errBroken)
		assert.Empty(t, x.out.String(), "nothing of it is printed")
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) MarshalJSON() ([]byte, error) { return nil, errBroken }
