// Package apierr is the one error type that oncall's clients return, and the
// kinds by which callers tell errors apart with errors.Is.
//
// The text of an error is lower case, has no full stop and names the outermost
// fact first: "victorops: acknowledge 4127: not found (404)". The way on is a
// separate field, Hint, which a caller prints on a line of its own.
package apierr

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kinds. An Error is of the kinds in its Kind field; errors.Is finds them
// through any wrapping.
var (
	// ErrUsage: the request was malformed before anything was sent.
	ErrUsage = errors.New("usage")
	// ErrAuth: credentials are missing, were refused, or lack the right.
	ErrAuth = errors.New("not authorised")
	// ErrNotFound: no such thing.
	ErrNotFound = errors.New("not found")
	// ErrAmbiguous: a name fits several things.
	ErrAmbiguous = errors.New("ambiguous")
	// ErrInvalid: the vendor read the request and found it wrong (400, 422).
	ErrInvalid = errors.New("invalid")
	// ErrConflict: the vendor's state does not allow the change (409).
	ErrConflict = errors.New("conflict")
	// ErrGuard: oncall itself refuses, as the state does not allow the change.
	ErrGuard = errors.New("refused by a guard")
	// ErrRateLimited: throttled, after the retries that were allowed.
	ErrRateLimited = errors.New("throttled")
	// ErrUnavailable: unreachable, or the vendor answered 5xx.
	ErrUnavailable = errors.New("unavailable")
	// ErrUnknownOutcome: a change may have arrived; nobody has said whether.
	ErrUnknownOutcome = errors.New("outcome unknown")
	// ErrReadOnly: a change was stopped by read-only or dry-run mode; nothing was sent.
	ErrReadOnly = errors.New("read-only")
	// ErrUnsupported: the vendor has no API for it.
	ErrUnsupported = errors.New("not supported")
)

// Error tells what failed, where, and what to do about it. Every field may be
// empty; Error() leaves out what is not known.
type Error struct {
	Vendor string // system in the words of the user: "victorops"
	Op     string // what was being done, with its object: "acknowledge 4127"
	Method string // HTTP method, for logs
	Path   string // request path without query, masked
	Status int    // HTTP status, 0 when there was no answer

	Code      string // the vendor's own error code, if it has one
	Message   string // cause, in one line and safe to print
	RequestID string // the vendor's id of the request, for its support

	RetryAfter time.Duration // how long the vendor asks to wait, 0 when it did not say

	Kind []error // kinds, most telling first
	Hint string  // the next command or step, printed on its own line
	Err  error   // cause, may be nil
}

// New makes an error of one kind, or of none (nil), with a message.
func New(kind error, vendor, op, format string, args ...any) *Error {
	e := &Error{Vendor: vendor, Op: op, Message: fmt.Sprintf(format, args...)}
	if kind != nil {
		e.Kind = []error{kind}
	}
	return e
}

// WithHint sets the hint and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

func (e *Error) Error() string {
	var parts []string
	for _, p := range []string{e.Vendor, e.Op} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	msg := e.Message
	if msg == "" && e.Err != nil {
		msg = e.Err.Error()
	}
	if msg == "" && len(e.Kind) > 0 {
		msg = e.Kind[0].Error()
	}
	var facts []string
	if e.Status != 0 {
		facts = append(facts, fmt.Sprint(e.Status))
	}
	if e.Code != "" {
		facts = append(facts, e.Code)
	}
	if e.RequestID != "" {
		facts = append(facts, "req "+e.RequestID)
	}
	if len(facts) > 0 {
		msg = strings.TrimSpace(msg + " (" + strings.Join(facts, ", ") + ")")
	}
	if msg != "" {
		parts = append(parts, msg)
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the kinds and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	out := append([]error(nil), e.Kind...)
	if e.Err != nil {
		out = append(out, e.Err)
	}
	return out
}

// Partial says which part of an answer is missing, and why. What has partials is
// incomplete but true.
type Partial struct {
	Source string // what could not be read: "notes"
	Err    error
}

// HintOf returns the first hint in err's tree, depth first, or "".
func HintOf(err error) string {
	if e, ok := err.(*Error); ok && e.Hint != "" { //nolint:errorlint // it walks the tree itself
		return e.Hint
	}
	switch x := err.(type) { //nolint:errorlint // it walks the tree itself
	case interface{ Unwrap() error }:
		return HintOf(x.Unwrap())
	case interface{ Unwrap() []error }:
		for _, u := range x.Unwrap() {
			if h := HintOf(u); h != "" {
				return h
			}
		}
	}
	return ""
}
