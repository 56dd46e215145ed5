package jenkins

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/balena-io/oncall/pkg/apierr"
)

// TestCase is one test in a published report.
type TestCase struct {
	Suite   string `json:"suite"`
	Class   string `json:"class"`
	Name    string `json:"name"`
	Status  string `json:"status"` // PASSED SKIPPED FAILED FIXED REGRESSION
	Details string `json:"details"`
	Stage   string `json:"stage"` // innermost enclosing stage, "" when unknown
	Since   int    `json:"failedSince"`
}

// Failed reports whether the case failed in this build.
func (t TestCase) Failed() bool { return t.Status == "FAILED" || t.Status == "REGRESSION" }

// Passed reports whether the case passed in this build.
func (t TestCase) Passed() bool { return t.Status == "PASSED" || t.Status == "FIXED" }

// TestReport is what the JUnit plugin published for a build.
type TestReport struct {
	Failed  int        `json:"failed"`
	Skipped int        `json:"skipped"`
	Passed  int        `json:"passed"`
	Cases   []TestCase `json:"cases"`
}

const caseTree = "suites[name,enclosingBlockNames,cases[className,name,status,failedSince,errorDetails]]"

type suiteWire struct {
	Name   string   `json:"name"`
	Blocks []string `json:"enclosingBlockNames"`
	Cases  []struct {
		Class   string  `json:"className"`
		Name    string  `json:"name"`
		Status  string  `json:"status"`
		Since   int     `json:"failedSince"`
		Details *string `json:"errorDetails"`
	} `json:"cases"`
}

func (w suiteWire) cases() []TestCase {
	out := make([]TestCase, 0, len(w.Cases))
	for _, k := range w.Cases {
		t := TestCase{Suite: w.Name, Class: k.Class, Name: k.Name, Status: k.Status, Since: k.Since}
		if k.Details != nil {
			t.Details = *k.Details
		}
		if len(w.Blocks) > 0 {
			t.Stage = w.Blocks[0]
		}
		out = append(out, t)
	}
	return out
}

// TestReport reads a build's JUnit results, those of the builds below it
// included. A build without any is apierr.ErrNotFound.
func (c *Client) TestReport(ctx context.Context, job JobName, number int) (TestReport, error) {
	var w struct {
		Failed   int         `json:"failCount"`
		Skipped  int         `json:"skipCount"`
		Passed   int         `json:"passCount"`
		Total    int         `json:"totalCount"`
		Suites   []suiteWire `json:"suites"`
		Children []struct {
			Result struct {
				Passed int         `json:"passCount"`
				Suites []suiteWire `json:"suites"`
			} `json:"result"`
		} `json:"childReports"`
	}
	op := fmt.Sprintf("test report of %s #%d", job, number)
	tree := "failCount,skipCount,passCount,totalCount," + caseTree + ",childReports[result[passCount," + caseTree + "]]"
	if err := c.get(ctx, op, job.buildPath(number)+"/testReport", tree, &w); err != nil {
		if is(err, http.StatusNotFound) {
			return TestReport{}, fail(apierr.ErrNotFound, op, "no test results were published")
		}
		return TestReport{}, err
	}
	r := TestReport{Failed: w.Failed, Skipped: w.Skipped, Passed: w.Passed, Cases: []TestCase{}}
	for _, s := range w.Suites {
		r.Cases = append(r.Cases, s.cases()...)
	}
	for _, child := range w.Children {
		r.Passed += child.Result.Passed
		for _, s := range child.Result.Suites {
			r.Cases = append(r.Cases, s.cases()...)
		}
	}
	return r, nil
}

// RobotReport is what the Robot Framework plugin published for a build.
type RobotReport struct {
	Failed int        `json:"failed"`
	Passed int        `json:"passed"`
	Total  int        `json:"total"`
	Cases  []TestCase `json:"cases"` // failed and passed ones, as far as the plugin's version names them
}

// RobotReport reads a build's Robot Framework results. A build without any, or
// a controller without the plugin, is apierr.ErrNotFound.
func (c *Client) RobotReport(ctx context.Context, job JobName, number int) (RobotReport, error) {
	var w struct {
		Failed      int             `json:"overallFailed"`
		Passed      int             `json:"overallPassed"`
		Total       int             `json:"overallTotal"`
		FailedCases []robotCaseWire `json:"failedCases"`
		AllFailed   []robotCaseWire `json:"allFailedCases"` // older plugins
		PassedCases []robotCaseWire `json:"passedCases"`
	}
	op := fmt.Sprintf("robot report of %s #%d", job, number)
	if err := c.get(ctx, op, job.buildPath(number)+"/robot", "overallFailed,overallPassed,overallTotal,failedCases[name,fullName,errorMsg],allFailedCases[name,errorMsg],passedCases[name,fullName]", &w); err != nil {
		if is(err, http.StatusNotFound) {
			return RobotReport{}, fail(apierr.ErrNotFound, op, "no Robot Framework results were published")
		}
		return RobotReport{}, err
	}
	r := RobotReport{Failed: w.Failed, Passed: w.Passed, Total: w.Total, Cases: []TestCase{}}
	failed := w.FailedCases
	if len(failed) == 0 {
		failed = w.AllFailed
	}
	for _, k := range failed {
		r.Cases = k.appendTo(r.Cases, "FAILED")
	}
	for _, k := range w.PassedCases {
		r.Cases = k.appendTo(r.Cases, "PASSED")
	}
	return r, nil
}

// robotCaseWire is a case as a name or as an object, by the plugin's version;
// some export objects without fields.
type robotCaseWire struct{ name, message string }

func (w *robotCaseWire) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &w.name)
	}
	var o struct {
		Name     string `json:"name"`
		FullName string `json:"fullName"`
		Message  string `json:"errorMsg"`
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return nil // a form that no version is known to have says nothing
	}
	w.name, w.message = o.Name, o.Message
	if w.name == "" {
		w.name = o.FullName
	}
	return nil
}

func (w robotCaseWire) appendTo(cases []TestCase, status string) []TestCase {
	if w.name == "" {
		return cases
	}
	return append(cases, TestCase{Name: w.name, Status: status, Details: w.message})
}
