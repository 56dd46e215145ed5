package jenkins

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nearest"
)

// Job is a job that can be built.
type Job struct {
	Name       JobName      `json:"name"`
	URL        string       `json:"url"` // below the client's base
	Class      string       `json:"class"`
	Buildable  bool         `json:"buildable"` // false also: not saved yet
	Disabled   bool         `json:"disabled"`
	InQueue    bool         `json:"inQueue"`
	Next       int          `json:"nextBuildNumber"`
	Concurrent bool         `json:"concurrent"` // two builds may run at once
	Color      string       `json:"color"`      // "blue" is success; "_anime" is appended while building
	Last       *BuildRef    `json:"last"`       // nil: never built
	First      *BuildRef    `json:"first"`      // oldest build that is kept
	Parameters []Definition `json:"parameters"`
}

// BuildRef names a build and how it stands.
type BuildRef struct {
	Number   int    `json:"number"`
	Building bool   `json:"building"`
	Result   Result `json:"result"`
}

// Parameterised reports whether a start of the job takes parameters.
func (j Job) Parameterised() bool { return len(j.Parameters) > 0 }

const jobTree = "_class,name,fullName,buildable,disabled,inQueue,nextBuildNumber,concurrentBuild,color," +
	"lastBuild[number,building,result],firstBuild[number],jobs[name]," +
	"property[parameterDefinitions[_class,name,type,description,choices,defaultParameterValue[value],allValueItems[values[name,value]]]]"

type jobWire struct {
	Class      string    `json:"_class"`
	FullName   string    `json:"fullName"`
	Buildable  *bool     `json:"buildable"`
	Disabled   bool      `json:"disabled"`
	InQueue    bool      `json:"inQueue"`
	Next       int       `json:"nextBuildNumber"`
	Concurrent bool      `json:"concurrentBuild"`
	Color      string    `json:"color"`
	Last       *BuildRef `json:"lastBuild"`
	First      *BuildRef `json:"firstBuild"`
	folderWire
	Property []struct {
		Definitions []definitionWire `json:"parameterDefinitions"`
	} `json:"property"`
}

// folderWire is what tells a folder (or multibranch job) from a job.
type folderWire struct {
	Jobs []struct {
		Name string `json:"name"`
	} `json:"jobs"`
}

// Job reads a job with its parameter definitions. Reading a default may make
// the server run a script (Active Choices), so it is not for polling. A folder
// is an apierr.ErrUsage that names what is in it.
func (c *Client) Job(ctx context.Context, name JobName) (Job, error) {
	op := "job " + name.String()
	var w jobWire
	if err := c.get(ctx, op, name.path(), jobTree, &w); err != nil {
		return Job{}, c.explainJob(ctx, name, op, err)
	}
	if err := w.asFolder(name, op); err != nil {
		return Job{}, err
	}
	j := Job{Name: name, URL: c.JobURL(name), Class: w.Class, Buildable: w.Buildable == nil || *w.Buildable, Disabled: w.Disabled,
		InQueue: w.InQueue, Next: w.Next, Concurrent: w.Concurrent, Color: w.Color, Last: w.Last, First: w.First, Parameters: []Definition{}}
	for _, p := range w.Property {
		for _, d := range p.Definitions {
			j.Parameters = append(j.Parameters, d.definition())
		}
	}
	return j, nil
}

// asFolder returns the error for a folder, nil for a job.
func (w folderWire) asFolder(name JobName, op string) error {
	if w.Jobs == nil {
		return nil
	}
	e := fail(apierr.ErrUsage, op, "this is a folder, not a job")
	if len(w.Jobs) == 0 {
		return e.WithHint("the folder is empty, or you may not see what is in it")
	}
	names := make([]string, len(w.Jobs))
	for i, j := range w.Jobs {
		names[i] = append(append(JobName{}, name...), j.Name).String()
	}
	return e.WithHint("name a job in it: %s", list(names))
}

// explainJob gives a 404 on a job its two possible causes, and asks the folder for
// the name that was meant.
func (c *Client) explainJob(ctx context.Context, name JobName, op string, err error) error {
	var e *apierr.Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		e.Message = "no such job, or no right to see it"
		if e.Hint == "" {
			e.Hint = c.meant(ctx, name)
		}
		if e.Hint == "" {
			e.Hint = fmt.Sprintf("jobs are named FOLDER/JOB below %s; Jenkins hides jobs that %s may not see", c.Base(), c.who())
		}
	}
	return err
}

// meant is a hint at the job or folder whose name is nearest, "" for none.
func (c *Client) meant(ctx context.Context, name JobName) string {
	for depth := range name {
		folder := name[:depth]
		var w folderWire
		if c.get(ctx, strings.TrimSpace("jobs of "+folder.String()), folder.path(), "_class,jobs[name]", &w) != nil {
			return ""
		}
		names := make([]string, len(w.Jobs))
		for i, j := range w.Jobs {
			names[i] = j.Name
		}
		if slices.Contains(names, name[depth]) {
			continue
		}
		if near := nearest.Of(name[depth], names); len(near) > 0 {
			meant := slices.Clone(name)
			meant[depth] = near[0]
			return fmt.Sprintf("did you mean %s?", meant)
		}
		return ""
	}
	return ""
}

func (c *Client) who() string {
	if c.user == "" {
		return "anonymous"
	}
	return c.user
}

// JobItem is an entry of a folder or of the controller's root.
type JobItem struct {
	Name   JobName `json:"name"`
	Class  string  `json:"class"`
	Folder bool    `json:"folder"`
	Color  string  `json:"color"`
}

// Jobs lists a folder's entries, the root's for an empty name.
func (c *Client) Jobs(ctx context.Context, folder JobName) ([]JobItem, error) {
	var w struct {
		Jobs []struct {
			Class string `json:"_class"`
			Name  string `json:"name"`
			Color string `json:"color"`
		} `json:"jobs"`
	}
	op := strings.TrimSpace("jobs of " + folder.String())
	if err := c.get(ctx, op, folder.path(), "_class,jobs[_class,name,color]", &w); err != nil {
		return nil, c.explainJob(ctx, folder, op, err)
	}
	out := []JobItem{}
	for _, j := range w.Jobs {
		name := append(append(JobName{}, folder...), j.Name)
		out = append(out, JobItem{Name: name, Class: j.Class, Color: j.Color, Folder: j.Color == ""})
	}
	return out, nil
}
