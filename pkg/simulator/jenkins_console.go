package simulator

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The demo's failing console: what a person must find something in.
const (
	jenkinsLines    = 60_212 // of the console of build E2ELastBuild
	jenkinsFailLine = 41_877 // of its first bad verdict
	jenkinsLive     = 600    // lines of a build that somebody starts
	robotWidth      = 78
)

// consoleCache keeps the last consoles that were asked for, as making one takes
// some milliseconds and a follower asks again and again.
type consoleCache struct {
	mu    sync.Mutex
	keys  []string
	texts map[string][]byte
}

const consolesKept = 4

func (c *consoleCache) get(key string, make func() []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.texts[key]; ok {
		return t
	}
	if c.texts == nil {
		c.texts = map[string][]byte{}
	}
	if len(c.keys) == consolesKept {
		delete(c.texts, c.keys[0])
		c.keys = c.keys[1:]
	}
	t := make()
	c.keys, c.texts[key] = append(c.keys, key), t
	return t
}

// raw is the log file of a build as it stands now: notes in it, LF or CRLF.
func (j *jenkinsServer) raw(l look, job *jenkinsJob, b *jenkinsBuild) (text []byte, done bool) {
	plan := *b // as if nobody stopped it
	key := fmt.Sprint(job.Name, b.Number, b.Start.UnixNano(), b.Story, b.Stopped.UnixNano(), b.Result, b.Windows)
	whole := j.consoles.get(key, func() []byte { return consoleOf(job, &plan) })
	if !b.Stopped.IsZero() {
		part := share(whole, b.Stopped.Sub(b.Start), e2eRetryTime)
		whole = append(bytes.Clone(part), fmt.Sprintf("\nAborted by %s\nSending interrupt signal to process\nFinished: ABORTED\n", b.By)...)
	}
	gone := 0
	if cut := l.j.LogsCut; l.j.Quirks.LogsRestart && cut.After(b.Start) && cut.Before(b.End) {
		gone = len(share(whole, cut.Sub(b.Start), b.End.Sub(b.Start)))
		gone += bytes.IndexByte(whole[gone:], '\n') + 1
	}
	if b.running(l.now) {
		whole = share(whole, l.now.Sub(b.Start), b.End.Sub(b.Start))
		return whole[min(len(whole), gone):], false
	}
	return whole[gone:], true
}

// share is the part of a text that was written after elapsed of total: it grows
// by bytes, so that a line may be half there.
func share(text []byte, elapsed, total time.Duration) []byte {
	if elapsed <= 0 || total <= 0 {
		return text[:0]
	}
	return text[:min(len(text), int(float64(len(text))*float64(elapsed)/float64(total)))]
}

// writer makes a console line by line.
type consoleWriter struct {
	bytes.Buffer
	lines int
	seed  int
}

func (w *consoleWriter) say(format string, args ...any) {
	fmt.Fprintf(&w.Buffer, format, args...)
	w.WriteByte('\n')
	w.lines++
}

// pipeline is one of Jenkins' own lines, which carry a note in the raw log.
func (w *consoleWriter) pipeline(text string) {
	fmt.Fprintf(&w.Buffer, "\x1b[8mha:////4%s=\x1b[0m[Pipeline] %s\n", strings.Repeat("aBcD+/x9", 18), text)
	w.lines++
}

// noise is what the device and the tests print, until the given line.
func (w *consoleWriter) noise(until int) {
	for w.lines < until {
		n := w.lines*7919 + w.seed
		b := w.AvailableBuffer()
		switch n % 11 {
		case 0:
			b = append(b, "[  OK  ] Started unit "...)
			b = strconv.AppendInt(b, int64(n%997), 10)
			b = append(b, " of the device under test."...)
		case 1:
			b = append(b, "  GET /v7/device?$filter=uuid eq 'de"...)
			b = strconv.AppendInt(b, int64(n%1_000_003), 16)
			b = append(b, "' 200 "...)
			b = strconv.AppendInt(b, int64(n%311), 10)
			b = append(b, "ms, 0 failed"...)
		case 2:
			b = append(b, "supervisor: Applying target state, step "...)
			b = strconv.AppendInt(b, int64(n%73), 10)
			b = append(b, ", errors: 0"...)
		case 3:
			b = append(b, "+ balena device de"...)
			b = strconv.AppendInt(b, int64(n%65_537), 16)
		default:
			b = append(b, "["...)
			for pad := 10_000_000; pad > w.lines && pad > 1; pad /= 10 {
				b = append(b, ' ')
			}
			b = strconv.AppendInt(b, int64(w.lines), 10)
			b = append(b, '.')
			b = strconv.AppendInt(b, int64(100_000+n%899_999), 10)
			b = append(b, "] qemux86-64 kernel: virtio_net virtio"...)
			b = strconv.AppendInt(b, int64(n%4), 10)
			b = append(b, ": tx queue "...)
			b = strconv.AppendInt(b, int64(n%9973), 10)
			b = append(b, " restarted after "...)
			b = strconv.AppendInt(b, int64(n%251), 10)
			b = append(b, " packets"...)
		}
		b = append(b, '\n')
		_, _ = w.Write(b)
		w.lines++
	}
}

func (w *consoleWriter) rule(ch string) { w.say("%s", strings.Repeat(ch, robotWidth)) }

// suite opens a frame.
func (w *consoleWriter) suite(name string) {
	w.say("%-*s", robotWidth, name)
	w.rule("=")
}

// test prints a test with output in between, its verdict on the given line.
func (w *consoleWriter) test(name, verdict string, at int, said ...string) {
	if w.lines+1 < at-1 {
		w.say("%-70s", name)
		w.noise(at - 1 - len(said))
		for _, s := range said {
			w.say("%s", s)
		}
		w.say("| %s |", verdict)
	} else {
		w.say("%-70s| %s |", name, verdict)
	}
}

// e2eSuites are the suites and tests of the end-to-end run.
var e2eSuites = []struct {
	name  string
	tests []string
}{
	{"E2E.Boot", []string{"Provisioning a virtual device", "Booting the image in QEMU", "Checking that the root filesystem is read-only", "Checking the boot partition"}},
	{"E2E.Network", []string{"Device reaches the API", "Device keeps its address over a reboot", "Pulling a release from the registry", "Time is synchronised"}},
	{"E2E.Supervisor", []string{"Supervisor reports its version", "Supervisor restarts a crashed service", "Device variables reach the container"}},
	{"E2E.Kernel", []string{"Checking the kernel version", E2EFailedStep, "Loading an out-of-tree module", "Checking that modules survive an update", "Checking kernel log for errors"}},
	{"E2E.Update", []string{"Host OS update to the newest version", "Rolling back a broken update", "Delta update between two releases"}},
	{"E2E.Cleanup", []string{"Moving the device to another fleet", "Removing the device"}},
}

// badTests are the tests that a story fails, with their messages.
func badTests(story string) map[string]string {
	const fatal = "modprobe: FATAL: Module overlay not found in directory /lib/modules/6.6.87"
	switch story {
	case storyKernel:
		return map[string]string{
			E2EFailedStep:                             fatal + ": 1 != 0",
			"Loading an out-of-tree module":           "Setup failed:\n" + fatal,
			"Checking that modules survive an update": "Setup failed:\n" + fatal,
		}
	case storyNetwork:
		return map[string]string{"Pulling a release from the registry": "Could not resolve host: registry2.balena-cloud.test"}
	}
	return nil
}

// saidBefore is what a bad test prints right before its verdict.
func saidBefore(story string) []string {
	if story == storyNetwork {
		return []string{"+ balena push registry2.balena-cloud.test", "error: name or address of the registry cannot be found"}
	}
	return []string{"+ modprobe overlay", "modprobe: FATAL: Module overlay not found in directory /lib/modules/6.6.87"}
}

// jenkinsTests are the sums of a build's published results.
type jenkinsTests struct{ failed, skipped, total int }

func (b *jenkinsBuild) tests() (t jenkinsTests) {
	switch b.Story {
	case storyPass, storyKernel, storyNetwork:
	default:
		return t
	}
	bad := badTests(b.Story)
	for _, s := range e2eSuites {
		for _, name := range s.tests {
			t.total++
			if bad[name] != "" {
				t.failed++
			}
		}
	}
	return t
}

// consoleOf writes the whole console of a build.
func consoleOf(job *jenkinsJob, b *jenkinsBuild) []byte {
	w := &consoleWriter{seed: b.Number * 104_729}
	if b.User == "" {
		w.say("Started by timer")
	} else {
		w.say("Started by user %s", b.User)
	}
	switch {
	case job.Name == JobE2E:
		w.e2e(b)
	case job.Name == JobDeploy, job.Name == JobStaging:
		w.deploy(b, job.Name)
	default:
		w.say("Building on the built-in node")
	}
	if b.Result != "null" {
		w.say("Finished: %s", b.Result)
	}
	if b.Windows {
		return bytes.ReplaceAll(w.Bytes(), []byte("\n"), []byte("\r\n"))
	}
	return w.Bytes()
}

func (w *consoleWriter) open(stage string) {
	w.pipeline("stage")
	w.pipeline("{ (" + stage + ")")
}

func (w *consoleWriter) close() {
	w.pipeline("}")
	w.pipeline("// stage")
}

func (w *consoleWriter) e2e(b *jenkinsBuild) {
	total, failAt := jenkinsLines, jenkinsFailLine
	if b.Number > E2ELastBuild {
		total, failAt = jenkinsLive, jenkinsLive*2/3
	} else if b.Number < E2ELastBuild {
		shift := int(noise("jenkins console", b.Number)*9000) - 4500
		total, failAt = total+shift, failAt+shift*2/3
	}
	device := b.param("DEVICE")
	w.pipeline("Start of Pipeline")
	w.pipeline("node")
	w.say("Running on agent-3 in /home/jenkins/workspace/%s", JobE2E)
	w.pipeline("{")
	w.open("Checkout")
	w.pipeline("checkout")
	w.say("Cloning the remote Git repository")
	w.say(" > git fetch --no-tags --progress -- https://git.example.test/e2e.git # timeout=10")
	w.close()
	w.open("Build the runner")
	w.pipeline("sh")
	w.say("+ docker build -t autohat .")
	w.noise(total / 50)
	w.say("Successfully tagged autohat:latest")
	w.close()
	w.open("autohat " + device)
	w.pipeline("sh")
	w.say("+ docker run --rm --device /dev/kvm -e DEVICE=%s -e OS_VERSION=%s autohat", device, b.param("OS_VERSION"))
	w.robot(b, failAt, total-60)
	if b.Story != storyAgentLost {
		w.close()
		w.open("Cleanup")
		w.pipeline("sh")
		w.say("+ ./cleanup.sh")
		w.noise(total - 7)
		w.close()
	}
	if b.Story == storyAgentLost {
		w.say("org.jenkinsci.plugins.workflow.steps.FlowInterruptedException: agent-3 was marked offline: Connection was broken")
	}
	w.pipeline("}")
	w.pipeline("// node")
	w.pipeline("End of Pipeline")
	if b.Story == storyKernel {
		w.say("ERROR: script returned exit code 3")
	}
}

// robot is the Robot Framework run, the first bad verdict on line failAt and
// the end on line end.
func (w *consoleWriter) robot(b *jenkinsBuild, failAt, end int) {
	bad := badTests(b.Story)
	var before, after int // tests in front of the kernel step, and from it on
	for _, s := range e2eSuites {
		for _, name := range s.tests {
			if after > 0 || name == E2EFailedStep {
				after++
			} else {
				before++
			}
		}
	}
	start := w.lines
	w.rule("=")
	w.suite("E2E")
	i, failed := 0, 0
	for _, s := range e2eSuites {
		w.suite(s.name)
		here := 0
		for _, name := range s.tests {
			at := failAt + (i-before)*(end-80-failAt)/after
			if i < before {
				at = start + (i+1)*(failAt-start)/(before+1)
			}
			i++
			if b.Story == storyAgentLost && i > before+3 {
				w.say("%-70s", name)
				w.noise(w.lines + 120)
				w.say("Cannot contact agent-3: java.lang.InterruptedException")
				return
			}
			if message := bad[name]; message != "" {
				here++
				w.test(name, "FAIL", at, saidBefore(b.Story)...)
				w.say("%s", message)
				w.lines += strings.Count(message, "\n")
			} else {
				w.test(name, "PASS", at)
			}
			w.rule("-")
		}
		failed += here
		w.verdict(s.name, len(s.tests), here)
	}
	w.verdict("E2E", i, failed)
	w.say("Output:  /home/jenkins/workspace/%s/output.xml", JobE2E)
	w.say("Log:     /home/jenkins/workspace/%s/log.html", JobE2E)
	w.say("Report:  /home/jenkins/workspace/%s/report.html", JobE2E)
}

// verdict is a suite's own.
func (w *consoleWriter) verdict(name string, tests, failed int) {
	word := "PASS"
	if failed > 0 {
		word = "FAIL"
	}
	w.say("%-70s| %s |", name, word)
	w.say("%d tests, %d passed, %d failed", tests, tests-failed, failed)
	w.rule("=")
}

func (w *consoleWriter) deploy(b *jenkinsBuild, job string) {
	component, version := b.param("COMPONENT"), b.param("VERSION")
	w.pipeline("Start of Pipeline")
	w.pipeline("node")
	w.say("Running on agent-1 in /home/jenkins/workspace/%s", job)
	w.pipeline("{")
	w.open("Check " + component + " " + version)
	w.say("+ ./image-exists %s:%s", component, version)
	w.close()
	w.open("Commit")
	w.say("+ ./set-version %s %s", component, version)
	if b.param("DRY_RUN") == "true" {
		w.say("dry run: nothing is committed")
	} else {
		w.say("[master 3f9c1e2] %s %s", component, version)
		w.say(" 1 file changed, 1 insertion(+), 1 deletion(-)")
	}
	w.close()
	w.pipeline("}")
	w.pipeline("// node")
	w.pipeline("End of Pipeline")
}
