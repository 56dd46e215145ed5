package publicstatus

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// recordKey is the metadata entry that is ours. Whether the public API shows
// metadata is not known, so nothing secret goes in.
const recordKey = "oncall"

// record is metadata.oncall: what the team needs to know of an incident and the
// page has no field for.
type record struct {
	Request     string       `json:"request,omitempty"` // marks the request that made it
	Pager       *Pager       `json:"pager,omitempty"`
	Snooze      *Snooze      `json:"snooze,omitempty"`
	ShortNotice *ShortNotice `json:"shortNotice,omitempty"`
	Cancelled   *cancelled   `json:"cancelled,omitempty"`

	// rest are keys of other writers inside our entry; they are kept.
	rest map[string]json.RawMessage
}

type cancelled struct {
	By string    `json:"by,omitempty"`
	At time.Time `json:"at"`
}

var recordKeys = []string{"request", "pager", "snooze", "shortNotice", "cancelled"}

// readRecord takes our entry out of metadata. Anybody can write there, so what
// does not have our form counts as absent.
func readRecord(m statuspage.Metadata) record {
	var r record
	var all map[string]json.RawMessage
	if json.Unmarshal(m[recordKey], &all) != nil {
		return r
	}
	take := func(key string, into any) {
		_ = json.Unmarshal(all[key], into)
	}
	take("request", &r.Request)
	var p Pager
	if take("pager", &p); p.Number != "" {
		r.Pager = &p
	}
	var s Snooze
	if take("snooze", &s); !s.Until.IsZero() {
		r.Snooze = &s
	}
	var n ShortNotice
	if take("shortNotice", &n); n.Reason != "" {
		r.ShortNotice = &n
	}
	var c cancelled
	if take("cancelled", &c); !c.At.IsZero() {
		r.Cancelled = &c
	}
	r.rest = maps.Clone(all)
	for _, k := range recordKeys {
		delete(r.rest, k)
	}
	return r
}

// into returns m with our entry set to r; the entries of others stay.
func (r record) into(m statuspage.Metadata) statuspage.Metadata {
	entry := map[string]json.RawMessage{}
	maps.Copy(entry, r.rest)
	own, _ := json.Marshal(r) // plain structs of texts and times always marshal
	var mine map[string]json.RawMessage
	_ = json.Unmarshal(own, &mine)
	maps.Copy(entry, mine)
	out := statuspage.Metadata{}
	maps.Copy(out, m)
	out[recordKey], _ = json.Marshal(entry)
	return out
}
