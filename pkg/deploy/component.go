// Package deploy puts a version of a component where it runs, takes it back, and
// says how far it got: declared in the repository, applied by Flux, running,
// verified. Each of the four is a fact of its own, yes, no or unknown, and what
// is not known is never shown as yes.
//
// It works over small interfaces: a mirror of the GitOps repository, a Jenkins
// with the job that deploys, metrics. A deployment is started at most once for a
// command, whatever the network does.
package deploy

import (
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/gitops"
	"github.com/balena-io/oncall/pkg/jenkins"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/nearest"
)

// Backend is what a component is deployed by.
type Backend string

// The back ends.
const (
	BackendJenkins Backend = "jenkins" // a parameterised job
	BackendFleet   Backend = "fleet"   // a balenaCloud fleet, rolled back by a pin
	BackendNone    Backend = "none"    // something else deploys it: it is only shown
)

// Component is one thing in one environment.
type Component struct {
	Key         string // name on the command line: "api"
	Name        string // what it is called where it is deployed; the same in several environments
	Environment string // "production"
	Backend     Backend

	Job            jenkins.JobName
	ComponentParam string            // the job's parameter for Name
	VersionParam   string            // the job's parameter for the version
	ReasonParam    string            // the job's parameter for the reason; "" is none
	HoldParam      string            // boolean parameter that stops the automation in the same build, and false starts it again; "" is none
	Params         map[string]string // sent with every start

	Fleet string // slug

	Where *gitops.Location // where the version is written; nil: nowhere that is known

	// VerifyFor is how long the checks must hold in a row.
	VerifyFor time.Duration
}

// Production reports whether the component's environment is the one that
// customers use. One that nobody named is taken for it.
func (c Component) Production() bool {
	e := strings.ToLower(c.Environment)
	return e == "" || e == "demo" || strings.HasPrefix(e, "prod")
}

// Find returns the component of a key, in whatever case it is written where that
// leaves one; a misspelt one is an apierr.ErrNotFound
// that shows the nearest.
func Find(all []Component, key string) (Component, error) {
	names := []string{}
	alike := []Component{}
	for _, c := range all {
		if c.Key == key {
			return c, nil
		}
		if strings.EqualFold(c.Key, key) {
			alike = append(alike, c)
		}
		names = append(names, c.Key)
	}
	if len(alike) == 1 {
		return alike[0], nil
	}
	err := apierr.New(apierr.ErrNotFound, "", "deploy", "there is no component called %q", key)
	if near := nearest.Of(key, names); len(near) > 0 {
		return Component{}, err.WithHint("did you mean %s?", strings.Join(near, " or "))
	}
	return Component{}, err.WithHint("there are: %s", strings.Join(names, ", "))
}

var (
	versionLike = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}$`)
	wildcard    = lazyregexp.New(`(^|\.)[xX*](\.|$)`)
)

// CheckVersion says, as an apierr.ErrUsage, why text is no version that can be
// deployed: a range, a moving name, or no tag at all.
func CheckVersion(text string) error {
	bad := func(format string, args ...any) *apierr.Error {
		return apierr.New(apierr.ErrUsage, "", "deploy", format, args...)
	}
	switch {
	case strings.ContainsAny(text, "<>=~^*|, ") || wildcard().MatchString(text):
		return bad("%q is a range, and what is deployed is one version", text).WithHint("oncall deploy history COMPONENT shows versions")
	case !versionLike().MatchString(text):
		return bad("%q is no version", text).WithHint("a version is what stands behind the colon of an image: 17.4.1")
	case text == "latest":
		return bad("latest is a name that moves, not a version").WithHint("oncall deploy history COMPONENT shows versions")
	}
	return nil
}
