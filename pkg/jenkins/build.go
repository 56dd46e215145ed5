package jenkins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Build is one run of a job.
type Build struct {
	Job         JobName     `json:"-"`
	Number      int         `json:"number"`
	URL         string      `json:"url"` // below the client's base
	Name        string      `json:"displayName"`
	Description string      `json:"description"`
	Building    bool        `json:"building"`
	InProgress  *bool       `json:"inProgress,omitempty"` // nil on controllers older than September 2022
	Result      Result      `json:"result"`               // may be set while still building; then it only worsens
	Queued      time.Time   `json:"queuedAt"`             // Jenkins has no time of starting
	DurationMS  int64       `json:"durationMs"`           // milliseconds; 0 until the end
	EstimateMS  int64       `json:"estimateMs"`           // milliseconds; -1 is unknown
	QueueID     int64       `json:"queueId"`              // -1 or 0 is unknown
	KeepForever bool        `json:"keepForever"`
	LikelyStuck bool        `json:"likelyStuck"`
	Progress    int         `json:"progress"` // percent of the estimate; -1 when unknown
	Artifacts   []Artifact  `json:"artifacts"`
	Parameters  []Parameter `json:"parameters"`
	Causes      []Cause     `json:"causes"`
	Tests       *TestCounts `json:"tests"` // nil: no test results were published
}

// Artifact is a file that the build archived.
type Artifact struct {
	File string `json:"file"`
	Path string `json:"path"` // below the build's /artifact/
}

// Cause is why a build was started.
type Cause struct {
	Text     string `json:"text"`
	UserID   string `json:"userId,omitempty"`
	Upstream string `json:"upstream,omitempty"` // job#number
}

// TestCounts are the sums of published test results.
type TestCounts struct {
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	Total   int `json:"total"`
}

// Finished reports whether nothing of the build can change any more: for
// freestyle jobs "building" turns false before their post-build steps end, and
// the result may be known long before the end.
func (b Build) Finished() bool {
	return !b.Building && (b.InProgress == nil || !*b.InProgress) && b.Result != ""
}

// Duration is how long the build took, 0 while it runs.
func (b Build) Duration() time.Duration { return time.Duration(b.DurationMS) * time.Millisecond }

// Estimate is how long Jenkins thinks that the build takes, 0 when unknown.
func (b Build) Estimate() time.Duration {
	return time.Duration(max(b.EstimateMS, 0)) * time.Millisecond
}

// Parameter returns the value of a parameter and whether the build has it.
func (b Build) Parameter(name string) (string, bool) {
	i := slices.IndexFunc(b.Parameters, func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		return "", false
	}
	return b.Parameters[i].Value, true
}

// StartedBy returns the user who started the build, "" when none did.
func (b Build) StartedBy() string {
	for _, c := range b.Causes {
		if c.UserID != "" {
			return c.UserID
		}
	}
	return ""
}

const (
	actionsTree = "actions[_class,parameters[_class,name,value],causes[_class,shortDescription,userId,userName,upstreamProject,upstreamBuild],failCount,skipCount,totalCount]"
	historyTree = "number,displayName,description,building,inProgress,result,timestamp,duration,estimatedDuration,queueId,keepLog," + actionsTree
	buildTree   = historyTree + ",executor[likelyStuck,progress],artifacts[fileName,relativePath]"
)

type buildWire struct {
	Number      int     `json:"number"`
	Name        string  `json:"displayName"`
	Description *string `json:"description"`
	Building    bool    `json:"building"`
	InProgress  *bool   `json:"inProgress"`
	Result      *Result `json:"result"`
	Timestamp   int64   `json:"timestamp"` // ms since 1970
	Duration    int64   `json:"duration"`
	Estimate    int64   `json:"estimatedDuration"`
	QueueID     int64   `json:"queueId"`
	KeepLog     bool    `json:"keepLog"`
	Executor    *struct {
		LikelyStuck bool `json:"likelyStuck"`
		Progress    int  `json:"progress"`
	} `json:"executor"`
	Artifacts []struct {
		File string `json:"fileName"`
		Path string `json:"relativePath"`
	} `json:"artifacts"`
	Actions []actionWire `json:"actions"`
}

// actionWire is one element of "actions"; most hold nothing of ours ({}).
type actionWire struct {
	Parameters []paramWire `json:"parameters"`
	Causes     []causeWire `json:"causes"`
	Failed     int         `json:"failCount"`
	Skipped    int         `json:"skipCount"`
	Total      *int        `json:"totalCount"`
}

type causeWire struct {
	Text          string `json:"shortDescription"`
	UserID        string `json:"userId"`
	Upstream      string `json:"upstreamProject"`
	UpstreamBuild int    `json:"upstreamBuild"`
}

func (w causeWire) cause() Cause {
	c := Cause{Text: w.Text, UserID: w.UserID}
	if w.Upstream != "" {
		c.Upstream = fmt.Sprintf("%s#%d", w.Upstream, w.UpstreamBuild)
	}
	return c
}

func (c *Client) build(job JobName, w buildWire) Build {
	b := Build{Job: job, Number: w.Number, URL: c.BuildURL(job, w.Number), Name: w.Name, Building: w.Building, InProgress: w.InProgress,
		Queued: time.UnixMilli(w.Timestamp).UTC(), DurationMS: w.Duration, EstimateMS: w.Estimate, QueueID: w.QueueID,
		KeepForever: w.KeepLog, Progress: -1, Artifacts: []Artifact{}, Parameters: []Parameter{}, Causes: []Cause{}}
	if w.Description != nil {
		b.Description = *w.Description
	}
	if w.Result != nil {
		b.Result = *w.Result
	}
	if w.Executor != nil {
		b.LikelyStuck, b.Progress = w.Executor.LikelyStuck, w.Executor.Progress
	}
	for _, a := range w.Artifacts {
		b.Artifacts = append(b.Artifacts, Artifact{File: a.File, Path: a.Path})
	}
	for _, a := range w.Actions {
		for _, p := range a.Parameters {
			b.Parameters = append(b.Parameters, p.parameter())
		}
		for _, cause := range a.Causes {
			b.Causes = append(b.Causes, cause.cause())
		}
		if a.Total != nil && b.Tests == nil {
			b.Tests = &TestCounts{Failed: a.Failed, Skipped: a.Skipped, Total: *a.Total}
		}
	}
	return b
}

// Build reads one build by number. A 404 is explained: the job is a folder or
// missing, or the build is older than what is kept, or not built yet.
func (c *Client) Build(ctx context.Context, job JobName, number int) (Build, error) {
	b, err := c.getBuild(ctx, job, number)
	if err != nil && is(err, http.StatusNotFound) {
		return Build{}, c.explainBuild(ctx, job, number, err)
	}
	return b, err
}

// getBuild is Build without a further request on a 404.
func (c *Client) getBuild(ctx context.Context, job JobName, number int) (Build, error) {
	var w buildWire
	if err := c.get(ctx, fmt.Sprintf("build %s #%d", job, number), job.buildPath(number), buildTree, &w); err != nil {
		return Build{}, err
	}
	return c.build(job, w), nil
}

// explainBuild asks the job why a build is not there.
func (c *Client) explainBuild(ctx context.Context, job JobName, number int, err error) error {
	var w struct {
		First *BuildRef `json:"firstBuild"`
		Last  *BuildRef `json:"lastBuild"`
		folderWire
	}
	op := "job " + job.String()
	if jobErr := c.get(ctx, op, job.path(), "_class,firstBuild[number],lastBuild[number],jobs[name]", &w); jobErr != nil {
		return c.explainJob(ctx, job, op, jobErr)
	}
	if folder := w.asFolder(job, op); folder != nil {
		return folder
	}
	var e *apierr.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case w.Last == nil:
		e.Message = "the job was never built"
	case number > w.Last.Number:
		e.Message = "no such build yet"
		e.Hint = fmt.Sprintf("the newest is #%d", w.Last.Number)
	case w.First != nil && number < w.First.Number:
		e.Message = "the build is gone: Jenkins no longer keeps it"
		e.Hint = fmt.Sprintf("kept are #%d to #%d", w.First.Number, w.Last.Number)
	default:
		e.Message = "the build is gone: it was deleted or never recorded"
		e.Hint = fmt.Sprintf("the newest is #%d", w.Last.Number)
	}
	return err
}

// Resolve turns a permalink (lastBuild, lastStableBuild, ...) into the number
// that it means now. Use the number from then on: a permalink moves. A job with
// no such build is apierr.ErrNotFound.
func (c *Client) Resolve(ctx context.Context, job JobName, permalink string) (int, error) {
	op := permalink + " of " + job.String()
	if !slices.Contains(permalinks, permalink) {
		return 0, fail(apierr.ErrUsage, op, "no such permalink").WithHint("there are %s", strings.Join(permalinks, ", "))
	}
	var w map[string]json.RawMessage
	if err := c.get(ctx, op, job.path(), "_class,jobs[name],"+permalink+"[number]", &w); err != nil {
		return 0, c.explainJob(ctx, job, op, err)
	}
	var folder folderWire
	if jobs, ok := w["jobs"]; ok && json.Unmarshal(jobs, &folder.Jobs) == nil {
		if err := folder.asFolder(job, "job "+job.String()); err != nil {
			return 0, err
		}
	}
	var ref BuildRef
	if raw, ok := w[permalink]; ok && json.Unmarshal(raw, &ref) == nil && ref.Number > 0 {
		return ref.Number, nil
	}
	return 0, fail(apierr.ErrNotFound, op, "there is none")
}

// newest is how many builds Jenkins exports under "builds"; older ones are
// under "allBuilds", which reads their records from disk (contract section 2).
const newest = 100

// Builds lists builds, newest first, from the from-th (0 is the newest) up to
// but not including the to-th, in one request. There may be fewer.
func (c *Client) Builds(ctx context.Context, job JobName, from, to int) ([]Build, error) {
	op := "builds of " + job.String()
	if from < 0 || to < from {
		return nil, fail(apierr.ErrUsage, op, "no builds lie from %d to %d", from, to)
	}
	field := "builds"
	if to > newest {
		field = "allBuilds"
	}
	var w struct {
		Builds []buildWire `json:"builds"`
		All    []buildWire `json:"allBuilds"`
		folderWire
	}
	tree := fmt.Sprintf("_class,jobs[name],%s[%s]{%d,%d}", field, historyTree, from, to)
	if err := c.get(ctx, op, job.path(), tree, &w); err != nil {
		return nil, c.explainJob(ctx, job, op, err)
	}
	if err := w.asFolder(job, "job "+job.String()); err != nil {
		return nil, err
	}
	out := []Build{}
	for _, b := range append(w.Builds, w.All...) {
		out = append(out, c.build(job, b))
	}
	return out, nil
}
