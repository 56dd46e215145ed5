package jenkins

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// JobName is a job's full name: its folders and itself, one element a level. An
// element may hold a slash (a branch of a multibranch job: "feature/x").
type JobName []string

// ParseJobName reads "folder/job". A slash inside an element is written %2F.
// Empty elements, "." and ".." are refused with apierr.ErrUsage.
func ParseJobName(s string) (JobName, error) {
	var out JobName
	for _, part := range strings.Split(strings.Trim(strings.TrimSpace(s), "/"), "/") {
		name, err := url.PathUnescape(part)
		if err != nil {
			name = part // a percent sign that is part of the name
		}
		if name == "" || name == "." || name == ".." {
			return nil, fail(apierr.ErrUsage, "", "the job name %q is not FOLDER/JOB", s)
		}
		out = append(out, name)
	}
	return out, nil
}

// String is the name as ParseJobName reads it.
func (j JobName) String() string {
	parts := make([]string, len(j))
	for i, p := range j {
		p = strings.ReplaceAll(p, "%", "%25")
		parts[i] = strings.ReplaceAll(p, "/", "%2F")
	}
	return strings.Join(parts, "/")
}

// MarshalText is String.
func (j JobName) MarshalText() ([]byte, error) { return []byte(j.String()), nil }

// UnmarshalText is ParseJobName.
func (j *JobName) UnmarshalText(text []byte) error {
	name, err := ParseJobName(string(text))
	*j = name
	return err
}

// Equal reports whether both name the same job.
func (j JobName) Equal(o JobName) bool { return slices.Equal(j, o) }

// path is the job's path below the base URL: /job/a/job/b.
func (j JobName) path() string {
	var b strings.Builder
	for _, p := range j {
		b.WriteString("/job/")
		b.WriteString(httpx.Segment(p))
	}
	return b.String()
}

func (j JobName) buildPath(n int) string { return j.path() + "/" + strconv.Itoa(n) }

// JobURL is the job's page below the client's own base, for people.
func (c *Client) JobURL(j JobName) string { return c.Base() + j.path() + "/" }

// BuildURL is the build's page below the client's own base, for people.
func (c *Client) BuildURL(j JobName, n int) string { return c.Base() + j.buildPath(n) + "/" }

// Target is what a pasted Jenkins URL points at.
type Target struct {
	Job   JobName // nil for a queue item
	Build string  // number or permalink; "" for the job itself
	Queue int64   // queue item; 0 is none
	Host  string  // host of the URL, which may differ from the client's base
	Path  string  // context path in front of the job, without a slash at the end
}

// permalinks that every job has (contract section 2).
var permalinks = []string{"lastBuild", "lastCompletedBuild", "lastSuccessfulBuild", "lastStableBuild",
	"lastFailedBuild", "lastUnstableBuild", "lastUnsuccessfulBuild"}

// IsURL reports whether s looks like a pasted link rather than a name.
func IsURL(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// ParseURL reads a pasted link to a job, a build or a page below one, in the
// classic pages, Blue Ocean's or the queue's. Views are navigation only and are
// dropped, as is what follows the build. What is no Jenkins link is
// apierr.ErrUsage.
func ParseURL(raw string) (Target, error) {
	bad := fail(apierr.ErrUsage, "", "%q is not a link to a Jenkins job or build", raw)
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return Target{}, bad
	}
	var segs []string
	for _, s := range strings.Split(u.EscapedPath(), "/") {
		if s == "" {
			continue
		}
		name, err := url.PathUnescape(s)
		if err != nil {
			return Target{}, bad
		}
		segs = append(segs, name)
	}
	t := Target{Host: u.Host}
	for i, s := range segs {
		rest := segs[i:]
		found := false
		switch {
		case s == "job" || s == "view":
			found = t.classic(rest)
		case s == "blue" && len(rest) > 2 && rest[1] == "organizations":
			found = t.blueOcean(rest[3:])
		case s == "queue" && len(rest) > 2 && rest[1] == "item":
			t.Queue, err = strconv.ParseInt(rest[2], 10, 64)
			found = err == nil && t.Queue > 0
		}
		if found {
			for _, p := range segs[:i] {
				t.Path += "/" + p
			}
			return t, nil
		}
	}
	return Target{}, bad
}

// classic reads [view/NAME...] job/NAME [...] [BUILD] [page].
func (t *Target) classic(segs []string) bool {
	for len(segs) >= 2 && (segs[0] == "job" || segs[0] == "view") {
		if segs[0] == "job" {
			t.Job = append(t.Job, segs[1])
		}
		segs = segs[2:]
	}
	if len(segs) > 0 && isBuildRef(segs[0]) {
		t.Build = segs[0]
	}
	return t.Job != nil
}

// blueOcean reads FOLDER%2FJOB/detail/BRANCH/BUILD/page: for a plain job the
// branch repeats its last element.
func (t *Target) blueOcean(segs []string) bool {
	if len(segs) == 0 {
		return false
	}
	t.Job = strings.Split(segs[0], "/")
	if len(segs) > 2 && segs[1] == "detail" {
		if branch := segs[2]; branch != t.Job[len(t.Job)-1] {
			t.Job = append(t.Job, branch)
		}
		if len(segs) > 3 && isBuildRef(segs[3]) {
			t.Build = segs[3]
		}
	}
	return true
}

func isBuildRef(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0 || slices.Contains(permalinks, s)
}
