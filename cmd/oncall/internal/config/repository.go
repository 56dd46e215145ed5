package config

import (
	"errors"
	"net/url"
	"strings"
	"unicode"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

var (
	scpLike    = lazyregexp.New(`^([A-Za-z0-9._-]+@)?[A-Za-z0-9._-]{2,}:[^:]`)
	windowsAbs = lazyregexp.New(`^[A-Za-z]:[\\/]`)
)

// CheckRepository says why oncall will not hand a repository to git: only
// https, ssh (as a URL or as user@host:path) and local paths are handed on.
// Git would run a program for "ext::", and take a leading dash for an option.
func CheckRepository(text string) error {
	const allowed = "a repository is https://..., ssh://..., user@host:path or a local path"
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
		return checkRepositoryURL(scheme, text, allowed)
	}
	if windowsAbs().MatchString(text) {
		return nil
	}
	if colon, slash := strings.IndexByte(text, ':'), strings.IndexAny(text, `/\`); colon >= 0 && (slash < 0 || colon < slash) {
		host := text[:colon]
		if _, after, ok := strings.Cut(host, "@"); ok {
			host = after
		}
		if !scpLike().MatchString(text) || strings.HasPrefix(host, "-") {
			return errors.New(allowed)
		}
	}
	return nil
}

func checkRepositoryURL(scheme, text, allowed string) error {
	u, err := url.Parse(text)
	if err != nil {
		return errors.New(allowed)
	}
	_, password := u.User.Password()
	switch {
	case scheme != "https" && scheme != "ssh":
		return errors.New(allowed)
	case u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-") || strings.HasPrefix(u.User.Username(), "-"):
		return errors.New(allowed)
	case password || scheme == "https" && u.User != nil:
		return errors.New("a repository's URL carries no credentials; git has its own place for them")
	}
	return nil
}
