package pager

import (
	"context"
	"fmt"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Result is what became of one incident in a change.
type Result string

// Results.
const (
	Done    Result = "done"    // the change was made
	Already Result = "already" // there was nothing to change; a success
	Failed  Result = "failed"  // it was not made
	Unknown Result = "unknown" // the answer was lost and a look did not settle it
)

// Outcome is what became of one incident.
type Outcome struct {
	Number  string `json:"number"`
	Title   string `json:"title"` // "" when the incident was not found
	Result  Result `json:"result"`
	Phase   Phase  `json:"phase"`   // as last known; "" when not
	By      string `json:"by"`      // who holds or closed it, when known
	Message string `json:"message"` // one line that adds to Result; "" when there is nothing to add
	Looked  bool   `json:"looked"`  // the answer was lost, and a look decided
	Err     error  `json:"-"`       // why, for Failed and Unknown; nil otherwise
}

// Ack acknowledges incidents that were looked at a moment ago, as User, and returns
// what became of each, in the order given. An acknowledged one is left alone and is
// a success. The request is sent once: when its answer is lost the incidents are
// looked at, and one that the look does not settle is an apierr.ErrUnknownOutcome.
// The error is for a failure before anything was sent or of the whole request.
func (p *Pager) Ack(ctx context.Context, seen []Seen, message string) ([]Outcome, error) {
	return p.act(ctx, seen, message, verb{
		name: "acknowledge", goal: Acknowledged, send: p.Client.Ack,
		reached: func(i Incident) bool { return i.Phase == Acknowledged },
		cannot: func(i Incident) string {
			if i.Phase == Resolved {
				return "it is resolved"
			}
			return ""
		},
	})
}

// Resolve resolves incidents as User; everything that Ack says holds for it.
func (p *Pager) Resolve(ctx context.Context, seen []Seen, message string) ([]Outcome, error) {
	return p.act(ctx, seen, message, verb{
		name: "resolve", goal: Resolved, send: p.Client.Resolve,
		reached: func(i Incident) bool { return i.Phase == Resolved },
		cannot:  func(Incident) string { return "" },
	})
}

// verb is what acknowledging and resolving differ in.
type verb struct {
	name    string
	goal    Phase
	send    func(context.Context, victorops.AckRequest) ([]victorops.AckResult, error)
	reached func(Incident) bool
	cannot  func(Incident) string // why the state does not allow it; "" when it does
}

func (p *Pager) act(ctx context.Context, seen []Seen, message string, v verb) ([]Outcome, error) {
	user, err := p.actor(v.name)
	if err != nil {
		return nil, err
	}
	out := make([]Outcome, len(seen))
	var ask []string
	for n, s := range seen {
		switch {
		case s.Err != nil:
			out[n] = Outcome{Number: s.Number, Result: Failed, Err: s.Err}
		case v.reached(s.Incident):
			out[n] = already(s.Incident, v)
		case v.cannot(s.Incident) != "":
			out[n] = outcome(s.Incident, Failed)
			out[n].Err = apierr.New(apierr.ErrGuard, victorops.Vendor, v.name+" "+s.Number, "%s", v.cannot(s.Incident))
		default:
			out[n] = outcome(s.Incident, Unknown)
			ask = append(ask, s.Number)
		}
	}
	if len(ask) == 0 {
		return out, nil
	}
	results, err := v.send(ctx, victorops.AckRequest{UserName: user, Numbers: ask, Message: message})
	if err != nil && !lost(err) {
		if len(ask) == len(seen) {
			return nil, err
		}
		fail(out, ask, err)
		return out, nil
	}
	// What the answer does not settle is looked at once, together.
	verdicts := map[string]victorops.AckResult{}
	if err == nil {
		for _, r := range results {
			verdicts[string(r.Number)] = r
		}
	}
	var look []string
	for _, number := range ask {
		o := find(out, number)
		if verdicts[number].Accepted {
			o.Result, o.Phase, o.By = Done, v.goal, user
			continue
		}
		look = append(look, number)
	}
	if len(look) == 0 {
		return out, nil
	}
	now := p.lookAfter(ctx, look)
	for _, number := range look {
		o := find(out, number)
		r, answered := verdicts[number]
		p.settle(o, now[number], v, user, err, answered, string(r.Message))
	}
	return out, nil
}

// lookAfter looks at incidents after a change, unless the caller has gone.
func (p *Pager) lookAfter(ctx context.Context, numbers []string) map[string]Seen {
	out := map[string]Seen{}
	if gone(ctx) {
		return out
	}
	seen, err := p.Look(ctx, numbers)
	for _, n := range numbers {
		out[n] = Seen{Number: n, Err: err}
	}
	for _, s := range seen {
		out[s.Number] = s
	}
	return out
}

// settle decides an incident that the answer did not: it was refused, left out,
// or the answer was lost. The incident was not in the wanted state before.
func (p *Pager) settle(o *Outcome, s Seen, v verb, user string, lostErr error, answered bool, said string) {
	op := v.name + " " + o.Number
	looked, before := s.Number != "" && s.Err == nil, o.Phase
	if looked {
		o.Phase, o.By = s.Incident.Phase, holder(s.Incident)
	}
	switch {
	case looked && v.reached(s.Incident):
		*o = already(s.Incident, v)
		if answered {
			return // refused: it was somebody else, or at another time
		}
		o.Looked = true
		if (self{names: []string{user}}).is(o.By) {
			o.Result, o.Message = Done, ""
		}
	case answered:
		o.Result = Failed
		if said == "" {
			said = "refused"
			if looked {
				said = fmt.Sprintf("refused; it is %s", s.Incident.Phase)
			}
		}
		o.Err = apierr.New(apierr.ErrInvalid, victorops.Vendor, op, "%s", said)
	default:
		o.Result, o.Looked = Unknown, looked
		msg := cannotTell(lostErr)
		switch {
		case lostErr == nil || !looked:
		case o.Phase == before:
			msg += fmt.Sprintf(", and the incident is still %s", o.Phase)
		default:
			msg += fmt.Sprintf(", and the incident is %s now", o.Phase)
		}
		o.Err = &apierr.Error{Vendor: victorops.Vendor, Op: op, Message: msg, Kind: []error{apierr.ErrUnknownOutcome},
			Hint: "oncall incident get " + o.Number, Err: lostErr}
	}
}

// cannotTell says why nobody knows what became of an incident: the answer was lost,
// or, without an error, left it out.
func cannotTell(lostErr error) string {
	if lostErr == nil {
		return "cannot tell: the answer does not mention it"
	}
	return "cannot tell whether it arrived: the answer was lost"
}

func outcome(i Incident, r Result) Outcome {
	return Outcome{Number: i.Number, Title: i.Title, Result: r, Phase: i.Phase, By: holder(i)}
}

func already(i Incident, v verb) Outcome {
	o := outcome(i, Already)
	o.Message = "already " + string(v.goal)
	if o.By != "" {
		o.Message += " by " + o.By
	}
	return o
}

// holder is who acknowledged an incident or, when it is over, who resolved it.
func holder(i Incident) string {
	if i.Phase != Resolved {
		return i.AckedBy
	}
	by, _ := last(i.raw, Resolved)
	return by
}

func find(out []Outcome, number string) *Outcome {
	for n := range out {
		if out[n].Number == number {
			return &out[n]
		}
	}
	return &Outcome{}
}

func fail(out []Outcome, numbers []string, err error) {
	for _, n := range numbers {
		o := find(out, n)
		o.Result, o.Err = Failed, err
	}
}
