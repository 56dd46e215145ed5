package publicstatus

import (
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// componentWords are the words that people may type for a component's status,
// the short one of each first.
var componentWords = []struct {
	word   string
	status statuspage.ComponentStatus
}{
	{"operational", statuspage.Operational},
	{"degraded", statuspage.DegradedPerformance},
	{"partial", statuspage.PartialOutage},
	{"major", statuspage.MajorOutage},
	{"maintenance", statuspage.UnderMaintenance},
	{"degraded_performance", statuspage.DegradedPerformance},
	{"partial_outage", statuspage.PartialOutage},
	{"major_outage", statuspage.MajorOutage},
	{"under_maintenance", statuspage.UnderMaintenance},
}

// ComponentWords lists the short words, from best to worst.
func ComponentWords() []string {
	out := []string{}
	for _, w := range componentWords[:5] {
		out = append(out, w.word)
	}
	return out
}

// ParseComponentStatus reads a status word: a short one or the vendor's, in any
// case, with spaces or hyphens for underscores. A word that is none is an
// apierr.ErrUsage which names the nearest.
func ParseComponentStatus(word string) (statuspage.ComponentStatus, error) {
	plain := normal(word)
	all := []string{}
	for _, w := range componentWords {
		if w.word == plain {
			return w.status, nil
		}
		all = append(all, w.word)
	}
	return "", wrongWord("status", word, near(plain, all), ComponentWords())
}

// SayStatus is a component status as people read it: "partial outage".
func SayStatus(s statuspage.ComponentStatus) string {
	switch s {
	case "":
		return "unknown"
	case statuspage.DegradedPerformance:
		return "degraded"
	case statuspage.UnderMaintenance:
		return "maintenance"
	}
	return strings.ReplaceAll(string(s), "_", " ")
}

// SayState is the state of an incident or a maintenance as people read it.
func SayState(s statuspage.IncidentStatus) string {
	if s == "" {
		return "unknown"
	}
	return strings.ReplaceAll(string(s), "_", " ")
}

// ParseIncidentState reads one of the allowed states of an incident.
func ParseIncidentState(word string, allowed ...statuspage.IncidentStatus) (statuspage.IncidentStatus, error) {
	plain := statuspage.IncidentStatus(normal(word))
	if slices.Contains(allowed, plain) {
		return plain, nil
	}
	words := []string{}
	for _, a := range allowed {
		words = append(words, string(a))
	}
	return "", wrongWord("status", word, near(string(plain), words), words)
}

// ParseImpact reads the impact of an incident. That of maintenance is none: the
// page gives it to maintenance by itself.
func ParseImpact(word string) (statuspage.Impact, error) {
	plain := statuspage.Impact(normal(word))
	words := []string{}
	for _, i := range statuspage.Impacts {
		if i == statuspage.ImpactMaintenance {
			continue
		}
		if i == plain {
			return i, nil
		}
		words = append(words, string(i))
	}
	return "", wrongWord("impact", word, near(string(plain), words), words)
}

func normal(word string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(word)))
}

// near is the name that word probably means, "" when none is near.
func near(word string, names []string) string {
	if found := nearest.Of(word, names); len(found) > 0 {
		return found[0]
	}
	return ""
}

func wrongWord(what, word, near string, all []string) error {
	err := usage("%q is no %s; there are %s", word, what, strings.Join(all, ", "))
	if near != "" {
		err = err.WithHint("did you mean %s?", near)
	}
	return err
}
