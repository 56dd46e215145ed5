package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/gitops"
)

// Answer is what is known of a fact.
type Answer string

// The answers.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// Names of the four facts, in the order in which a version passes them.
const (
	Declared = "declared"
	Applied  = "applied"
	Running  = "running"
	Verified = "verified"
)

// Fact is one of the four.
type Fact struct {
	Name     string    `json:"name"`
	Answer   Answer    `json:"answer"`
	Version  string    `json:"version,omitempty"` // what is there, where that is known
	Evidence string    `json:"evidence"`          // or, for unknown, why it is not known
	At       time.Time `json:"at"`                // since when, or of when the evidence is
}

// Count is how many instances run a version.
type Count struct {
	Version string `json:"version"`
	Count   int    `json:"count"`
}

// Runner tells which versions run. An empty answer is not known, no error.
type Runner interface {
	Versions(ctx context.Context) ([]Count, error)
}

// Check is one sign of health.
type Check struct {
	Name string
	// Look tells how it stands: good, and in words. No data is not good.
	Look func(ctx context.Context) (good bool, text string, err error)
}

// declared looks at the value in the repository.
func (s *Sight) declared(version string) Fact {
	f := Fact{Name: Declared, Answer: Unknown, At: s.Snapshot.FetchedAt}
	switch {
	case s.RepoErr != nil:
		f.Evidence = s.RepoErr.Error()
	case s.DeclaredErr != nil:
		f.Evidence = s.DeclaredErr.Error()
	default:
		f.Version, f.Answer = s.Declared.Version, No
		if f.Version == version {
			f.Answer = Yes
		}
		f.Evidence = "in the repository"
		if len(s.Runs) > 0 && s.Runs[0].change != nil {
			c := s.Runs[0].change
			f.At = c.Time
			f.Evidence = fmt.Sprintf("commit %s by %s", c.Short(), c.Author)
		}
		if s.Snapshot.Stale != nil {
			f.Evidence += fmt.Sprintf("; as of %s, the origin does not answer now", s.Snapshot.FetchedAt.Format(time.RFC3339))
		}
	}
	return f
}

// applied looks at the Kustomization where one is given, else at what Flux's tag
// points at (contract section 4): the value there counts, as the tag may lie
// before or behind the change.
func (d *Deployer) applied(ctx context.Context, s *Sight, version string) Fact {
	f := Fact{Name: Applied, Answer: Unknown, At: s.Snapshot.FetchedAt}
	if s.RepoErr != nil {
		f.Evidence = s.RepoErr.Error()
		return f
	}
	if d.Sync != nil {
		f, _ = d.appliedBySync(ctx, version)
		return f
	}
	a, err := d.Repo.Applied(ctx, s.Snapshot.Commit)
	if err != nil {
		f.Evidence = err.Error()
		if errors.Is(err, apierr.ErrNotFound) {
			f.Evidence = "the repository has no tag of Flux's"
		}
		return f
	}
	at, err := d.Repo.Declared(ctx, a.Commit, *d.Component.Where)
	if err != nil {
		f.Evidence = err.Error()
		return f
	}
	f.Version, f.Answer, f.At = at.Version, No, a.At
	if at.Version == version {
		f.Answer = Yes
	}
	f.Evidence = "flux-sync at " + short(a.Commit)
	if s.Snapshot.Stale != nil {
		f.Answer, f.Evidence = Unknown, f.Evidence+", and the origin does not answer now"
	}
	return f
}

func short(id string) string { return id[:min(len(id), 7)] }

func (d *Deployer) running(ctx context.Context, version string) Fact {
	f := Fact{Name: Running, Answer: Unknown, At: d.Now()}
	if d.Runner == nil {
		f.Evidence = orText(d.RunnerWhy, "nothing is configured that tells")
		return f
	}
	all, err := d.Runner.Versions(ctx)
	if err != nil {
		f.Evidence = err.Error()
		return f
	}
	total, here := 0, 0
	for _, c := range all {
		total += c.Count
		if c.Version == version {
			here += c.Count
		}
	}
	switch {
	case total == 0:
		f.Evidence = "no instance says which version it is"
	case here == total:
		f.Answer, f.Version, f.Evidence = Yes, version, fmt.Sprintf("%s in %d of %d", version, here, total)
	default:
		slices.SortFunc(all, func(a, b Count) int { return b.Count - a.Count })
		f.Answer, f.Version = No, all[0].Version
		words := []string{}
		for _, c := range all {
			words = append(words, fmt.Sprintf("%s in %d of %d", c.Version, c.Count, total))
		}
		f.Evidence = strings.Join(words, ", ")
	}
	return f
}

func orText(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// verified looks once at the checks.
func (d *Deployer) verified(ctx context.Context) Fact {
	f := Fact{Name: Verified, Answer: Unknown, At: d.Now()}
	if len(d.Checks) == 0 {
		f.Evidence = orText(d.ChecksWhy, "no check is configured")
		return f
	}
	words := []string{}
	f.Answer = Yes
	for _, c := range d.Checks {
		good, text, err := c.Look(ctx)
		switch {
		case err != nil:
			text = c.Name + ": " + err.Error()
			if f.Answer == Yes {
				f.Answer = Unknown
			}
		case !good:
			f.Answer = No
		}
		words = append(words, text)
	}
	f.Evidence = strings.Join(words, ", ")
	return f
}

// Facts are the four facts about a version.
func (d *Deployer) Facts(ctx context.Context, s *Sight, version string) []Fact {
	if s.Fleet != nil {
		return append(d.fleetFacts(s.Fleet, version), d.verified(ctx))
	}
	out := []Fact{s.declared(version), {}, d.running(ctx, version), d.verified(ctx)}
	out[1] = d.applied(ctx, s, version)
	return out
}

// Repository is what the package reads of a GitOps repository: *gitops.Mirror.
type Repository interface {
	Refresh(ctx context.Context) (gitops.Snapshot, error)
	Declared(ctx context.Context, commit string, l gitops.Location) (gitops.Declared, error)
	History(ctx context.Context, s gitops.Snapshot, l gitops.Location, limit int) (gitops.History, error)
	Applied(ctx context.Context, commit string) (gitops.Applied, error)
	Diff(ctx context.Context, from, to, file string) (gitops.Difference, error)
}
