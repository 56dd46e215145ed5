// Package gitops reads what a GitOps repository declares: the version of a
// component now, its changes over time, and how far Flux has applied them. It
// reads with the git program a bare mirror of its own; nobody's clone is ever
// changed, and nothing is pushed.
//
// Sources of the facts: the project's contract note on deployments, by section
// in the comments.
package gitops

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/balena-io/oncall/pkg/apierr"
)

const vendor = "git"

// DefaultSyncTag is the tag that Flux v1 moves to what it has applied.
const DefaultSyncTag = "flux-sync"

// Config makes a Mirror.
type Config struct {
	// Repository is https://..., ssh://..., user@host:path or a local path. Of a
	// local clone with a work tree the origin is taken; the clone is only read.
	Repository string
	Branch     string // "" is the origin's default branch
	SyncTag    string // "" is DefaultSyncTag
	Folder     string // where mirrors are kept; made if missing

	Git     string           // program; "" is git
	Environ []string         // "NAME=value" for git; settings of oncall and of another repository are left out
	Timeout time.Duration    // of one fetch; 0 is DefaultTimeout
	First   time.Duration    // of the fetch that makes the mirror; 0 is FirstTimeout
	Now     func() time.Time // nil is time.Now
	// Before runs before each fetch, for a repository that is made on demand.
	// May be nil.
	Before func(context.Context) error
	// Once is shared by mirrors of one look, and nil for those that are to see what
	// is pushed later on.
	Once *Once
}

// Once makes mirrors that share it fetch their origin one time: what looks at many
// components at once sees one state of it, at the price of one.
type Once struct {
	mu   sync.Mutex
	done map[string]func() error // by folder
}

func (o *Once) do(dir string, fetch func() error) error {
	o.mu.Lock()
	if o.done == nil {
		o.done = map[string]func() error{}
	}
	f, ok := o.done[dir]
	if !ok {
		f = sync.OnceValue(fetch)
		o.done[dir] = f
	}
	o.mu.Unlock()
	return f()
}

// Bounds of a run of git that goes over the network. The first one copies the
// whole repository, and one that is cut off begins anew.
const (
	DefaultTimeout = 60 * time.Second
	FirstTimeout   = 10 * time.Minute
)

// Mirror is a bare copy of one repository. It is safe for concurrent use, also
// by several processes.
type Mirror struct {
	c      Config
	origin string
	dir    string
}

// Snapshot is the state of the mirror after it was brought up to date, or not.
type Snapshot struct {
	Commit    string    `json:"commit"`    // head of the branch
	FetchedAt time.Time `json:"fetchedAt"` // when the origin was last read
	Shallow   bool      `json:"shallow"`   // the history is cut
	// Stale says why the origin could not be read now; nil when it was.
	Stale error `json:"-"`
}

// Open finds the origin and names the mirror. It runs git for a local path
// only, and opens no network.
//
// Errors: apierr.ErrUsage for a repository that is not allowed, a clone without
// an origin, a branch or tag that is no name; apierr.ErrUnsupported without git.
func Open(ctx context.Context, c Config) (*Mirror, error) {
	if c.SyncTag == "" {
		c.SyncTag = DefaultSyncTag
	}
	if c.Git == "" {
		c.Git = "git"
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.First == 0 {
		c.First = FirstTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	for what, name := range map[string]string{"branch": c.Branch, "sync tag": c.SyncTag} {
		if err := checkRef(name); name != "" && err != nil {
			return nil, fail(apierr.ErrUsage, "", "the %s %q is not a name: %v", what, name, err)
		}
	}
	m := &Mirror{c: c}
	origin, err := m.findOrigin(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(origin))
	m.origin, m.dir = origin, filepath.Join(c.Folder, hex.EncodeToString(sum[:8])+".git")
	return m, nil
}

// Origin is what the mirror is a copy of.
func (m *Mirror) Origin() string { return m.origin }

const (
	fetchedFile = "oncall-fetched"        // in the mirror: when the origin last answered
	headRef     = "refs/oncall/head"      // the origin's HEAD
	branches    = "refs/oncall/branches/" // the origin's branches
)

func (m *Mirror) ref() string {
	if m.c.Branch == "" {
		return headRef
	}
	return branches + m.c.Branch
}

// Refresh fetches and returns where the branch stands. When the origin cannot be
// reached but was before, Stale is set and the rest is as of FetchedAt.
func (m *Mirror) Refresh(ctx context.Context) (Snapshot, error) {
	fetch := func() error { return m.fetch(ctx) }
	if o := m.c.Once; o != nil {
		plain := fetch
		fetch = func() error { return o.do(m.dir, plain) }
	}
	stale := fetch()
	if ctx.Err() != nil {
		return Snapshot{}, ctx.Err()
	}
	s := Snapshot{Stale: stale, FetchedAt: m.fetchedAt()}
	if s.FetchedAt.IsZero() {
		if stale == nil {
			stale = fail(apierr.ErrUnavailable, "fetch "+m.origin, "the mirror has no time of its last fetch")
		}
		return Snapshot{}, stale
	}
	out, err := m.git(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", m.ref()+"^{commit}")
	if err != nil {
		return Snapshot{}, m.noBranch()
	}
	s.Commit = strings.TrimSpace(string(out))
	out, err = m.git(ctx, nil, "rev-parse", "--is-shallow-repository")
	s.Shallow = err == nil && strings.TrimSpace(string(out)) == "true"
	return s, nil
}

func (m *Mirror) noBranch() error {
	if m.c.Branch == "" {
		return fail(apierr.ErrNotFound, "read "+m.origin, "the repository has no commit")
	}
	return fail(apierr.ErrNotFound, "read "+m.origin, "there is no branch %s", m.c.Branch)
}

// fetch takes over the origin's branches, tags and notes, those that were moved
// by force too (contract section 4).
func (m *Mirror) fetch(ctx context.Context) error {
	if m.c.Before != nil {
		if err := m.c.Before(ctx); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(m.c.Folder, 0o700); err != nil {
		return fmt.Errorf("git mirror: %w", err)
	}
	limit := m.c.Timeout
	if m.fetchedAt().IsZero() {
		limit = m.c.First
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := m.fetchLocked(within)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return fail(apierr.ErrUnavailable, "fetch "+m.origin, "no answer within %s", limit)
	}
	return err
}

// fetchLocked does it, one process at a time.
func (m *Mirror) fetchLocked(ctx context.Context) error {
	lock := flock.New(m.dir + ".lock")
	switch ok, err := lock.TryLockContext(ctx, 20*time.Millisecond); {
	case errors.Is(err, context.DeadlineExceeded):
		return fail(apierr.ErrUnavailable, "fetch "+m.origin, "another process keeps the mirror locked")
	case err != nil || !ok:
		return fail(apierr.ErrUnavailable, "fetch "+m.origin, "the mirror cannot be locked: %v", err)
	}
	defer func() { _ = lock.Unlock() }()
	if _, err := os.Stat(filepath.Join(m.dir, "HEAD")); err != nil {
		if _, err := m.run(ctx, "", nil, "init", "--bare", "--quiet", "--template=", m.dir); err != nil {
			return err
		}
	}
	at := m.c.Now().UTC()
	fetch := func() error {
		_, err := m.git(ctx, nil, "fetch", "--quiet", "--force", "--prune", "--no-tags", "--update-shallow", "--no-write-fetch-head", "--no-recurse-submodules", "--", m.origin,
			"+HEAD:"+headRef, "+refs/heads/*:"+branches+"*", "+refs/tags/*:refs/tags/*", "+refs/notes/*:refs/notes/*")
		return err
	}
	err := fetch()
	if errors.Is(err, errLeftLock) && m.unlock() == nil {
		err = fetch()
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.dir, fetchedFile), []byte(at.Format(time.RFC3339Nano)), 0o600)
}

// errLeftLock is why git does not write a ref: one that was killed has left its
// lock there.
var errLeftLock = errors.New("a lock of git's is there")

// unlock takes such locks away. Whoever writes into the mirror holds our own lock.
func (m *Mirror) unlock() error {
	return filepath.WalkDir(m.dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == "objects":
			return fs.SkipDir
		case !e.IsDir() && filepath.Ext(path) == ".lock":
			return os.Remove(path)
		}
		return nil
	})
}

func (m *Mirror) fetchedAt() time.Time {
	text, err := os.ReadFile(filepath.Join(m.dir, fetchedFile))
	if err != nil {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(text)))
	if err != nil {
		return time.Time{}
	}
	return at
}

func fail(kind error, op, format string, args ...any) *apierr.Error {
	return apierr.New(kind, vendor, op, format, args...)
}
