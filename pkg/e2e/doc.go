// Package e2e finds out what a Jenkins build of end-to-end tests says: which
// step failed first, where, in which stage, whether it is trouble of the tests
// or of the machines under them, and how often that step fails and recovers.
//
// A console is read once, as a stream, in bounded memory however long it or its
// lines are. Recognisers for the usual test runners run side by side on every
// line: Robot Framework, TAP in its dialects, mocha, jest, node:test, bats, go
// test, pytest, JUnit under maven and gradle, home-made PASS/FAIL lines, and
// Jenkins' own errors, which count only when no test speaks. Structured reports
// (JUnit, Robot Framework, stages) go before text.
package e2e
