package pager

import (
	"context"
	"slices"
	"time"

	"github.com/balena-io/oncall/pkg/victorops"
)

// next works out who is paged next, from the first paged policy that has a step
// to come. It is nil when somebody holds the incident, when the last step has
// been reached, or when a reroute has made the policy's clock unknowable.
func (p *Pager) next(ctx context.Context, i Incident) (*Next, error) {
	start, ok := triggeredAt(i)
	if !ok || i.Phase != Triggered {
		return nil, nil
	}
	for _, ref := range i.raw.PagedPolicies {
		policy, err := p.Client.Policy(ctx, ref.Policy.Slug)
		if err != nil {
			return nil, err
		}
		at := start
		for n, s := range policy.Steps {
			// A step's timeout counts from the step before (note 7).
			at = at.Add(time.Duration(s.Timeout) * time.Minute)
			if n == 0 || !at.After(p.now()) {
				continue
			}
			who, err := p.stepWho(ctx, ref, n, s)
			return &Next{Policy: string(policy.Name), Step: n + 1, Who: who, At: at.UTC()}, err
		}
	}
	return nil, nil
}

// triggeredAt is when paging began: the latest transition into triggered, or the
// start. A reroute after it pages others from their own beginning: not ok.
func triggeredAt(i Incident) (time.Time, bool) {
	at := i.StartedAt
	for _, t := range i.raw.Transitions {
		if step(t.Name) == Triggered && t.At.After(at) {
			at = t.At.Time
		}
	}
	rerouted := slices.ContainsFunc(i.raw.Transitions, func(t victorops.Transition) bool {
		_, is := cutPrefixFold(t.Name, "rerout")
		return is && !t.At.Before(at)
	})
	return at, !at.IsZero() && !rerouted
}

// stepWho names whom a step of a policy pages. A rotation is looked up in the
// team's schedule for that step; one that lies beyond the API's reach, or that
// cannot be read, is named by its label.
func (p *Pager) stepWho(ctx context.Context, ref victorops.PolicyRef, n int, s victorops.PolicyStep) ([]string, error) {
	who := []string{}
	var failed error
	for _, e := range s.Entries {
		switch {
		case e.User.Username != "":
			who = append(who, e.User.Username)
		case e.Rotation.Slug != "" || e.Rotation.Label != "":
			users := []string{}
			if n <= victorops.MaxStep && ref.Team.Slug != "" {
				var err error
				if users, err = p.onDuty(ctx, ref, n); err != nil {
					failed = err
				}
			}
			if len(users) == 0 {
				users = append(users, "rotation "+string(e.Rotation.Label))
			}
			who = append(who, users...)
		case e.Email.Address != "":
			who = append(who, e.Email.Address)
		case e.TargetPolicy.Slug != "":
			who = append(who, "policy "+p.policyName(ctx, e.TargetPolicy.Slug))
		case e.Webhook.Label != "" || e.Webhook.Slug != "":
			who = append(who, "webhook "+string(e.Webhook.Label))
		default:
			who = append(who, string(e.Type))
		}
	}
	return unique(who), failed
}

// onDuty are the people on call for one step of a policy now.
func (p *Pager) onDuty(ctx context.Context, ref victorops.PolicyRef, n int) ([]string, error) {
	plan, err := p.Client.TeamSchedule(ctx, ref.Team.Slug, victorops.ScheduleQuery{DaysForward: 1, Step: n})
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, s := range plan.Schedules {
		if s.Policy.Slug != ref.Policy.Slug {
			continue
		}
		for _, e := range s.Schedule {
			if u := effective(e); u != "" {
				out = append(out, u)
			}
		}
	}
	return out, nil
}

// effective is who stands on duty in an entry: the override first, then the
// person planned, then nobody (note 5).
func effective(e victorops.ScheduleEntry) string {
	if e.Override.Username != "" {
		return e.Override.Username
	}
	return e.OnCall.Username
}

func (p *Pager) policyName(ctx context.Context, slug string) string {
	all, err := p.allPolicies(ctx)
	if err != nil {
		return slug
	}
	for _, r := range all {
		if r.Policy.Slug == slug {
			return string(r.Policy.Name)
		}
	}
	return slug
}
