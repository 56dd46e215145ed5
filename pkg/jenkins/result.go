package jenkins

// Result is how a build ended, "" while that is open. Unknown words are kept.
type Result string

// The results of Jenkins, from good to bad (contract section 4).
const (
	Success  Result = "SUCCESS"
	Unstable Result = "UNSTABLE"
	Failure  Result = "FAILURE"
	NotBuilt Result = "NOT_BUILT"
	Aborted  Result = "ABORTED"
)

// Known reports whether r is one of Jenkins' results.
func (r Result) Known() bool {
	switch r {
	case Success, Unstable, Failure, NotBuilt, Aborted:
		return true
	}
	return false
}

// Bad reports whether a build with this result found or met trouble in its
// tests: FAILURE or UNSTABLE.
func (r Result) Bad() bool { return r == Failure || r == Unstable }
