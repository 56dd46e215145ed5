// Package publicstatus is what a team does with its public status page, above
// the vendor's wire: finding a component by the name people use, planning a
// change and saying who is told, opening and closing public incidents and
// maintenance by the team's rules, and checking that the page tells the truth.
//
// It prints nothing and asks nobody. A change comes in two steps: a Plan
// method reads the page and returns what would happen, and the plan's own
// method does it, once. After a lost answer it looks at the page, and only what
// it sees there counts; what it cannot see is apierr.ErrUnknownOutcome.
package publicstatus

import (
	"context"
	"iter"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// System is the name of the page in errors.
const System = "statuspage"

// API is what a Board needs of the page's vendor; *statuspage.Client is one.
type API interface {
	Page(ctx context.Context) (statuspage.Page, error)
	Components(ctx context.Context) iter.Seq2[statuspage.Component, error]
	Component(ctx context.Context, id string) (statuspage.Component, error)
	UpdateComponent(ctx context.Context, id string, in statuspage.ComponentWrite) (statuspage.Component, error)

	Incidents(ctx context.Context, search string) iter.Seq2[statuspage.Incident, error]
	IncidentsIn(ctx context.Context, v statuspage.View) iter.Seq2[statuspage.Incident, error]
	Incident(ctx context.Context, id string) (statuspage.Incident, error)
	CreateIncident(ctx context.Context, in statuspage.IncidentWrite) (statuspage.Incident, error)
	UpdateIncident(ctx context.Context, id string, in statuspage.IncidentWrite) (statuspage.Incident, error)
	EditUpdate(ctx context.Context, incidentID, updateID string, in statuspage.UpdateWrite) (statuspage.Update, error)

	Postmortem(ctx context.Context, incidentID string) (statuspage.Postmortem, error)
	DraftPostmortem(ctx context.Context, incidentID, draft string) (statuspage.Postmortem, error)
	PublishPostmortem(ctx context.Context, incidentID string, in statuspage.PostmortemPublish) (statuspage.Postmortem, error)

	Templates(ctx context.Context) iter.Seq2[statuspage.Template, error]
	SubscriberCount(ctx context.Context) (statuspage.SubscriberCount, error)
	PublicSummary(ctx context.Context) (statuspage.Summary, error)
}

// Options makes a Board.
type Options struct {
	User  string                                           // handle written beside a snooze; may be ""
	Now   func() time.Time                                 // nil is time.Now
	Sleep func(ctx context.Context, d time.Duration) error // nil is a timer that ctx ends
	NewID func() string                                    // marks a new incident so that it can be found again; required to create
}

// Board is a team's status page.
type Board struct {
	api API
	o   Options
}

// New makes a board over a page.
func New(api API, o Options) *Board {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return &Board{api: api, o: o}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func usage(format string, args ...any) *apierr.Error {
	return apierr.New(apierr.ErrUsage, "status", "", format, args...)
}

func guard(format string, args ...any) *apierr.Error {
	return apierr.New(apierr.ErrGuard, "status", "", format, args...)
}

func notFound(format string, args ...any) *apierr.Error {
	return apierr.New(apierr.ErrNotFound, "status", "", format, args...)
}

func ambiguous(format string, args ...any) *apierr.Error {
	return apierr.New(apierr.ErrAmbiguous, "status", "", format, args...)
}
