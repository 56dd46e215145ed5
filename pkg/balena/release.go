package balena

import (
	"context"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// Release is one build of a fleet's application.
type Release struct {
	ID     int64  `json:"id"`
	Commit string `json:"commit"` // at most 40 characters
	// RawVersion tells releases apart: semver, then for a draft "-" and
	// milliseconds, then "+rev1" (note 4). Several share one Semver.
	RawVersion string `json:"raw_version"`
	Semver     string `json:"semver"`
	Status     string `json:"status"`         // running, success, failed, error, cancelled, interrupted
	Final      bool   `json:"is_final"`       // false: a draft
	Invalid    bool   `json:"is_invalidated"` // somebody took it out of use
	Passing    bool   `json:"is_passing_tests"`
	CreatedAt  Time   `json:"created_at"`
	StartedAt  Time   `json:"start_timestamp"` // the build began; it orders what fleets follow
	Note       string `json:"note"`
	Author     Author `json:"is_created_by__user"` // "" when a key made it
}

// Success is the status of a build that can be run.
const Success = "success"

// Ref points at the release.
func (r Release) Ref() Ref { return Ref{r.ID, r.Commit, r.RawVersion} }

// Trackable reports whether a fleet that follows the newest release may end up
// at this one.
func (r Release) Trackable() bool { return len(r.Doubts()) == 0 && r.Status == Success }

// Doubts says, in words, why nobody should run the release: the API takes it as
// a target all the same (note 5). A build that did not succeed is not among
// them, as no fleet can be sent there.
func (r Release) Doubts() []string {
	out := []string{}
	if !r.Final {
		out = append(out, "it is a draft")
	}
	if r.Invalid {
		out = append(out, "it was invalidated")
	}
	if !r.Passing {
		out = append(out, "its tests do not pass")
	}
	return out
}

const (
	releaseFields = "id,commit,raw_version,semver,status,is_final,is_invalidated,is_passing_tests,created_at,start_timestamp,note"
	releaseAuthor = "is_created_by__user($select=username)"
	// The server's own rule for what a fleet follows, and its order. The vendor's
	// SDK orders by created_at, which differs when builds overlap; then the server
	// would move the fleet again at once (note 4).
	trackable = "is_final eq true and is_passing_tests eq true and is_invalidated eq false and status eq 'success'"
	newest    = "start_timestamp desc"
)

// MaxReleases is the most that one call of Releases returns.
const MaxReleases = 1000

// Releases lists a fleet's newest releases of every kind, newest first; most is
// 1 to MaxReleases.
func (c *Client) Releases(ctx context.Context, f Fleet, most int) ([]Release, error) {
	return c.releases(ctx, "list releases of "+f.Slug, f, "", "created_at desc", most)
}

// TrackableReleases lists the releases that a fleet may follow to, newest first:
// final, passing, successful and not invalidated.
func (c *Client) TrackableReleases(ctx context.Context, f Fleet, most int) ([]Release, error) {
	return c.releases(ctx, "list releases of "+f.Slug, f, trackable, newest, most)
}

// Latest is where a fleet goes that follows: its newest trackable release. ok is
// false when there is none.
func (c *Client) Latest(ctx context.Context, f Fleet) (r Release, ok bool, err error) {
	rows, err := c.releases(ctx, "find the newest release of "+f.Slug, f, trackable, newest, 1)
	if err != nil || len(rows) == 0 {
		return Release{}, false, err
	}
	return rows[0], true, nil
}

func (c *Client) releases(ctx context.Context, op string, f Fleet, filter, order string, most int) ([]Release, error) {
	if err := checkID(op, f.ID); err != nil {
		return nil, err
	}
	q := query{
		fields: releaseFields, expand: releaseAuthor,
		filter: "belongs_to__application eq " + number(f.ID), order: order,
		// No page size of the server is known, so one is always asked for.
		top: min(max(most, 1), MaxReleases),
	}
	if filter != "" {
		q.filter += " and " + filter
	}
	return list[Release](ctx, c, op, "release", q)
}

// minCommit is the shortest prefix of a commit that is taken for one.
const minCommit = 6

var (
	versionShape = lazyregexp.New(`^[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]*)?$`)
	commitShape  = lazyregexp.New(`^[0-9a-f]+$`)
)

// FindRelease finds one release of a fleet by version ("4.2.0", "v4.2.0+rev1")
// or by commit (six characters and more). An exact raw version wins over a shared
// semver; a name that still fits several is an apierr.ErrAmbiguous that lists them.
func (c *Client) FindRelease(ctx context.Context, f Fleet, name string) (Release, error) {
	name = strings.TrimSpace(name)
	op := "find release " + name + " of " + f.Slug
	version, hash := strings.TrimPrefix(name, "v"), strings.ToLower(name)
	var filter string
	switch {
	case versionShape().MatchString(version):
		filter = "(raw_version eq " + quote(version) + " or semver eq " + quote(version) + ")"
	case commitShape().MatchString(hash) && len(hash) >= minCommit && len(hash) <= 40:
		filter = "startswith(commit," + quote(hash) + ")"
	default:
		return Release{}, apierr.New(apierr.ErrUsage, Vendor, op, "%q is neither a version, such as 4.2.0, nor a commit of %d characters and more", name, minCommit)
	}
	rows, err := c.releases(ctx, op, f, filter, "created_at desc", MaxReleases)
	if err != nil {
		return Release{}, err
	}
	hits := narrow(rows, func(r Release) bool { return r.RawVersion == version || r.Commit == hash })
	// Builds that failed may carry the version of the one that then succeeded.
	hits = narrow(hits, func(r Release) bool { return r.Status == Success })
	switch len(hits) {
	case 0:
		return Release{}, apierr.New(apierr.ErrNotFound, Vendor, op, "the fleet has no such release")
	case 1:
		return hits[0], nil
	}
	names := []string{}
	for _, r := range hits {
		names = append(names, r.RawVersion+" ("+Ref{ID: r.ID, Commit: r.Commit}.String()+")")
	}
	return Release{}, apierr.New(apierr.ErrAmbiguous, Vendor, op, "several releases fit: %s", strings.Join(names, ", ")).
		WithHint("name it by its full version or by its commit")
}

// narrow keeps the rows that fit, or all when none does.
func narrow(rows []Release, fits func(Release) bool) []Release {
	kept := slices.DeleteFunc(slices.Clone(rows), func(r Release) bool { return !fits(r) })
	if len(kept) == 0 {
		return rows
	}
	return kept
}
