package e2e

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/expected.txt anew; read the difference")

func consoles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/consoles/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func scan(t testing.TB, text string) *Report {
	t.Helper()
	r, err := Scan(strings.NewReader(text), Options{})
	require.NoError(t, err)
	return r
}

// digest is what the golden file holds of a report. shift is how many lines were
// put in front.
func digest(r *Report, shift int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kind %s", r.Kind)
	if r.Infra != "" {
		fmt.Fprintf(&b, " (%s)", r.Infra)
	}
	b.WriteByte('\n')
	for _, t := range r.Runners {
		fmt.Fprintf(&b, "runner %s: %d passed, %d failed, %d skipped, %d recovered\n", t.Runner, t.Passed, t.Failed, t.Skipped, t.Recovered)
	}
	for _, s := range r.Failures {
		message, _, _ := strings.Cut(s.Message, "\n")
		fmt.Fprintf(&b, "failed %d (named %d) %s | %s\n", s.Line-shift, s.Begin-shift, s.Full(), message)
	}
	for _, s := range r.Recovered {
		fmt.Fprintf(&b, "recovered %d %s\n", s.Line-shift, s.Full())
	}
	if r.Running != nil {
		fmt.Fprintf(&b, "running %d %s\n", r.Running.Line-shift, r.Running.Full())
	}
	return b.String()
}

// The consoles were made by running each runner, or, where that is not said in
// their names, by hand after the vendors' own logs (maven, gradle, Jenkins).
func TestConsoles(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, f := range consoles(t) {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		fmt.Fprintf(&got, "== %s\n%s\n", filepath.Base(f), digest(scan(t, string(text)), 0))
	}
	if *update {
		require.NoError(t, os.WriteFile("testdata/expected.txt", []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile("testdata/expected.txt")
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String())
}

// However Jenkins dresses the lines up, the same is recognised.
func TestConsolesDressedUp(t *testing.T) {
	t.Parallel()
	eachLine := func(text string, f func(string) string) string {
		lines := strings.SplitAfter(text, "\n")
		for i, l := range lines {
			if l != "" {
				lines[i] = f(l)
			}
		}
		return strings.Join(lines, "")
	}
	dresses := map[string]struct {
		shift int
		dress func(string) string
	}{
		"CRLF": {0, func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
		"timestamped": {0, func(s string) string {
			return eachLine(s, func(l string) string { return "[2026-11-22T05:00:00.123Z] " + l })
		}},
		"clock": {0, func(s string) string { return eachLine(s, func(l string) string { return "05:00:00 " + l }) }},
		"notes": {0, func(s string) string {
			return eachLine(s, func(l string) string { return "\x1b[8mha:AAAA+/=\x1b[0m" + l })
		}},
		"progress": {0, func(s string) string {
			return eachLine(s, func(l string) string {
				if strings.TrimSpace(l) == "" {
					return l // or the bar would stay
				}
				return "pulling 3%\rpulling 99%\r" + l
			})
		}},
		"in a branch": {2, func(s string) string {
			return "[Pipeline] parallel\n[Pipeline] { (Branch: qemu x86)\n" + eachLine(s, func(l string) string { return "[qemu x86] " + l })
		}},
	}
	for name, d := range dresses {
		for _, f := range consoles(t) {
			t.Run(name+"/"+filepath.Base(f), func(t *testing.T) {
				t.Parallel()
				text, err := os.ReadFile(f)
				require.NoError(t, err)
				assert.Equal(t, digest(scan(t, string(text)), 0), digest(scan(t, d.dress(string(text))), d.shift))
			})
		}
	}
}

func TestBranchesAreReadApart(t *testing.T) {
	t.Parallel()
	read := func(name string) []string {
		text, err := os.ReadFile("testdata/consoles/" + name)
		require.NoError(t, err)
		return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	}
	a, b := read("robot-plain.txt"), read("tape.txt")
	out := []string{"[Pipeline] { (Branch: qemu)", "[Pipeline] { (Branch: api)"}
	for i := range max(len(a), len(b)) {
		if i < len(a) {
			out = append(out, "[qemu] "+a[i])
		}
		if i < len(b) {
			out = append(out, "[api] "+b[i])
		}
	}
	r := scan(t, strings.Join(out, "\n"))
	var names []string
	for _, s := range r.Failures {
		names = append(names, s.Branch+": "+s.Name)
	}
	assert.Contains(t, names, "qemu: Checking if kernel module loading works")
	assert.Contains(t, names, "api: modprobe overlay exits with 0")
	assert.Len(t, names, 5)
}

func TestContextAndStage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/consoles/robot-plain.txt")
	require.NoError(t, err)
	r := scan(t, "Started by timer\n[Pipeline] {\n[Pipeline] stage\n[Pipeline] { (autohat qemux86-64)\n"+string(text)+"[Pipeline] }\nFinished: FAILURE\n")
	s := r.First()
	require.NotNil(t, s)
	assert.Equal(t, "autohat qemux86-64", s.Stage)
	assert.Equal(t, 16, s.Line)
	assert.Equal(t, 13, s.Begin)
	assert.Equal(t, []ContextLine{{11, "Booting the image in QEMU :: The image boots and answers on its co... | PASS |"}}, s.Before[:1])
	assert.Equal(t, ContextLine{15, "modprobe: FATAL: Module overlay not found in directory /lib/modules/6.6.87"}, s.Before[4])
	assert.Len(t, s.After, 20)
	assert.Equal(t, 17, s.After[0].Number)
	lines := strings.SplitAfter("Started by timer\n[Pipeline] {\n[Pipeline] stage\n[Pipeline] { (autohat qemux86-64)\n"+string(text), "\n")
	assert.EqualValues(t, len(strings.Join(lines[:15], "")), s.Offset)
	assert.Equal(t, "FAILURE", r.Result)

	none, err := Scan(bytes.NewReader(text), Options{Before: -1, After: -1})
	require.NoError(t, err)
	assert.Empty(t, none.First().Before)
	assert.Empty(t, none.First().After)
}

// A test that fails and passes in a later run of its runner has recovered; one
// that only shares its name with another has not.
func TestRecovery(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text              string
		failed, recovered int
	}{
		"tap, second run":        {"TAP version 13\nnot ok 1 - boots\n1..1\nTAP version 13\nok 1 - boots\n1..1\n", 0, 1},
		"tap, same name":         {"TAP version 13\nnot ok 1 - boots\nok 2 - boots\n1..2\n", 1, 0},
		"robot, fails again":     {robotRun("FAIL") + robotRun("PASS") + robotRun("FAIL"), 1, 0},
		"robot, passes at last":  {robotRun("FAIL") + robotRun("FAIL") + robotRun("PASS"), 0, 1},
		"go, again":              {"--- FAIL: TestA (0.00s)\nFAIL\tx.test/p\t0.1s\n=== RUN   TestA\n--- PASS: TestA (0.00s)\nok  \tx.test/p\t0.1s\n", 0, 1},
		"go, another package":    {"--- FAIL: TestA (0.00s)\nFAIL\tx.test/p\t0.1s\n=== RUN   TestA\n--- PASS: TestA (0.00s)\nok  \tx.test/q\t0.1s\n", 1, 0},
		"go, quiet":              {"--- FAIL: TestA (0.00s)\nFAIL\tx.test/p\t0.1s\nok  \tx.test/p\t0.1s\n", 0, 1},
		"jest, another file":     {"FAIL a/x.test.js\n  ● works\n\n    no\n\nPASS a/y.test.js\n", 1, 0},
		"jest, same file":        {"FAIL a/x.test.js\n  ● works\n\n    no\n\nPASS a/x.test.js\n", 0, 1},
		"pytest, rerun":          {"=== test session starts ===\na.py::test_a RERUN\na.py::test_a PASSED\n=== 1 passed, 1 rerun in 0.1s ===\n", 0, 1},
		"pytest, rerun in vain":  {"=== test session starts ===\na.py::test_a RERUN\na.py::test_a FAILED\n=== 1 failed, 1 rerun in 0.1s ===\n", 1, 0},
		"home-made, says it all": {"[PASS] a\n[PASS] b\n[FAIL] c\n[PASS] d\n[PASS] c\n", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := scan(t, tc.text)
			assert.Len(t, r.Failures, tc.failed)
			assert.Len(t, r.Recovered, tc.recovered)
		})
	}
}

func robotRun(verdict string) string {
	rule, frame := strings.Repeat("-", 78), strings.Repeat("=", 78)
	return frame + "\nOnce\n" + frame + "\nProvisioning   | " + verdict + " |\nwhy\n" + rule + "\nOnce  | " + verdict + " |\n1 test, 0 passed, 1 failed\n" + frame + "\nOutput:  x\n"
}

// What a Robot test prints may look like any other runner's.
func TestRobotOwnsItsOutput(t *testing.T) {
	t.Parallel()
	frame, rule := strings.Repeat("=", 78), strings.Repeat("-", 78)
	r := scan(t, frame+"\nOne\n"+frame+"\nPrints a lot   \nTAP version 13\nnot ok 1 - inner\n1..1\n--- FAIL: TestInner (0.00s)\nFAIL\tx\t0.1s\n| PASS |\n"+
		rule+"\nBroken  | FAIL |\nno\n"+rule+"\nOne  | FAIL |\n2 tests, 1 passed, 1 failed\n"+frame+"\nOutput:  x\nERROR: script returned exit code 1\nFinished: FAILURE\n")
	require.Len(t, r.Failures, 1)
	assert.Equal(t, "One › Broken", r.Failures[0].Full())
}

func TestHugeLine(t *testing.T) {
	t.Parallel()
	rule := strings.Repeat("-", 78)
	frame := strings.Repeat("=", 78)
	head := frame + "\nOne\n" + frame + "\n"
	in := io.MultiReader(strings.NewReader(head), io.LimitReader(endless('x'), 50<<20), strings.NewReader(" | FAIL |\nno\n"+rule+"\nNext  | FAIL |\nyes\n"+rule+"\nFinished: FAILURE\n"))
	r, err := Scan(in, Options{})
	require.NoError(t, err)
	require.Len(t, r.Failures, 2)
	assert.Equal(t, 6, r.Failures[0].After[1].Number-0)
	assert.Equal(t, "Next", r.Failures[1].Name)
	assert.EqualValues(t, len(head)+50<<20+len(" | FAIL |\nno\n")+len(rule)+1, r.Failures[1].Offset)
	for _, s := range r.Failures {
		assert.Less(t, len(s.Name)+len(s.Message), 300<<10)
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestManyFailures(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("TAP version 13\n")
	for i := range 25_000 {
		fmt.Fprintf(&b, "not ok %d - step %d\n", i+1, i+1)
	}
	r := scan(t, b.String())
	assert.Len(t, r.Failures, maxFailures)
	assert.Equal(t, 25_000, r.Total())
	assert.Equal(t, 25_000, r.Runners[0].Failed)
}

var errCut = errors.New("cut")

func TestCutConsole(t *testing.T) {
	t.Parallel()
	r, err := Scan(io.MultiReader(strings.NewReader("TAP version 13\nnot ok 1 - boots\nhalf a"), broken{}), Options{})
	require.ErrorIs(t, err, errCut)
	require.NotNil(t, r.First())
	assert.Equal(t, 3, r.Lines)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errCut }

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":                                    "plain",
		"\x1b[31mred\x1b[0m text":                  "red text",
		"10%\r50%\r100%":                           "100%",
		"10%\rdone\r":                              "done",
		"\x1b]8;;http://x\x07link\x1b]8;;\x07":     "link",
		"\x1b]0;title\x1b\\text":                   "text",
		"a\x1b[8mha:QUJD\x1b[0mb":                  "ab",
		"\x1b[1G   old\x1b[K\x1b[77G1/4\x1b[1Gnew": "new",
		"x\x1b":                      "x",
		"x\x1b[":                     "x",
		"\x1b(Bx":                    "Bx",
		"\x1b]open and never closed": "open and never closed",
	} {
		assert.Equal(t, want, string(Clean([]byte(in), nil)), "%q", in)
	}
}

// Lines give back every byte, at its place.
func TestLines(t *testing.T) {
	t.Parallel()
	text := "one\n\nthree\r\n" + strings.Repeat("y", 3*blockSize) + "\nlast"
	l := NewLines(strings.NewReader(text))
	var numbers []int
	for {
		line, err := l.Next()
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		numbers = append(numbers, line.Number)
		if line.Cut == 0 {
			assert.Equal(t, text[line.Offset:line.Offset+int64(len(line.Raw))], string(line.Raw))
		} else {
			assert.EqualValues(t, 3*blockSize-keepHead-keepTail, line.Cut)
		}
	}
	assert.Equal(t, []int{1, 2, 3, 4, 5}, numbers)
}

// No console makes the recognisers fail, and what they say of it does not
// depend on how it arrives.
func FuzzScan(f *testing.F) {
	for _, name := range consoles(f) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, err := Scan(bytes.NewReader(text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		pieces, err := Scan(&dribble{text, 1}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := digest(whole, 0), digest(pieces, 0); a != b {
			t.Fatalf("in pieces:\n%s\nwhole:\n%s", b, a)
		}
		for _, s := range whole.Failures {
			if s.Line < 1 || s.Line > whole.Lines || s.Offset < 0 || s.Offset >= int64(len(text)) || s.Name == "" || strings.ContainsRune(s.Suite, 1) {
				t.Fatalf("%+v", s)
			}
		}
	})
}

// dribble hands out ever other sizes.
type dribble struct {
	left []byte
	n    int
}

func (d *dribble) Read(p []byte) (int, error) {
	if len(d.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, d.left[:min(d.n, len(d.left))])
	d.left = d.left[n:]
	d.n = d.n%13 + 3
	return n, nil
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("a\x1b[8mha:QUJD\x1b[0mb\r\x1b]8;;x\x07"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out := Clean(append([]byte{}, in...), make([]byte, 0, len(in)))
		if bytes.IndexByte(out, 0x1b) >= 0 || bytes.IndexByte(out, '\r') >= 0 || len(out) > len(in) {
			t.Fatalf("%q gives %q", in, out)
		}
	})
}

func TestReadAhead(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 200_000)
	for name, read := range map[string]func(io.Reader) (string, error){
		"read": func(r io.Reader) (string, error) { b, err := io.ReadAll(struct{ io.Reader }{r}); return string(b), err },
		"write": func(r io.Reader) (string, error) {
			var b strings.Builder
			_, err := io.Copy(&b, r)
			return b.String(), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ReadAhead(io.NopCloser(&dribble{[]byte(text), 1}))
			got, err := read(a)
			require.NoError(t, err)
			assert.Equal(t, sha256.Sum256([]byte(text)), sha256.Sum256([]byte(got)))
			require.NoError(t, a.Close())

			a = ReadAhead(io.NopCloser(io.MultiReader(strings.NewReader("half"), broken{})))
			got, err = read(a)
			require.ErrorIs(t, err, errCut)
			assert.Equal(t, "half", got)

			pr, pw := io.Pipe() // closing ends a read that waits
			a = ReadAhead(pr)
			_ = a.Close()
			_, err = pw.Write([]byte("x"))
			require.ErrorIs(t, err, io.ErrClosedPipe)
		})
	}
}
