package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/gitops"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/prometheus"
)

// Sync is how a Kustomization of Flux v2 stands (contract section 4).
type Sync struct {
	Name      string // "flux-system/apps", as far as it is said
	Applied   string // id of the commit that was last applied, "" for none yet
	Attempted string // id of the one that was last tried, "" when not said
	Ready     string // "True", "False", "Unknown", "" when not said
	Why       string // reason and message of Ready
	Suspended bool   // nothing will be applied until somebody resumes it
	Old       bool   // the status is of an earlier version of the Kustomization itself
	At        time.Time
}

// Syncer tells how a Kustomization stands.
type Syncer interface {
	Sync(ctx context.Context) (Sync, error)
}

// ErrSuspended says that Flux is told to apply nothing, so waiting for it has no end.
var ErrSuspended = errors.New("suspended")

var commitID = lazyregexp.New(`^[0-9a-f]{40}$`)

// revision is the commit of a revision as Flux writes it: master@sha1:ID, in
// older releases master/ID, or of a detached head sha1:ID or ID.
func revision(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	id := text[strings.LastIndexAny(text, "/:")+1:]
	if !commitID().MatchString(id) { // an OCI artifact's is a digest of 64
		return "", fmt.Errorf("the revision %q is no commit of a git repository", text)
	}
	return id, nil
}

// kustomization is what is read of the object, kustomize.toolkit.fluxcd.io/v1.
type kustomization struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name       string `json:"name"`
		Namespace  string `json:"namespace"`
		Generation int64  `json:"generation"`
	} `json:"metadata"`
	Spec struct {
		Suspend bool `json:"suspend"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration    int64  `json:"observedGeneration"`
		LastAppliedRevision   string `json:"lastAppliedRevision"`
		LastAttemptedRevision string `json:"lastAttemptedRevision"`
		Conditions            []struct {
			Type    string `json:"type"`
			Status  string `json:"status"`
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"conditions"`
	} `json:"status"`
	Items []kustomization `json:"items"`
}

// ParseKustomization reads one as Kubernetes' API and kubectl -o json write it;
// a list must hold exactly one. The error quotes nothing of the text.
func ParseKustomization(data []byte) (Sync, error) {
	var k kustomization
	if err := json.Unmarshal(data, &k); err != nil {
		return Sync{}, errors.New("it is not the JSON of a Kustomization (kubectl get kustomization NAME -o json)")
	}
	if strings.HasSuffix(k.Kind, "List") {
		if len(k.Items) != 1 {
			return Sync{}, fmt.Errorf("it is a list of %d objects; name the one Kustomization", len(k.Items))
		}
		k = k.Items[0]
	}
	if k.Kind != "Kustomization" {
		return Sync{}, errors.New("it is not a Kustomization")
	}
	s := Sync{Name: strings.TrimPrefix(k.Metadata.Namespace+"/"+k.Metadata.Name, "/"), Suspended: k.Spec.Suspend,
		Old: k.Status.ObservedGeneration < k.Metadata.Generation}
	for _, c := range k.Status.Conditions {
		if c.Type == "Ready" {
			s.Ready, s.Why = c.Status, strings.TrimSuffix(c.Reason+": "+firstLine(c.Message), ": ")
		}
	}
	var err error
	if s.Applied, err = revision(k.Status.LastAppliedRevision); err == nil {
		s.Attempted, err = revision(k.Status.LastAttemptedRevision)
	}
	return s, err
}

// firstLine is the first line of a message, of bearable length.
func firstLine(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if r := []rune(text); len(r) > 160 {
		text = string(r[:160]) + "..."
	}
	return text
}

// ObjectSync reads the object itself.
type ObjectSync struct {
	// Get returns the object and of when it is.
	Get func(ctx context.Context) ([]byte, time.Time, error)
}

// Sync implements Syncer.
func (o ObjectSync) Sync(ctx context.Context) (Sync, error) {
	data, at, err := o.Get(ctx)
	if err != nil {
		return Sync{}, err
	}
	s, err := ParseKustomization(data)
	s.At = at
	return s, err
}

// MetricSync reads a metric that has the state in its labels: revision, ready,
// suspended, name, exported_namespace, reason. So do gotk_resource_info of
// kube-state-metrics, as Flux' monitoring guide sets it up, and flux_resource_info
// of the Flux operator.
type MetricSync struct {
	Metrics Metrics
	Expr    string
	Now     func() time.Time
}

// Sync implements Syncer.
func (m MetricSync) Sync(ctx context.Context) (Sync, error) {
	res, err := m.Metrics.Query(ctx, prometheus.Query{Expr: m.Expr})
	if err != nil {
		return Sync{}, err
	}
	bad := func(format string, args ...any) error {
		return apierr.New(nil, "prometheus", "kustomization", format, args...)
	}
	var out *Sync
	for _, x := range res.Vector {
		l := x.Metric
		if float64(x.Value) <= 0 {
			continue
		}
		s := Sync{Ready: l["ready"], Why: l["reason"], Suspended: strings.EqualFold(l["suspended"], "true"), At: m.Now()}
		ns := orText(l["exported_namespace"], l["namespace"])
		s.Name = strings.TrimPrefix(ns+"/"+orText(l["name"], "Kustomization"), "/")
		text, ok := l["revision"]
		if s.Applied, err = revision(text); err != nil {
			return Sync{}, bad("%v", err)
		}
		switch {
		case !ok:
			return Sync{}, bad("the series of %s has no label revision", s.Name)
		case out != nil && (out.Name != s.Name || out.Applied != s.Applied):
			return Sync{}, bad("the query finds several Kustomizations, or several states of one")
		case out != nil && out.Suspended:
			continue
		}
		out = &s
	}
	if out == nil {
		return Sync{}, bad("the query finds no Kustomization")
	}
	return *out, nil
}

// appliedBySync decides the fact from a Kustomization: the value in the commit
// that it applied counts.
func (d *Deployer) appliedBySync(ctx context.Context, version string) (Fact, error) {
	f := Fact{Name: Applied, Answer: Unknown, At: d.Now()}
	s, err := d.Sync.Sync(ctx)
	if err != nil {
		f.Evidence = err.Error()
		return f, nil
	}
	f.At = s.At
	if s.Applied == "" {
		f.Answer, f.Evidence = No, s.Name+" has applied nothing yet"
	} else {
		var at gitops.Declared
		if at, err = d.Repo.Declared(ctx, s.Applied, *d.Component.Where); err != nil {
			f.Evidence = fmt.Sprintf("%s applied %s: %v", s.Name, short(s.Applied), err)
			return f, nil
		}
		f.Version, f.Answer = at.Version, No
		if at.Version == version {
			f.Answer = Yes
		}
		f.Evidence = fmt.Sprintf("%s at %s", s.Name, short(s.Applied))
	}
	if s.Attempted != "" && s.Attempted != s.Applied {
		f.Evidence += ", tried " + short(s.Attempted)
	}
	if s.Ready != "" && s.Ready != "True" {
		f.Evidence += ", not ready"
		if s.Why != "" {
			f.Evidence += " (" + s.Why + ")"
		}
	}
	if s.Old {
		f.Evidence += ", a status from before its last change"
	}
	if !s.Suspended {
		return f, nil
	}
	f.Evidence += ", suspended"
	if f.Answer == Yes {
		return f, nil
	}
	ns, name, _ := strings.Cut(s.Name, "/")
	e := &apierr.Error{Op: "deploy " + d.Component.Key, Err: ErrSuspended, Message: fmt.Sprintf("Flux applies nothing: the Kustomization %s is suspended", s.Name)}
	return f, e.WithHint("flux -n %s resume kustomization %s, then: oncall deploy watch --component %s", ns, name, d.Component.Key)
}
