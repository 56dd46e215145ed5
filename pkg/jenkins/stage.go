package jenkins

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// StageStatus is a stage's verdict in the words of the stage view (contract
// section 9), which are not a build's: FAILED, not FAILURE.
type StageStatus string

// The verdicts of a stage.
const (
	StageNotExecuted StageStatus = "NOT_EXECUTED"
	StageAborted     StageStatus = "ABORTED"
	StageSuccess     StageStatus = "SUCCESS"
	StageInProgress  StageStatus = "IN_PROGRESS"
	StagePaused      StageStatus = "PAUSED_PENDING_INPUT"
	StageFailed      StageStatus = "FAILED"
	StageUnstable    StageStatus = "UNSTABLE"
)

// Stage is a stage of a pipeline, or a step in one. Names are not unique, and
// parallel branches stand beside each other.
type Stage struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Status     StageStatus `json:"status"`
	Start      time.Time   `json:"startedAt"`
	DurationMS int64       `json:"durationMs"` // milliseconds
	PauseMS    int64       `json:"pauseMs"`    // of that, waiting for input
	Error      string      `json:"error"`      // message, "" when fine
	Steps      []Stage     `json:"steps,omitempty"`
}

// Duration is how long the stage took, or has taken.
func (s Stage) Duration() time.Duration { return time.Duration(s.DurationMS) * time.Millisecond }

type stageWire struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Status     StageStatus `json:"status"`
	Start      int64       `json:"startTimeMillis"`
	DurationMS int64       `json:"durationMillis"`
	PauseMS    int64       `json:"pauseDurationMillis"`
	Error      *struct {
		Message string `json:"message"`
	} `json:"error"`
	Nodes []stageWire `json:"stageFlowNodes"`
}

func (w stageWire) stage() Stage {
	s := Stage{ID: w.ID, Name: w.Name, Status: w.Status, Start: time.UnixMilli(w.Start).UTC(), DurationMS: w.DurationMS, PauseMS: w.PauseMS}
	if w.Error != nil {
		s.Error = w.Error.Message
	}
	for _, n := range w.Nodes {
		s.Steps = append(s.Steps, n.stage())
	}
	return s
}

// Stages lists a pipeline build's stages in the order of their start; with
// steps, each with up to 100 of its steps. A freestyle job, and a controller
// without the stage view plugin, is apierr.ErrUnsupported.
func (c *Client) Stages(ctx context.Context, job JobName, number int, steps bool) ([]Stage, error) {
	op := fmt.Sprintf("stages of %s #%d", job, number)
	r := httpx.Request{Op: op, Path: job.buildPath(number) + "/wfapi/describe"}
	if steps {
		r.Query = map[string][]string{"fullStages": {"true"}}
	}
	var w struct {
		Stages []stageWire `json:"stages"`
	}
	if err := c.read(ctx, r, &w); err != nil {
		if is(err, http.StatusNotFound) {
			return nil, fail(apierr.ErrUnsupported, op, "there is no stage view of it (not a pipeline, or the plugin is not there)")
		}
		return nil, err
	}
	out := []Stage{}
	for _, s := range w.Stages {
		out = append(out, s.stage())
	}
	return out, nil
}

// Input is a question at which a pipeline waits.
type Input struct {
	ID      string `json:"id"`
	Message string `json:"message"`
	Proceed string `json:"proceed"` // text of the button
}

// PendingInputs lists the questions at which a build waits.
func (c *Client) PendingInputs(ctx context.Context, job JobName, number int) ([]Input, error) {
	op := fmt.Sprintf("pending inputs of %s #%d", job, number)
	var w []struct {
		ID      string `json:"id"`
		Message string `json:"message"`
		Proceed string `json:"proceedText"`
	}
	if err := c.read(ctx, httpx.Request{Op: op, Path: job.buildPath(number) + "/wfapi/pendingInputActions"}, &w); err != nil {
		if is(err, http.StatusNotFound) {
			return []Input{}, nil
		}
		return nil, err
	}
	out := []Input{}
	for _, i := range w {
		out = append(out, Input{ID: i.ID, Message: i.Message, Proceed: i.Proceed})
	}
	return out, nil
}

var tag = lazyregexp.New(`<[^>]*>`)

// StepLog returns the last 10 KiB of a step's own log as plain text, and
// whether there is more before it. Stages have none, only their steps.
func (c *Client) StepLog(ctx context.Context, job JobName, number int, node string) (text string, cut bool, err error) {
	var w struct {
		Text string `json:"text"` // HTML
		More bool   `json:"hasMore"`
	}
	err = c.read(ctx, httpx.Request{
		Op:   fmt.Sprintf("log of step %s of %s #%d", node, job, number),
		Path: job.buildPath(number) + "/execution/node/" + httpx.Segment(node) + "/wfapi/log",
	}, &w)
	text = html.UnescapeString(tag().ReplaceAllString(w.Text, ""))
	return strings.ReplaceAll(text, "\r\n", "\n"), w.More, err
}
