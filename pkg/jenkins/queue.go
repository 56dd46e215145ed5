package jenkins

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// ErrCancelled is the kind of the error about a queue item that was cancelled
// before it became a build.
var ErrCancelled = errors.New("cancelled in the queue")

// ErrLostTrack is the kind of the error about a queue item that vanished
// without a build that came of it: it may have run, and may have not. Such an
// error is an apierr.ErrUnknownOutcome too.
var ErrLostTrack = errors.New("lost track of the queue item")

// QueueState is where a queue item stands.
type QueueState string

// The states, by Jenkins' class (contract section 6).
const (
	QueueQuiet     QueueState = "quiet"     // in the quiet period
	QueueBlocked   QueueState = "blocked"   // by another build or the shutdown
	QueueBuildable QueueState = "buildable" // waits for an executor
	QueueCancelled QueueState = "cancelled"
	QueueStarted   QueueState = "started" // Build is set
	QueueLeaving   QueueState = "leaving" // left the queue, the build is about to appear
	QueueUnknown   QueueState = "unknown" // a class that this client does not know
)

// QueueItem is a start that was asked for.
type QueueItem struct {
	ID         int64       `json:"id"`
	State      QueueState  `json:"state"`
	Why        string      `json:"why"` // Jenkins' words; "" after leaving
	Stuck      bool        `json:"stuck"`
	Since      time.Time   `json:"since"`
	Task       string      `json:"task"`    // the job's short name
	TaskURL    string      `json:"taskUrl"` // by the configured root URL: compare its path, never dial it
	Parameters []Parameter `json:"parameters"`
	Causes     []Cause     `json:"causes"`
	Build      int         `json:"build"` // number, 0 before it started
}

const queueTree = "_class,id,why,stuck,blocked,buildable,pending,cancelled,inQueueSince,executable[number,url],task[name,url]," +
	"actions[parameters[_class,name,value],causes[shortDescription,userId,upstreamProject,upstreamBuild]]"

type queueWire struct {
	Class      string  `json:"_class"`
	ID         int64   `json:"id"`
	Why        *string `json:"why"`
	Stuck      bool    `json:"stuck"`
	Blocked    bool    `json:"blocked"`
	Buildable  bool    `json:"buildable"`
	Cancelled  *bool   `json:"cancelled"`
	Since      int64   `json:"inQueueSince"` // ms since 1970
	Executable *struct {
		Number int `json:"number"`
	} `json:"executable"`
	Task struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	} `json:"task"`
	Actions []actionWire `json:"actions"`
}

func (w queueWire) item() QueueItem {
	q := QueueItem{ID: w.ID, Stuck: w.Stuck, Since: time.UnixMilli(w.Since).UTC(), Task: w.Task.Name, TaskURL: w.Task.URL,
		Parameters: []Parameter{}, Causes: []Cause{}, State: w.state()}
	if w.Why != nil {
		q.Why = *w.Why
	}
	if w.Executable != nil {
		q.Build = w.Executable.Number
	}
	for _, a := range w.Actions {
		for _, p := range a.Parameters {
			q.Parameters = append(q.Parameters, p.parameter())
		}
		for _, cause := range a.Causes {
			q.Causes = append(q.Causes, cause.cause())
		}
	}
	return q
}

func (w queueWire) state() QueueState {
	kind := w.Class[strings.LastIndexByte(w.Class, '$')+1:]
	switch {
	case w.Cancelled != nil && *w.Cancelled:
		return QueueCancelled
	case w.Executable != nil && w.Executable.Number > 0:
		return QueueStarted
	case kind == "LeftItem":
		return QueueLeaving // neither cancelled nor started: for a moment only
	case kind == "WaitingItem":
		return QueueQuiet
	case kind == "BlockedItem", w.Blocked:
		return QueueBlocked
	case kind == "BuildableItem", w.Buildable:
		return QueueBuildable
	}
	return QueueUnknown
}

// isJob reports whether the item would build job. Jenkins names the task by its
// short name and by a URL of its own root.
func (q QueueItem) isJob(job JobName) bool {
	if t, err := ParseURL(q.TaskURL); err == nil && t.Job != nil {
		return t.Job.Equal(job)
	}
	return len(job) > 0 && q.Task == job[len(job)-1]
}

// QueueItem reads one item. Jenkins forgets an item five minutes after it left
// the queue: then apierr.ErrNotFound.
func (c *Client) QueueItem(ctx context.Context, id int64) (QueueItem, error) {
	var w queueWire
	op := fmt.Sprintf("queue item %d", id)
	if err := c.get(ctx, op, fmt.Sprintf("/queue/item/%d", id), queueTree, &w); err != nil {
		return QueueItem{}, err
	}
	return w.item(), nil
}

// Queue lists what waits, for every job that the user may see.
func (c *Client) Queue(ctx context.Context) ([]QueueItem, error) {
	var w struct {
		Items []queueWire `json:"items"`
	}
	if err := c.get(ctx, "queue", "/queue", "items["+queueTree+"]", &w); err != nil {
		return nil, err
	}
	out := []QueueItem{}
	for _, i := range w.Items {
		out = append(out, i.item())
	}
	return out, nil
}

// waiting lists what waits of one job.
func (c *Client) waiting(ctx context.Context, job JobName) ([]QueueItem, error) {
	all, err := c.Queue(ctx)
	out := []QueueItem{}
	for _, q := range all {
		if q.isJob(job) {
			out = append(out, q)
		}
	}
	return out, err
}

// Activity is what waits and what ran of one job.
type Activity struct {
	Waiting []QueueItem // of no build in Builds
	Builds  []Build     // newest first, the number asked for at most
}

// Activity reads the queue, and then the newest builds: in this order a start that
// leaves the queue meanwhile is seen at least once, and one seen twice is counted
// as its build.
func (c *Client) Activity(ctx context.Context, job JobName, builds int) (Activity, error) {
	waiting, err := c.waiting(ctx, job)
	if err != nil {
		return Activity{}, err
	}
	ran, err := c.Builds(ctx, job, 0, builds)
	waiting = slices.DeleteFunc(waiting, func(q QueueItem) bool {
		return slices.ContainsFunc(ran, func(b Build) bool { return b.QueueID == q.ID })
	})
	return Activity{waiting, ran}, err
}

const (
	queuePoll = time.Second      // between looks at a queue item
	queueLost = 30 * time.Second // how long an item that answers 404 is looked for
)

// WaitStart follows a queue item until it is a build, and returns its number.
// seen is told of every look that shows something new; it may be nil.
//
// A cancelled item is ErrCancelled. An item that is gone is looked for among
// the newest builds; after half a minute of that the error is ErrLostTrack.
// A controller that is away is waited for, as long as ctx allows.
func (c *Client) WaitStart(ctx context.Context, job JobName, id int64, seen func(QueueItem)) (int, error) {
	var last QueueItem
	var missing time.Time
	op := fmt.Sprintf("queue item %d", id)
	for {
		q, err := c.QueueItem(ctx, id)
		switch {
		case err == nil:
			missing = time.Time{}
			if seen != nil && (q.State != last.State || q.Why != last.Why || q.Stuck != last.Stuck) {
				seen(q)
			}
			last = q
			if q.State == QueueCancelled {
				return 0, &apierr.Error{Vendor: vendor, Op: op, Kind: []error{ErrCancelled}, Message: "the start was cancelled in the queue"}
			}
			if q.Build > 0 {
				return q.Build, nil
			}
		case is(err, http.StatusNotFound):
			n, found, lookErr := c.buildOfQueue(ctx, job, id)
			if found {
				return n, nil
			}
			if lookErr != nil && !away(lookErr) {
				return 0, lookErr
			}
			if missing.IsZero() {
				missing = c.now()
			}
			if c.now().Sub(missing) >= queueLost {
				return 0, (&apierr.Error{Vendor: vendor, Op: op, Kind: []error{ErrLostTrack, apierr.ErrUnknownOutcome},
					Message: "lost track: Jenkins no longer knows the item, and no recent build came of it"}).
					WithHint("look at the newest builds: %s", c.JobURL(job))
			}
		case !away(err):
			return 0, err
		}
		if err := c.sleep(ctx, queuePoll); err != nil {
			return 0, err
		}
	}
}

// buildOfQueue looks for the build that came of a queue item.
func (c *Client) buildOfQueue(ctx context.Context, job JobName, id int64) (int, bool, error) {
	builds, err := c.Builds(ctx, job, 0, newest)
	for _, b := range builds {
		if id > 0 && b.QueueID == id {
			return b.Number, true, nil
		}
	}
	return 0, false, err
}

// away reports whether err says that the controller, or the way to it, is not
// there for the moment.
func away(err error) bool {
	return errors.Is(err, apierr.ErrUnavailable) || errors.Is(err, apierr.ErrRateLimited)
}

// Cancel takes an item out of the queue. One that has left it already (it
// started, or was cancelled) is apierr.ErrNotFound.
func (c *Client) Cancel(ctx context.Context, id int64) error {
	op := fmt.Sprintf("cancel queue item %d", id)
	res, err := c.post(ctx, httpx.Request{Op: op, Path: "/queue/cancelItem", Query: url.Values{"id": {strconv.FormatInt(id, 10)}}})
	if err != nil {
		return err
	}
	switch res.Status {
	case http.StatusNoContent, http.StatusFound: // 302: controllers older than 2.211
		if res.Status == http.StatusFound && loginPage(res.Header) {
			return notSignedIn(op)
		}
		return nil
	case http.StatusNotFound:
		return fail(apierr.ErrNotFound, op, "the item has left the queue, or there is none")
	case http.StatusUnprocessableEntity:
		return fail(apierr.ErrAuth, op, "refused: no right to cancel it")
	}
	return c.unexpected(op, res)
}
