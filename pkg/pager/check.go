package pager

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Reason is why somebody might sleep on.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Codes of Reason.
const (
	NoPhoneOrDevice = "noPhoneOrDevice" // nothing that can ring: no device, no verified number
	NoReachingStep  = "noReachingStep"  // no step whose push, sms or call arrives
	OneChannel      = "oneChannel"      // all that arrives goes one way
	NoCall          = "noCall"          // no step rings a phone
	LateCall        = "lateCall"        // the first call comes after the limit
)

// Verdict answers "could this person be woken?".
type Verdict struct {
	Username  string    `json:"username"`
	Reachable bool      `json:"reachable"`
	Reasons   []Reason  `json:"reasons"` // why not; empty when reachable
	Paging    Paging    `json:"paging"`
	Partial   []Partial `json:"-"`
}

// FirstCall is how soon a phone should ring, by default.
const FirstCall = 10 * time.Minute

// Check judges whether a person could be woken: something that can ring (a device
// or a verified number), a step that reaches it, more than one channel, and a
// first phone call within the limit (0 is FirstCall). The custom policies of the
// person, which hold at certain times, are judged as the primary one is.
func (p *Pager) Check(ctx context.Context, username string, within time.Duration) (Verdict, error) {
	how, err := p.Paging(ctx, username)
	if err != nil {
		return Verdict{Username: username, Reasons: []Reason{}}, err
	}
	if within <= 0 {
		within = FirstCall
	}
	out := Verdict{Username: username, Reasons: judge(how, within), Paging: how, Partial: how.Partial}
	out.Reachable = len(out.Reasons) == 0
	return out, nil
}

func judge(how Paging, within time.Duration) []Reason {
	out := []Reason{}
	if !slices.ContainsFunc(how.Contacts, func(c Contact) bool { return c.Kind != ContactEmail && c.Verified }) {
		text := "no device and no verified phone number"
		if n := slices.IndexFunc(how.Contacts, func(c Contact) bool { return c.Kind == ContactPhone }); n >= 0 {
			text = fmt.Sprintf("no device, and the phone number %q is not verified: it does not ring", how.Contacts[n].Label)
		}
		out = append(out, Reason{NoPhoneOrDevice, text})
	}
	for _, pol := range how.Policies {
		for _, r := range judgePolicy(pol, within) {
			if pol.Name != "primary" || len(how.Policies) > 1 {
				r.Text = fmt.Sprintf("%s (%s policy)", r.Text, pol.Name)
			}
			out = append(out, r)
		}
	}
	return out
}

func judgePolicy(pol PagingPolicy, within time.Duration) []Reason {
	channels := []string{}
	call := time.Duration(-1)
	dead := []string{}
	for _, s := range pol.Steps {
		for _, r := range s.Rules {
			if !r.Reaches {
				if r.Type != ContactEmail {
					dead = append(dead, r.Type)
				}
				continue
			}
			if !slices.Contains(channels, r.Type) {
				channels = append(channels, r.Type)
			}
			if r.Type == ContactPhone && call < 0 {
				call = time.Duration(s.AfterMinutes) * time.Minute
			}
		}
	}
	rings := slices.ContainsFunc(channels, func(c string) bool { return c != ContactEmail })
	if !rings {
		text := "no step pages by push, sms or phone"
		if len(dead) > 0 {
			text = "no step reaches anything that rings: " + and(unique(dead)) + " leads to nothing that is there and verified"
		} else if len(channels) > 0 {
			text = "only email is sent, which wakes nobody"
		}
		return []Reason{{NoReachingStep, text}}
	}
	out := []Reason{}
	if len(channels) == 1 {
		out = append(out, Reason{OneChannel, "everything goes by " + channels[0] + ": one way that fails and nothing arrives"})
	}
	switch {
	case call < 0:
		out = append(out, Reason{NoCall, "no step calls a verified phone: " + strings.Join(channels, ", ") + " only"})
	case call > within:
		out = append(out, Reason{LateCall, fmt.Sprintf("the first call comes after %d min, later than %d min", int(call.Minutes()), int(within.Minutes()))})
	}
	return out
}

// TeamVerdicts are the verdicts on the members of a team.
type TeamVerdicts struct {
	Team     Team
	Verdicts []Verdict // by username; without those in Partial
	Partial  []Partial // members who could not be judged
}

// CheckTeam judges every member of a team, as Check does.
func (p *Pager) CheckTeam(ctx context.Context, team string, within time.Duration) (TeamVerdicts, error) {
	t, err := p.FindTeam(ctx, team)
	if err != nil {
		return TeamVerdicts{Verdicts: []Verdict{}}, err
	}
	members, err := p.Client.TeamMembers(ctx, t.Slug)
	if err != nil {
		return TeamVerdicts{Team: t, Verdicts: []Verdict{}}, err
	}
	out := TeamVerdicts{Team: t, Verdicts: []Verdict{}}
	all := make([]Verdict, len(members))
	errs := make([]error, len(members))
	jobs := make([]func(), len(members))
	for n, m := range members {
		jobs[n] = func() { all[n], errs[n] = p.Check(ctx, m.Username, within) }
	}
	together(jobs...)
	for n, m := range members {
		if errs[n] != nil {
			out.Partial = append(out.Partial, Partial{Source: m.Username, Err: errs[n]})
			continue
		}
		out.Verdicts = append(out.Verdicts, all[n])
		out.Partial = append(out.Partial, all[n].Partial...)
	}
	if len(members) > 0 && len(out.Verdicts) == 0 {
		return out, errs[0]
	}
	slices.SortFunc(out.Verdicts, func(a, b Verdict) int { return strings.Compare(a.Username, b.Username) })
	return out, nil
}
