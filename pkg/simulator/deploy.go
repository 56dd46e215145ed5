package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// The GitOps repositories of the demo world: bare ones in the state folder, made
// with the git program. Production gets a commit when a build of the deploy job
// ends, staging also when its automation writes (staging.go), and Flux's tag
// follows. They are brought up to the world's clock when
// somebody asks for them, as everything in the world is.

// Environments that have a repository.
const (
	EnvironmentProduction = "production"
	EnvironmentStaging    = "staging"
)

// ImageHost is the registry in the manifests.
const ImageHost = "registry.example.test"

// manifestOf is where and how a component's version is written. Each component
// has another of the shapes that are in use.
type manifestOf struct {
	path string
	text func(version string) string
}

func manifests(environment string) map[string]manifestOf {
	deployment := func(mark string) func(string) string {
		return func(v string) string {
			return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  replicas: " + itoa(APIReplicas) +
				"\n  template:\n    spec:\n      containers:\n        - name: proxy\n          image: " + ImageHost + "/balena/proxy:2.6.1\n" +
				"        - name: api\n          image: " + ImageHost + "/balena/api:" + v + mark + "\n"
		}
	}
	switch environment {
	case EnvironmentProduction:
	case EnvironmentStaging:
		return map[string]manifestOf{
			ComponentAPI: {"kubernetes/balenacloud/api/deployment.yaml", deployment(policyMark)},
		}
	default:
		return nil
	}
	return map[string]manifestOf{
		ComponentAPI: {"kubernetes/balenacloud/api/deployment.yaml", deployment("")},
		"ui": {"kubernetes/balenacloud/ui/release.yaml", func(v string) string {
			return "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: ui\nspec:\n  values:\n    image:\n      repository: " +
				ImageHost + "/balena/ui\n      tag: \"" + v + "\"\n"
		}},
		"registry": {"kubernetes/balenacloud/registry/kustomization.yaml", func(v string) string {
			return "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - deployment.yaml\nimages:\n  - name: registry\n    newName: " +
				ImageHost + "/balena/registry\n    newTag: \"" + v + "\"\n"
		}},
		"builder": {"kubernetes/balenacloud/builder/version.yaml", func(v string) string {
			return "image_tag: \"" + v + "\"\n"
		}},
	}
}

// stagedBefore is how long before production staging took over a version: its
// automation follows the newest image by itself.
const stagedBefore = 26 * time.Hour

// repoCommit is one commit that the world makes.
type repoCommit struct {
	key           string // names it in the record: "881"
	path, text    string
	author, email string
	message       string
	at, appliedAt time.Time
}

// repoCommits are the commits of an environment up to now, oldest first.
func (f *Facts) repoCommits(environment string, now time.Time) []repoCommit {
	if environment == EnvironmentStaging {
		return f.stagingCommits(now)
	}
	files := manifests(environment)
	out := []repoCommit{}
	for _, d := range f.Deploys {
		file, ok := files[d.Component]
		if ok && !d.BuiltAt.After(now) {
			out = append(out, repoCommit{key: itoa(d.Build), path: file.path, text: file.text(d.To), at: d.BuiltAt, appliedAt: d.AppliedAt,
				author: "Jenkins", email: "jenkins@example.test", message: fmt.Sprintf("%s %s -> %s\n\n%s #%d\n", d.Component, orNothing(d.From), d.To, JobDeploy, d.Build)})
		}
	}
	slices.SortStableFunc(out, func(a, b repoCommit) int { return a.at.Compare(b.at) })
	return out
}

func orNothing(s string) string {
	if s == "" {
		return "new"
	}
	return s
}

// repoRecord is what the world has written into a repository.
type repoRecord struct {
	Start   time.Time `json:"start"`
	Commits []string  `json:"commits"` // keys, in order
	Tag     string    `json:"tag"`     // key of the commit that Flux's tag points at
}

const repoRecordFile = "oncall-demo.json"

// Repository brings an environment's bare repository up to the world's clock and
// returns its folder. It needs the program git. A world in memory keeps it in a
// temporary folder until Close.
func (w *World) Repository(ctx context.Context, environment string) (string, error) {
	var commits []repoCommit
	var start, now time.Time
	err := w.view(func(s *State) error {
		start, now = s.StartedAt, s.Now
		commits = s.Facts.repoCommits(environment, s.Now)
		return nil
	})
	if err != nil {
		return "", err
	}
	if len(commits) == 0 {
		return "", fmt.Errorf("demo world: there is no repository of %s", environment)
	}
	dir, err := w.repositoryDir(environment)
	if err != nil {
		return "", err
	}
	lock := flock.New(dir + ".lock")
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	if ok, err := lock.TryLockContext(wait, lockPoll); err != nil || !ok {
		return "", fmt.Errorf("demo world: another process keeps %s locked", dir)
	}
	defer func() { _ = lock.Unlock() }()
	return dir, bringUp(ctx, dir, start, now, commits)
}

func (w *World) repositoryDir(environment string) (string, error) {
	name := "environment-" + environment + ".git"
	if fs, ok := w.store.(*fileStore); ok {
		return filepath.Join(fs.dir, name), nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.scratch == "" {
		dir, err := os.MkdirTemp("", "oncall-world-")
		if err != nil {
			return "", fmt.Errorf("demo world: %w", err)
		}
		w.scratch = dir
	}
	return filepath.Join(w.scratch, name), nil
}

// bringUp adds the commits that are missing and moves the tag.
func bringUp(ctx context.Context, dir string, start, now time.Time, commits []repoCommit) error {
	var rec repoRecord
	if data, err := os.ReadFile(filepath.Join(dir, repoRecordFile)); err == nil {
		_ = json.Unmarshal(data, &rec) // an unreadable one is that of another world
	}
	known := len(rec.Commits) <= len(commits)
	for i := 0; known && i < len(rec.Commits); i++ {
		known = commits[i].key == rec.Commits[i]
	}
	if !rec.Start.Equal(start) || !known {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("demo world: %w", err)
		}
		rec = repoRecord{Start: start}
		if err := demoGit(ctx, nil, "init", "--quiet", "--bare", "--template=", "--initial-branch=master", dir); err != nil {
			return err
		}
	}
	var in bytes.Buffer
	for _, c := range commits[len(rec.Commits):] {
		fmt.Fprintf(&in, "commit refs/heads/master\nmark :%s\nauthor %s <%s> %d +0000\ncommitter %s <%s> %d +0000\n", c.key, c.author, c.email, c.at.Unix(), c.author, c.email, c.at.Unix())
		fmt.Fprintf(&in, "data %d\n%s", len(c.message), c.message)
		if len(rec.Commits) > 0 && in.Len() > 0 && c.key == commits[len(rec.Commits)].key {
			in.WriteString("from refs/heads/master^0\n")
		}
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", c.path, len(c.text), c.text)
	}
	tag, at := "", time.Time{}
	for _, c := range commits {
		if !c.appliedAt.After(now) {
			tag, at = c.key, c.appliedAt
		}
	}
	if tag != rec.Tag {
		const text = "Sync pointer\n"
		fmt.Fprintf(&in, "tag flux-sync\nfrom :%s\ntagger Flux <flux@example.test> %d +0000\ndata %d\n%s", tag, at.Unix(), len(text), text)
	}
	if in.Len() == 0 {
		return nil
	}
	marks := filepath.Join(dir, "oncall-demo.marks")
	if err := demoGit(ctx, &in, "--git-dir="+dir, "fast-import", "--quiet", "--force", "--import-marks-if-exists="+marks, "--export-marks="+marks); err != nil {
		return err
	}
	rec.Tag, rec.Commits = tag, nil
	for _, c := range commits {
		rec.Commits = append(rec.Commits, c.key)
	}
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, repoRecordFile), data, 0o600)
}

// demoGit runs git with an environment of its own: whose git configuration it
// finds must not matter.
func demoGit(ctx context.Context, stdin *bytes.Buffer, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	own := []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "LC_ALL=C"}
	for _, kv := range cmd.Environ() {
		if name, _, _ := strings.Cut(kv, "="); slices.Contains([]string{"PATH", "HOME", "SYSTEMROOT", "TMPDIR", "TEMP"}, strings.ToUpper(name)) {
			own = append(own, kv)
		}
	}
	cmd.Env = own
	if out, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return errors.New("demo world: the program git is not here, and the demo's repositories are made with it")
		}
		return fmt.Errorf("demo world: git %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}
