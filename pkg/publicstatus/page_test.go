package publicstatus_test

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

var now = time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC)

// page is a status page in memory. lost makes the answers of that many changes
// get lost; swallowed makes the changes themselves get lost too.
type page struct {
	components []statuspage.Component
	incidents  []statuspage.Incident
	templates  []statuspage.Template
	count      int
	countErr   error

	lost, swallowed int
	lookErr         error
	breaks          error                             // lookErr after the next change
	drafts          map[string]*statuspage.Postmortem // nil: every postmortem call is lost
	forgetful       bool                              // takes metadata and does not keep it
	chatty          bool                              // posts an update for metadata alone
	sent            []any
	created         int

	mu     sync.Mutex
	reads  map[string]int
	onRead func(what string, n int) // before the nth read of "components" or of a view
}

func (p *page) read(what string) {
	if p.onRead == nil {
		return
	}
	p.mu.Lock()
	if p.reads == nil {
		p.reads = map[string]int{}
	}
	p.reads[what]++
	n := p.reads[what]
	p.mu.Unlock()
	p.onRead(what, n)
}

var errLost = &apierr.Error{Vendor: "statuspage", Op: "change", Kind: []error{apierr.ErrUnknownOutcome}, Message: "the connection was lost"}

// change runs do unless it is swallowed, and loses the answer when it must.
func (p *page) change(in any, do func()) error {
	p.sent = append(p.sent, in)
	if p.breaks != nil {
		defer func() { p.lookErr = p.breaks }()
	}
	if p.swallowed > 0 {
		p.swallowed--
		return errLost
	}
	do()
	if p.lost > 0 {
		p.lost--
		return errLost
	}
	return nil
}

func seq[T any](rows []T, err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		if err != nil {
			yield(zero, err)
			return
		}
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (p *page) Page(context.Context) (statuspage.Page, error) { return statuspage.Page{ID: "p"}, nil }
func (p *page) Components(context.Context) iter.Seq2[statuspage.Component, error] {
	p.read("components")
	return seq(p.components, p.lookErr)
}

func (p *page) Component(_ context.Context, id string) (statuspage.Component, error) {
	for _, c := range p.components {
		if c.ID == id {
			return c, p.lookErr
		}
	}
	return statuspage.Component{}, apierr.New(apierr.ErrNotFound, "statuspage", "", "no")
}

func (p *page) UpdateComponent(_ context.Context, id string, in statuspage.ComponentWrite) (out statuspage.Component, err error) {
	err = p.change(in, func() {
		for i := range p.components {
			if p.components[i].ID == id {
				p.components[i].Status = *in.Status
				out = p.components[i]
			}
		}
	})
	return out, err
}

func (p *page) Incidents(context.Context, string) iter.Seq2[statuspage.Incident, error] {
	return seq(p.incidents, p.lookErr)
}

func (p *page) IncidentsIn(_ context.Context, v statuspage.View) iter.Seq2[statuspage.Incident, error] {
	p.read(string(v))
	out := []statuspage.Incident{}
	for _, i := range p.incidents {
		running := i.Status == statuspage.InProgress || i.Status == statuspage.Verifying
		switch {
		case i.Status.Closed():
		case v == statuspage.Unresolved && !i.OfMaintenance(), v == statuspage.ActiveMaintenance && running,
			(v == statuspage.ScheduledView || v == statuspage.Upcoming) && i.Status == statuspage.Scheduled:
			out = append(out, i)
		}
	}
	return seq(out, p.lookErr)
}

func (p *page) Incident(_ context.Context, id string) (statuspage.Incident, error) {
	for _, i := range p.incidents {
		if i.ID == id {
			return i, p.lookErr
		}
	}
	return statuspage.Incident{}, apierr.New(apierr.ErrNotFound, "statuspage", "read incident "+id, "not found")
}

func (p *page) CreateIncident(_ context.Context, in statuspage.IncidentWrite) (out statuspage.Incident, err error) {
	err = p.change(in, func() {
		p.created++
		out = statuspage.Incident{ID: "new", Name: *in.Name, Status: *in.Status, Metadata: in.Metadata, CreatedAt: statuspage.Time{Time: now}}
		if in.ScheduledFor != nil {
			out.ScheduledFor = *in.ScheduledFor
		}
		p.incidents = append([]statuspage.Incident{out}, p.incidents...)
	})
	return out, err
}

func (p *page) UpdateIncident(_ context.Context, id string, in statuspage.IncidentWrite) (out statuspage.Incident, err error) {
	err = p.change(in, func() {
		for n := range p.incidents {
			i := &p.incidents[n]
			if i.ID != id {
				continue
			}
			if in.Status != nil {
				i.Status = *in.Status
			}
			if in.Metadata != nil && !p.forgetful {
				i.Metadata = in.Metadata
			}
			if in.Body != nil || p.chatty {
				u := statuspage.Update{ID: "u" + strings.Repeat("x", len(i.Updates)), DisplayAt: statuspage.Time{Time: now}, Status: i.Status}
				if in.Body != nil {
					u.Body = *in.Body
				}
				i.Updates = append([]statuspage.Update{u}, i.Updates...)
			}
			out = *i
		}
	})
	return out, err
}

func (p *page) EditUpdate(_ context.Context, _, id string, in statuspage.UpdateWrite) (statuspage.Update, error) {
	return statuspage.Update{ID: id, Body: *in.Body}, p.change(in, func() {})
}

func (p *page) Postmortem(_ context.Context, id string) (statuspage.Postmortem, error) {
	if pm := p.drafts[id]; pm != nil {
		return *pm, p.lookErr
	}
	return statuspage.Postmortem{}, apierr.New(apierr.ErrNotFound, "statuspage", "", "no")
}

func (p *page) DraftPostmortem(_ context.Context, id, text string) (statuspage.Postmortem, error) {
	if p.drafts == nil {
		return statuspage.Postmortem{}, errLost
	}
	err := p.change(text, func() {
		if p.drafts[id] == nil {
			p.drafts[id] = &statuspage.Postmortem{}
		}
		p.drafts[id].BodyDraft = text
	})
	if pm := p.drafts[id]; pm != nil && err == nil {
		return *pm, nil
	}
	return statuspage.Postmortem{}, err
}

func (p *page) PublishPostmortem(_ context.Context, id string, in statuspage.PostmortemPublish) (statuspage.Postmortem, error) {
	if p.drafts == nil {
		return statuspage.Postmortem{}, errLost
	}
	err := p.change(in, func() {
		pm := p.drafts[id]
		pm.Body, pm.PublishedAt = pm.BodyDraft, statuspage.Time{Time: now.Add(time.Duration(len(p.sent)) * time.Second)}
	})
	return *p.drafts[id], err
}

func (p *page) Templates(context.Context) iter.Seq2[statuspage.Template, error] {
	return seq(p.templates, nil)
}

func (p *page) SubscriberCount(context.Context) (statuspage.SubscriberCount, error) {
	return statuspage.SubscriberCount{Email: p.count}, p.countErr
}

func (p *page) PublicSummary(context.Context) (statuspage.Summary, error) {
	return statuspage.Summary{}, nil
}

func comp(id, name string, status statuspage.ComponentStatus, group ...string) statuspage.Component {
	c := statuspage.Component{ID: id, Name: name, Status: status}
	if len(group) > 0 {
		c.GroupID = group[0]
	}
	return c
}

func world() *page {
	at := func(d time.Duration) statuspage.Time { return statuspage.Time{Time: now.Add(d)} }
	api, docs := comp("c1", "API", statuspage.Operational, "g1"), comp("c2", "API docs", statuspage.Operational)
	return &page{count: 42,
		components: []statuspage.Component{
			{ID: "g1", Name: "Core", Group: true}, {ID: "g2", Name: "Edge", Group: true},
			api, docs, comp("c3", "Web", statuspage.Operational, "g1"), comp("c4", "Web", statuspage.Operational, "g2"), comp("c5", "a=b", statuspage.Operational),
		},
		incidents: []statuspage.Incident{
			{ID: "i1", Name: "API slow", Status: statuspage.Identified, CreatedAt: at(-2 * time.Hour), Components: []statuspage.Component{api},
				Metadata: statuspage.Metadata{"jira": json.RawMessage(`{"id":"OPS-1"}`), "oncall": json.RawMessage(`{"pager":{"number":"4127"},"theirs":{"a":[1]}}`)},
				Updates:  []statuspage.Update{{ID: "u2", DisplayAt: at(-10 * time.Minute), Body: "two"}, {ID: "u1", DisplayAt: at(-2 * time.Hour), Body: "one"}}},
			{ID: "i0", Name: "Old", Status: statuspage.Resolved, CreatedAt: at(-20 * time.Hour), ResolvedAt: at(-19 * time.Hour)},
		},
	}
}

func board(p *page) *publicstatus.Board {
	return publicstatus.New(p, publicstatus.Options{User: "you", Now: func() time.Time { return now }, NewID: func() string { return "req-1" },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
}
