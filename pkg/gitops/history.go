package gitops

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Commit is one commit of the branch.
type Commit struct {
	ID      string    `json:"id"`
	Author  string    `json:"author"`
	Time    time.Time `json:"time"` // of the committer, UTC
	Subject string    `json:"subject"`
}

// Short is the id as people write it.
func (c Commit) Short() string { return short(c.ID) }

func short(id string) string { return id[:min(len(id), 7)] }

// Declared is the value in one commit, and the commit that wrote it.
type Declared struct {
	Value
	Blob string `json:"blob"` // of the whole file: what a plan is compared by
}

// Change is a value from the commit on that brought it.
type Change struct {
	Value
	Commit
	File string `json:"file"` // as it was called then
}

// History is the changes of a value, newest first.
type History struct {
	Changes []Change `json:"changes"`
	Gaps    int      `json:"gaps"` // commits in which it could not be read
	// Cut says why there is nothing before the oldest change that is known:
	// "" when that is the beginning.
	Cut string `json:"cut,omitempty"`
}

// DefaultCommits is how many commits of a file History reads.
const DefaultCommits = 300

// Declared reads the value at a commit.
//
// A missing file is an apierr.ErrNotFound; what cannot be read is an
// apierr.ErrGuard that says why.
func (m *Mirror) Declared(ctx context.Context, commit string, l Location) (Declared, error) {
	blobs, err := m.blobs(ctx, []string{commit + ":" + l.File})
	if err != nil {
		return Declared{}, err
	}
	b := blobs[0]
	if b.id == "" {
		return Declared{}, fail(apierr.ErrNotFound, "read "+l.File, "there is no such file at %s", short(commit))
	}
	v, err := Extract(b.data, l)
	return Declared{Value: v, Blob: b.id}, err
}

// History walks the commits of the file, first parents only, through renames,
// and compares the values: a re-indentation, a moved key or a comment is no
// change (contract section 4). limit 0 is DefaultCommits.
func (m *Mirror) History(ctx context.Context, s Snapshot, l Location, limit int) (History, error) {
	if limit <= 0 {
		limit = DefaultCommits
	}
	var all []Change // one for each commit of the file, newest first
	h := History{Changes: []Change{}}
	from, file := s.Commit, l.File
	for from != "" && len(all) < limit {
		commits, err := m.log(ctx, limit-len(all), from, "--", file)
		if err != nil {
			return h, err
		}
		for _, c := range commits {
			all = append(all, Change{Commit: c, File: file})
		}
		if len(commits) == 0 {
			break
		}
		if from, file, err = m.renamed(ctx, commits[len(commits)-1].ID, file); err != nil {
			return h, err
		}
	}
	if err := m.fill(ctx, all, l); err != nil {
		return h, err
	}
	switch {
	case len(all) == limit:
		h.Cut = fmt.Sprintf("only the newest %d commits of the file were read", limit)
	case s.Shallow:
		h.Cut = "the history is cut: the repository is a shallow copy"
	}
	// From the oldest on, as a change belongs to the commit that brought it.
	for i := len(all) - 1; i >= 0; i-- {
		c := all[i]
		if c.Version == "" {
			h.Gaps++
			continue
		}
		if n := len(h.Changes); n == 0 || h.Changes[n-1].Version != c.Version {
			h.Changes = append(h.Changes, c)
		}
	}
	for i, j := 0, len(h.Changes)-1; i < j; i, j = i+1, j-1 {
		h.Changes[i], h.Changes[j] = h.Changes[j], h.Changes[i]
	}
	return h, nil
}

// fill reads the value of each change. One that cannot be read stays empty.
func (m *Mirror) fill(ctx context.Context, all []Change, l Location) error {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.ID + ":" + c.File
	}
	blobs, err := m.blobs(ctx, names)
	if err != nil {
		return err
	}
	known := map[string]Value{}
	for i, b := range blobs {
		if b.id == "" {
			continue // deleted in this commit
		}
		v, ok := known[b.id]
		if !ok {
			v, _ = Extract(b.data, l) // unreadable: a gap
			known[b.id] = v
		}
		all[i].Value = v
	}
	return nil
}

const logFormat = "--format=%H%x00%cI%x00%an%x00%s"

// log lists commits, first parents only.
func (m *Mirror) log(ctx context.Context, limit int, args ...string) ([]Commit, error) {
	out, err := m.git(ctx, nil, append([]string{"log", "--first-parent", "-z", "--no-color", "--max-count=" + strconv.Itoa(limit), logFormat, "--end-of-options"}, args...)...)
	if err != nil {
		return nil, err
	}
	fields := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	commits := []Commit{}
	for i := 0; i+3 < len(fields); i += 4 {
		at, err := time.Parse(time.RFC3339, fields[i+1])
		if err != nil {
			return nil, fail(nil, "log", "commit %s has no readable time", short(fields[i]))
		}
		commits = append(commits, Commit{ID: fields[i], Time: at.UTC(), Author: fields[i+2], Subject: fields[i+3]})
	}
	return commits, nil
}

// renamed returns where the history of a file goes on before the commit that
// brought it: under the name it was renamed from, in the parent; "" for nowhere.
func (m *Mirror) renamed(ctx context.Context, commit, file string) (from, old string, err error) {
	out, err := m.git(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", commit+"^1^{commit}")
	if err != nil {
		return "", "", ctx.Err() // a first commit has no parent
	}
	parent := strings.TrimSpace(string(out))
	out, err = m.git(ctx, nil, "diff-tree", "-r", "-z", "-M", "--name-status", "--diff-filter=R", "--no-ext-diff", "--end-of-options", parent, commit)
	if err != nil {
		return "", "", err
	}
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+2 < len(fields); i += 3 {
		if fields[i+2] == file {
			return parent, fields[i+1], nil
		}
	}
	return "", "", nil
}

type blob struct {
	id   string // "" when there is none
	data []byte
}

// maxFile bounds a manifest.
const maxFile = 4 << 20

// blobs reads files, each named COMMIT:PATH.
func (m *Mirror) blobs(ctx context.Context, names []string) ([]blob, error) {
	if len(names) == 0 {
		return nil, nil
	}
	out, err := m.git(ctx, strings.NewReader(strings.Join(names, "\n")+"\n"), "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	r := bufio.NewReader(bytes.NewReader(out))
	blobs := make([]blob, 0, len(names))
	for range names {
		b, err := nextBlob(r)
		if err != nil {
			return nil, fail(nil, "cat-file", "git's answer cannot be read: %v", err)
		}
		blobs = append(blobs, b)
	}
	return blobs, nil
}

func nextBlob(r *bufio.Reader) (blob, error) {
	head, err := r.ReadString('\n')
	if err != nil {
		return blob{}, err
	}
	f := strings.Fields(head)
	if len(f) == 0 || f[len(f)-1] == "missing" || f[len(f)-1] == "ambiguous" {
		return blob{}, nil
	}
	if len(f) != 3 {
		return blob{}, errors.New("an object has no head")
	}
	size, err := strconv.Atoi(f[2])
	if err != nil || size < 0 {
		return blob{}, errors.New("an object has no size")
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return blob{}, err
	}
	if _, err := r.ReadByte(); err != nil {
		return blob{}, err
	}
	if f[1] != "blob" {
		return blob{}, nil // a folder
	}
	if size > maxFile {
		return blob{}, fmt.Errorf("the file has %d bytes, more than any manifest", size)
	}
	return blob{f[0], data}, nil
}
