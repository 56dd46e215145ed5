// Package simulator is a small world of the services an on-call engineer uses.
// It speaks each vendor's wire as the vendor really does, quirks included, so
// that the same handlers serve as the demo context, as the guided tour, as the
// double in tests and, over TCP, for other clients. It imports no client
// package: it writes wire JSON itself, so a wrong tag in a client cannot be
// wrong on both sides.
//
// # A world
//
// Open makes or joins a world. Its state is one JSON file beside a lock file
// (or a buffer in memory when Options.Dir is empty), so several processes can
// play in one world at once. Time comes from Options.Now; identifiers come from
// counters in the state. The world moves by the clock alone: when a section is
// used, its advance function first brings it up to now, and what happened
// meanwhile carries the time at which it happened, not at which it was noticed.
//
// What several vendors must agree on (which version of api runs, the share of
// failing requests, when e2e last passed) is in Facts, world.go. Vendors agree
// only through it: no service reads another's section.
//
// # Adding a vendor
//
// A vendor is one file (or a few with one prefix) and one line in services.go.
//
//	type nodepingState struct { Muted map[string]time.Time `json:"muted"` }
//
//	func nodepingService() service {
//		return service{
//			name:   "nodeping",
//			state:  stateOf(seedNodePing, advanceNodePing),
//			mounts: map[string]mount{"nodeping": newNodePing},
//			env: func(base string) []string {
//				return []string{"ONCALL_NODEPING_URL=" + base + "/nodeping/api/1", "ONCALL_NODEPING_TOKEN=" + nodepingToken}
//			},
//			limits: []limit{{name: "minute", n: 60, per: time.Minute, refuse: nodepingThrottled}},
//		}
//	}
//
//	func seedNodePing(s *State, n *nodepingState)                    { n.Muted = map[string]time.Time{} }
//	func advanceNodePing(s *State, n *nodepingState, now time.Time)  { ... }
//	func newNodePing(w *World) http.Handler                          { mux := http.NewServeMux(); ...; return mux }
//
// and in services.go the line nodepingService().
//
//   - A mount is keyed by the first path segment under the world's root and sees
//     the path without it: base URL http://demo.invalid/nodeping/api/1 makes the
//     handler see /api/1/checks. SelfURL(r) is the address of the mount as the
//     client sees it, for vendors that put links into their answers.
//   - A handler reads with w.view and changes with w.update; part[nodepingState](s)
//     is its section. Both hand over a private copy brought up to s.Now, the one
//     clock of the request; update keeps it when the function returns nil. Write the answer after they
//     return, never inside: an answer may block, the lock may not. A stream calls
//     view again and again and waits with w.pause.
//   - The seed writes the section at the world's birth, with times relative to
//     s.StartedAt; s.Facts is already there. A file from before the vendor
//     existed is seeded on first use. A change to the form of a section raises
//     stateVersion.
//   - Large things (a console of 60,000 lines, a day of log lines, a metric's
//     samples) are generated from the clock and a seed number, never stored.
//   - Identifiers: s.nextID("nodeping"), and uuidFor, tokenFor for things that
//     look random. Never rand or time.Now.
//   - Credentials are checked by the handler, in the vendor's own manner; the
//     demo's are constants beside it and appear in env.
//   - Limits count by the world's clock and answer through the vendor's refuse.
//   - A change that moves the shared world goes through a method of Facts
//     (BeginDeploy, RecordE2EPass); it may carry times in the future, as every
//     reader asks with its own now. An advance function only reads Facts: it runs
//     when somebody looks, which may be long after or never.
//
// Faults (AddFault) and the record of requests (Requests) work for every
// service without its doing.
package simulator
