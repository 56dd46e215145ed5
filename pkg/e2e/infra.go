package e2e

import "strings"

// signs are texts that speak of trouble below the tests. A retry may help, and a
// change to the tests will not.
var signs = []struct{ text, what string }{
	{"Cannot contact ", "the agent was lost"},
	{"was marked offline", "the agent was lost"},
	{"Agent went offline", "the agent was lost"},
	{"ChannelClosedException", "the agent was lost"},
	{"Unexpected termination of the channel", "the agent was lost"},
	{"RemovedNodeListener", "the agent was removed"},
	{"missing workspace", "the agent was lost"},
	{"No space left on device", "a disk is full"},
	{"no space left on device", "a disk is full"},
	{"disk quota exceeded", "a disk is full"},
	{"Disk quota exceeded", "a disk is full"},
	{"Cannot allocate memory", "memory ran out"},
	{"OutOfMemoryError", "memory ran out"},
	{"Out of memory: Kill", "memory ran out"},
	{"script returned exit code 137", "a process was killed, mostly for want of memory"},
	{"Could not resolve host", "a name did not resolve"},
	{"Temporary failure in name resolution", "a name did not resolve"},
	{"Name or service not known", "a name did not resolve"},
	{"EAI_AGAIN", "a name did not resolve"},
	{"no such host", "a name did not resolve"},
	{"Connection refused", "a connection was refused"},
	{"connection refused", "a connection was refused"},
	{"ECONNREFUSED", "a connection was refused"},
	{"Connection timed out", "a connection timed out"},
	{"ETIMEDOUT", "a connection timed out"},
	{"i/o timeout", "a connection timed out"},
	{"TLS handshake timeout", "a connection timed out"},
	{"Connection reset by peer", "a connection was lost"},
	{"ECONNRESET", "a connection was lost"},
	{"Network is unreachable", "the network was unreachable"},
	{"No route to host", "the network was unreachable"},
	{"no route to host", "the network was unreachable"},
	{"toomanyrequests", "a registry throttles"},
	{"error pulling image", "an image could not be pulled"},
	{"failed to pull", "an image could not be pulled"},
	{"Error response from daemon", "docker failed"},
	{"Could not read from remote repository", "the repository was out of reach"},
	{"fatal: unable to access", "the repository was out of reach"},
	{"error: RPC failed;", "the repository was out of reach"},
	{"fatal: early EOF", "the repository was out of reach"},
	{"The remote end hung up unexpectedly", "the repository was out of reach"},
	{"the remote end hung up unexpectedly", "the repository was out of reach"},
}

// faults are texts that look like one of the signs and are somebody's mistake: a
// retry meets the same.
var faults = []string{"manifest unknown", "pull access denied", "repository does not exist", "No such container", "No such image",
	"Authentication failed", "Permission denied (publickey"}

// signIn returns what trouble a text speaks of, "" for none.
func signIn(text string) string {
	for _, f := range faults {
		if strings.Contains(text, f) {
			return ""
		}
	}
	for _, s := range signs {
		if strings.Contains(text, s.text) {
			return s.what
		}
	}
	return ""
}

// signOf looks at a step's message and at the lines around its verdict.
func signOf(s *Step) string {
	if w := signIn(s.Message); w != "" {
		return w
	}
	for _, l := range s.Before {
		if l.Number >= s.Begin {
			if w := signIn(l.Text); w != "" {
				return w
			}
		}
	}
	return ""
}
