package gitops

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/lazyregexp"
)

const allowed = "a repository is https://..., ssh://..., user@host:path or a local path"

var (
	scpLike    = lazyregexp.New(`^(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9._-]{2,}:[^:]`)
	windowsAbs = lazyregexp.New(`^[A-Za-z]:[\\/]`)
)

// CheckOrigin says why git is not handed this origin. Git would run a program
// for "ext::", and take a leading dash for an option; its own protocol and plain
// http are not authenticated.
func CheckOrigin(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("a repository is not empty")
	case strings.ContainsFunc(text, unicode.IsControl):
		return errors.New("a repository has no control characters")
	case strings.HasPrefix(strings.TrimSpace(text), "-"):
		return errors.New("a repository does not start with -")
	case strings.Contains(text, "::"):
		return errors.New(allowed + "; git's helpers (NAME::...) are not used")
	}
	if scheme, _, isURL := strings.Cut(text, "://"); isURL {
		return checkURL(scheme, text)
	}
	if isLocal(text) {
		return nil
	}
	host, _, _ := strings.Cut(text, ":")
	if _, after, ok := strings.Cut(host, "@"); ok {
		host = after
	}
	if !scpLike().MatchString(text) || strings.HasPrefix(text, "-") || strings.HasPrefix(host, "-") {
		return errors.New(allowed)
	}
	return nil
}

func checkURL(scheme, text string) error {
	u, err := url.Parse(text)
	if err != nil || scheme != "https" && scheme != "ssh" {
		return errors.New(allowed)
	}
	_, password := u.User.Password()
	switch {
	case u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-") || strings.HasPrefix(u.User.Username(), "-"):
		return errors.New(allowed)
	case password || scheme == "https" && u.User != nil:
		return errors.New("a repository's URL carries no credentials; git has its own place for them")
	}
	return nil
}

// isLocal reports whether text, which is no URL, is a path by git's rule: a
// colon before the first slash makes it a host.
func isLocal(text string) bool {
	if windowsAbs().MatchString(text) {
		return true
	}
	colon, slash := strings.IndexByte(text, ':'), strings.IndexAny(text, `/\`)
	return colon < 0 || slash >= 0 && slash < colon
}

// checkRef says why a branch or tag is not handed to git.
func checkRef(name string) error {
	switch {
	case strings.HasPrefix(name, "-"), strings.HasPrefix(name, "/"), strings.HasSuffix(name, "/"), strings.HasSuffix(name, ".lock"), strings.HasSuffix(name, "."):
		return errors.New("it begins or ends as no name does")
	case strings.Contains(name, ".."), strings.Contains(name, "@{"), strings.Contains(name, "//"), strings.ContainsAny(name, " ~^:?*[\\"), strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("it holds signs that no name has")
	}
	return nil
}

// findOrigin settles what is mirrored: the repository itself, or the origin of
// a clone, so that a clone that is behind, dirty or shallow does not matter.
func (m *Mirror) findOrigin(ctx context.Context) (string, error) {
	repo := m.c.Repository
	if err := CheckOrigin(repo); err != nil {
		return "", fail(apierr.ErrUsage, "", "%q: %v", repo, err)
	}
	if strings.Contains(repo, "://") || !isLocal(repo) {
		return repo, nil
	}
	path, err := filepath.Abs(repo)
	if err != nil {
		return "", fail(apierr.ErrUsage, "", "%q: %v", repo, err)
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		if m.c.Before == nil {
			return "", fail(apierr.ErrUsage, "", "there is no repository at %s", repo)
		}
		return path, nil // made on demand
	}
	if _, err := os.Stat(filepath.Join(path, ".git")); err != nil {
		return path, nil // bare: an origin itself
	}
	out, err := m.run(ctx, path, nil, "config", "--local", "--get", "remote.origin.url")
	var e *apierr.Error
	switch {
	case errors.As(err, &e) && errors.Is(err, apierr.ErrUnsupported):
		return "", err
	case err != nil && strings.Contains(err.Error(), "dubious ownership"):
		return "", fail(apierr.ErrUsage, "", "the clone at %s belongs to somebody else, and git does not read it", repo).WithHint("name the repository by its URL")
	case err != nil || strings.TrimSpace(string(out)) == "":
		return "", fail(apierr.ErrUsage, "", "the clone at %s has no remote called origin", repo).WithHint("name the repository by its URL, or add the remote to the clone")
	}
	origin := strings.TrimSpace(string(out))
	if rest, ok := strings.CutPrefix(origin, "file://"); ok {
		origin = rest
	}
	if err := CheckOrigin(origin); err != nil {
		return "", fail(apierr.ErrUsage, "", "the clone at %s has an origin that is not used: %v", repo, err)
	}
	if !strings.Contains(origin, "://") && isLocal(origin) && !filepath.IsAbs(origin) {
		origin = filepath.Join(path, origin)
	}
	return origin, nil
}
