// Package exit holds oncall's exit codes, which are public: one table that the
// process, `oncall help exit-codes` and the reference are all made from.
package exit

import (
	"context"
	"errors"
	"os"

	"github.com/balena-io/oncall/pkg/apierr"
)

// The codes. A command may pass on the code of a program that it ran (host
// ssh, heartbeat run, playbook run); all others come from this list.
const (
	OK           = 0
	Failed       = 1
	Usage        = 2
	Auth         = 3
	NotFound     = 4
	NotConfirmed = 5
	Partial      = 6
	Unavailable  = 7
	Guard        = 8
	Found        = 9
	Unstable     = 10
	Failure      = 11
	Aborted      = 12
	NotBuilt     = 13
	Cancelled    = 14
	Unknown      = 15
	WaitRanOut   = 124
	Interrupted  = 130
	BrokenPipe   = 141
	Terminated   = 143
)

// Row is a line of the table.
type Row struct {
	Code    int
	Name    string // one word for JSON errors
	Meaning string
}

// Table lists every code in order.
var Table = []Row{
	{OK, "ok", "done, already so, or the condition holds"},
	{Failed, "failed", "failed, not classed below"},
	{Usage, "usage", "usage or configuration; nothing was sent"},
	{Auth, "auth", "credentials missing, refused or without the right (the system is named)"},
	{NotFound, "not-found", "not found, or a name that fits several"},
	{NotConfirmed, "not-confirmed", "not confirmed: declined, no terminal and no --yes, or read-only"},
	{Partial, "partial", "partial: some targets failed; each is reported"},
	{Unavailable, "unavailable", "unreachable, 5xx or throttled after retries"},
	{Guard, "guard", "a guard refused: the state does not allow it"},
	{Found, "found", "a check found what it looks for; no data is not success"},
	{Unstable, "unstable", "Jenkins: UNSTABLE"},
	{Failure, "failure", "Jenkins: FAILURE"},
	{Aborted, "aborted", "Jenkins: ABORTED"},
	{NotBuilt, "not-built", "Jenkins: NOT_BUILT"},
	{Cancelled, "cancelled", "Jenkins: the queue item was cancelled"},
	{Unknown, "unknown", "outcome unknown: the request may have arrived; the message says how to find out"},
	{WaitRanOut, "wait-ran-out", "a wait ran out while the thing still runs; the message says how to resume"},
	{Interrupted, "interrupted", "interrupted (SIGINT)"},
	{BrokenPipe, "broken-pipe", "the reader of the output went away (quiet)"},
	{Terminated, "terminated", "terminated (SIGTERM)"},
}

// NameOf returns the one-word name of a code, "command" for one that a program
// run by oncall returned.
func NameOf(code int) string {
	for _, r := range Table {
		if r.Code == code {
			return r.Name
		}
	}
	return "command"
}

// Error gives an error its exit code. With a nil Err nothing is printed: the
// result on stdout already says it all (a check that found something).
type Error struct {
	Code int
	Err  error
	// Passed: it is the code of a program that oncall ran, which a signal to oncall
	// does not change.
	Passed bool
}

func (e *Error) Error() string {
	if e.Err == nil {
		return NameOf(e.Code)
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// With returns err with an exit code of its own.
func With(code int, err error) error { return &Error{Code: code, Err: err} }

// Quiet ends the command with code and prints nothing more.
func Quiet(code int) error { return &Error{Code: code} }

// Pass ends the command with the code of a program that it ran. err, which may be
// nil, says why the program could not be started.
func Pass(code int, err error) error { return &Error{Code: code, Err: err, Passed: true} }

// kinds maps error kinds to codes, the most telling first: an error that is of
// two kinds gets the code of the first row that fits.
var kinds = []struct {
	kind error
	code int
}{
	{apierr.ErrUnknownOutcome, Unknown},
	{apierr.ErrReadOnly, NotConfirmed},
	{apierr.ErrUsage, Usage},
	{apierr.ErrGuard, Guard},
	{apierr.ErrConflict, Guard},
	{apierr.ErrUnsupported, Guard},
	{apierr.ErrAuth, Auth},
	{apierr.ErrAmbiguous, NotFound},
	{apierr.ErrNotFound, NotFound},
	{apierr.ErrRateLimited, Unavailable},
	{apierr.ErrUnavailable, Unavailable},
	{context.DeadlineExceeded, Unavailable},
	{os.ErrDeadlineExceeded, Unavailable},
}

// Code returns the exit code of err; 0 for nil.
func Code(err error) int {
	if err == nil {
		return OK
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	for _, gone := range brokenPipes {
		if errors.Is(err, gone) {
			return BrokenPipe
		}
	}
	for _, k := range kinds {
		if errors.Is(err, k.kind) {
			return k.code
		}
	}
	return Failed
}
