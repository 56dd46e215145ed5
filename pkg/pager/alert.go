package pager

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/victorops"
)

// Alert is what the monitor said.
type Alert struct {
	ID      string            `json:"id"`
	Type    string            `json:"type"` // critical, warning, info, acknowledgement, recovery
	Message string            `json:"message"`
	Tool    string            `json:"tool"`
	At      time.Time         `json:"at,omitzero"`
	Since   time.Time         `json:"since,omitzero"` // when the entity entered this state
	Fields  map[string]string `json:"fields"`         // what else the monitor sent
}

// Link is an address that came with an alert. Only http and https get here.
type Link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Annotation is a titled extra of an alert that is not a link: a note, an image,
// or an address that must not be opened.
type Annotation struct {
	Kind  string `json:"kind"` // note, image, url
	Title string `json:"title"`
	Value string `json:"value"`
}

// standard are fields of an alert that have a place of their own in Alert or in
// Incident, or that VictorOps adds for itself.
var standard = map[string]bool{
	"message_type": true, "entity_id": true, "entity_display_name": true, "state_message": true,
	"state_start_time": true, "monitoring_tool": true, "timestamp": true, "routing_key": true,
	"ack_author": true, "ack_msg": true, "ack_message": true, marker: true,
}

// readAlert splits an alert into what it says, its links and its annotations.
func readAlert(id string, v victorops.AlertDetails) (Alert, []Link, []Annotation) {
	a := Alert{ID: id, Type: strings.ToLower(v.MessageType), Message: string(v.StateMessage), Tool: string(v.MonitoringTool),
		At: v.Timestamp.UTC(), Since: v.StateStartTime.UTC(), Fields: map[string]string{}}
	links, notes := []Link{}, []Annotation{}
	for k, value := range v.Fields() {
		s := html.UnescapeString(plain(value))
		rest, annotation := strings.CutPrefix(k, "vo_annotate.")
		switch {
		case s == "":
		case annotation:
			kind, title, _ := strings.Cut(rest, ".")
			title = html.UnescapeString(title)
			switch {
			case kind == "u" && Web(s):
				links = append(links, Link{Title: title, URL: s})
			case kind == "u":
				notes = append(notes, Annotation{Kind: "url", Title: title, Value: s})
			case kind == "i":
				notes = append(notes, Annotation{Kind: "image", Title: title, Value: s})
			default:
				notes = append(notes, Annotation{Kind: "note", Title: title, Value: s})
			}
		case standard[strings.ToLower(k)] || strings.HasPrefix(k, "VO_"):
		default:
			a.Fields[k] = s
		}
	}
	slices.SortFunc(links, func(a, b Link) int {
		return cmp.Or(strings.Compare(a.Title, b.Title), strings.Compare(a.URL, b.URL))
	})
	slices.SortFunc(notes, func(a, b Annotation) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Title, b.Title))
	})
	return a, links, notes
}

// plain is a JSON value as text.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}
