package gitops

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Difference is what lies between two commits, as far as one file goes.
type Difference struct {
	Patch   string   `json:"patch"`   // unified, of the file alone
	Files   []string `json:"files"`   // what else changed in the commits that changed the file
	Commits []Commit `json:"commits"` // of the branch after from up to to, newest first
	More    bool     `json:"more"`    // there are more commits than are listed
}

const diffCommits = 200

// Diff compares a file between two commits. from may be the newer one: then the
// patch is what going back changes, and the commits are those that it undoes.
func (m *Mirror) Diff(ctx context.Context, from, to, file string) (Difference, error) {
	d := Difference{Files: []string{}, Commits: []Commit{}}
	out, err := m.git(ctx, nil, "diff", "--no-color", "--no-ext-diff", "--no-textconv", "--end-of-options", from, to, "--", file)
	if err != nil {
		return d, err
	}
	d.Patch = string(out)
	older, newer := from, to
	if ok, err := m.isAncestor(ctx, to, from); err != nil {
		return d, err
	} else if ok {
		older, newer = to, from
	}
	if d.Commits, err = m.log(ctx, diffCommits+1, older+".."+newer); err != nil {
		return d, err
	}
	if d.More = len(d.Commits) > diffCommits; d.More {
		d.Commits = d.Commits[:diffCommits]
	}
	out, err = m.git(ctx, nil, "log", "--first-parent", "--diff-merges=first-parent", "--full-diff", "--name-only", "-z", "--format=", "--no-ext-diff",
		"--end-of-options", older+".."+newer, "--", file)
	if err != nil {
		return d, err
	}
	for _, name := range strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 || r == '\n' }) {
		if name != file && !slices.Contains(d.Files, name) {
			d.Files = append(d.Files, name)
		}
	}
	slices.Sort(d.Files)
	return d, nil
}

// Applied is what Flux's tag says.
type Applied struct {
	Commit string    // that the tag points at
	At     time.Time // when it was moved there; zero for a tag without a time
	// Includes: the commit that was asked about is among what was applied.
	Includes bool
}

// Applied reads the sync tag and whether a commit is among what Flux applied.
// Without the tag it is an apierr.ErrNotFound, which is no "no": Flux may keep
// its state elsewhere (contract section 4).
func (m *Mirror) Applied(ctx context.Context, commit string) (Applied, error) {
	tag := "refs/tags/" + m.c.SyncTag
	out, err := m.git(ctx, nil, "for-each-ref", "--format=%(objectname) %(*objectname) %(taggerdate:iso-strict)", tag)
	if err != nil {
		return Applied{}, err
	}
	line, _, _ := strings.Cut(string(out), "\n")
	f := strings.Split(line, " ")
	if len(f) != 3 {
		return Applied{}, fail(apierr.ErrNotFound, "read "+m.origin, "there is no tag %s", m.c.SyncTag)
	}
	a := Applied{Commit: f[0]}
	if f[1] != "" {
		a.Commit = f[1]
	}
	if at, err := time.Parse(time.RFC3339, f[2]); err == nil {
		a.At = at.UTC()
	}
	a.Includes, err = m.isAncestor(ctx, commit, a.Commit)
	return a, err
}

// isAncestor reports whether a is b or one of its ancestors.
func (m *Mirror) isAncestor(ctx context.Context, a, b string) (bool, error) {
	out, err := m.git(ctx, nil, "rev-list", "--max-count=1", "--end-of-options", a, "^"+b)
	return err == nil && strings.TrimSpace(string(out)) == "", err
}
