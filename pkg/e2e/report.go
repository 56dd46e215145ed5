package e2e

// Runners, by the names that people know them by, in the order in which they
// are asked.
const (
	RunnerRobot   = "Robot Framework"
	RunnerTAP     = "TAP"
	RunnerMocha   = "mocha"
	RunnerJest    = "jest"
	RunnerNode    = "node:test"
	RunnerBats    = "bats"
	RunnerGo      = "go test"
	RunnerPytest  = "pytest"
	RunnerJUnit   = "JUnit"
	RunnerGradle  = "gradle"
	RunnerPlain   = "PASS/FAIL lines"
	RunnerJenkins = "Jenkins"
)

// ContextLine is a line near a failure, cleaned, at most 2 KiB of it.
type ContextLine struct {
	Number int    `json:"number"`
	Text   string `json:"text"`
}

// Step is a test, or a build step, with a verdict that is not good.
type Step struct {
	Runner  string `json:"runner"`
	Suite   string `json:"suite"` // "" when the runner has none
	Name    string `json:"name"`
	Line    int    `json:"line"`   // of the verdict, 1-based; 0: not found in the console
	Offset  int64  `json:"offset"` // of that line's first byte
	Stage   string `json:"stage"`  // "" outside of stages
	Branch  string `json:"branch,omitempty"`
	Message string `json:"message"` // what the runner said of it; may have several lines
	// Begin is where the runner first named the step, for runners that do so
	// before the verdict; else Line.
	Begin int `json:"begin"`
	// Recovered: the same step passed later in the same build.
	Recovered bool          `json:"recovered"`
	Before    []ContextLine `json:"before"`
	After     []ContextLine `json:"after"`
	// Infra names the trouble below the tests that the step's own lines speak
	// of, "" for none.
	Infra string `json:"infra"`

	owedMessage int // lines that the message may still get

	owed int // lines of After that are still to come
	run  int // in which run of its runner it failed: only a later one is a retry
}

// Full is suite and name as one line.
func (s Step) Full() string {
	if s.Suite == "" {
		return s.Name
	}
	return s.Suite + " › " + s.Name
}

// Totals are a runner's verdicts in a console.
type Totals struct {
	Runner    string `json:"runner"`
	Passed    int    `json:"passed"`
	Failed    int    `json:"failed"` // at the end: recovered ones are not among them
	Skipped   int    `json:"skipped"`
	Recovered int    `json:"recovered"`
}

// Kind is whose trouble a failed build is.
type Kind string

// The kinds.
const (
	KindTest    Kind = "test"           // a test said no
	KindInfra   Kind = "infrastructure" // agents, disks, networks, registries: a retry may help
	KindTimeout Kind = "timeout"        // a limit of the pipeline ran out
	KindAborted Kind = "aborted"        // somebody stopped it
	KindBuild   Kind = "build"          // a step of the pipeline failed, not a test
	KindUnknown Kind = "unknown"
)

// StageMark is where a stage, or another named block of a pipeline, begins.
type StageMark struct {
	Name string `json:"name"`
	Line int    `json:"line"`
	// Command is the last one that a shell step ran in it, "" for none.
	Command     string `json:"command,omitempty"`
	CommandLine int    `json:"commandLine,omitempty"`

	said []ContextLine // what that printed last
}

// Report is what one console says.
type Report struct {
	Lines    int      `json:"lines"`
	Bytes    int64    `json:"bytes"`
	Result   string   `json:"result"` // of the line "Finished: X"; "" when it is missing
	Kind     Kind     `json:"kind"`
	Infra    string   `json:"infra"`   // sign of infrastructure trouble, "" for none
	Aborted  string   `json:"aborted"` // Jenkins' words: "Aborted by you", a timeout
	Runners  []Totals `json:"runners"`
	Failures []Step   `json:"failures"` // in the order of the console, at most 200
	More     int      `json:"more"`     // failures beyond those
	// Recovered failed and passed later in the same build.
	Recovered []Step `json:"recovered"`
	// Running is the step that was under way when the build was aborted.
	Running *Step `json:"running"`
	// Stages in the order of the console, at most 500: for controllers that have
	// no stage view.
	Stages []StageMark `json:"stages"`
	// Tail are the last lines before "Finished:", for when nothing is recognised.
	Tail []ContextLine `json:"tail"`
}

// First returns the first failing step, nil when none was recognised.
func (r *Report) First() *Step {
	if len(r.Failures) == 0 {
		return nil
	}
	return &r.Failures[0]
}

// Total is how many steps failed.
func (r *Report) Total() int { return len(r.Failures) + r.More }
