package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
)

// fleetFacts are the first three facts about a version of a fleet. Declared is
// the fleet's target, applied that its devices were told, running what they say.
func (d *Deployer) fleetFacts(s *FleetSight, version string) []Fact {
	now := d.Now()
	declared := Fact{Name: Declared, Answer: No, Version: s.Version(), Evidence: "the fleet is " + s.Words(), At: now}
	if s.Version() == version {
		declared.Answer = Yes
	}
	applied := Fact{Name: Applied, Answer: Unknown, At: now}
	running := Fact{Name: Running, Answer: Unknown, At: now}
	if s.DevicesErr != nil {
		applied.Evidence, running.Evidence = s.DevicesErr.Error(), s.DevicesErr.Error()
		return []Fact{declared, applied, running}
	}
	told, online, here, offline, apart := 0, 0, 0, 0, 0
	versions := map[string]int{}
	for _, x := range s.Devices {
		switch {
		case !x.PinnedTo.IsZero():
			apart++
		case !x.Online:
			offline++
		default:
			online++
			versions[x.Running.String()]++
			if x.ShouldBe.String() == version {
				told++
			}
			if x.Running.String() == version {
				here++
			}
		}
	}
	rest := ""
	if offline > 0 {
		rest += fmt.Sprintf("; %d offline", offline)
	}
	if apart > 0 {
		rest += fmt.Sprintf("; %d pinned by itself", apart)
		if apart > 1 {
			rest = strings.TrimSuffix(rest, "itself") + "themselves"
		}
	}
	if online == 0 {
		applied.Evidence, running.Evidence = "no device is online"+rest, "no device is online"+rest
		return []Fact{declared, applied, running}
	}
	applied.Answer, applied.Evidence = yesIf(told == online), fmt.Sprintf("%d of %d online devices are to run %s", told, online, version)
	running.Answer, running.Evidence = yesIf(here == online), fmt.Sprintf("%s in %d of %d online%s", version, here, online, rest)
	if running.Answer == Yes {
		running.Version = version
	} else if most := mostOf(versions); most == version {
		running.Version = most
	} else {
		running.Version = most
		running.Evidence = fmt.Sprintf("%s in %d of %d online, %s", most, versions[most], online, running.Evidence)
	}
	if applied.Answer == Yes {
		applied.Version = version
	}
	return []Fact{declared, applied, running}
}

func yesIf(b bool) Answer {
	if b {
		return Yes
	}
	return No
}

// mostOf is the version that most devices run.
func mostOf(versions map[string]int) string {
	out := ""
	for v, n := range versions {
		if out == "" || n > versions[out] || n == versions[out] && v < out {
			out = v
		}
	}
	return out
}

// settleFleet waits as Settle does. Devices that are offline are not waited for.
func (d *Deployer) settleFleet(ctx context.Context, version string, tell func(Event)) ([]Fact, error) {
	facts := []Fact{{Name: Declared, Answer: Unknown}, {Name: Applied, Answer: Unknown}, {Name: Running, Answer: Unknown}, {Name: Verified, Answer: Unknown}}
	for i := range 3 {
		err := d.until(ctx, &facts[i], tell, func() (Fact, bool, error) {
			s, err := d.lookFleet(ctx)
			if err != nil {
				return Fact{Name: facts[i].Name, Answer: Unknown, Evidence: err.Error(), At: d.Now()}, false, nil
			}
			now := d.fleetFacts(s.Fleet, version)
			if now[0].Answer == No {
				return now[0], true, &apierr.Error{Op: "deploy " + d.Component.Key, Kind: []error{apierr.ErrConflict}, Err: errMoved,
					Message: fmt.Sprintf("the fleet was sent to %s meanwhile; %s is no longer waited for", orText(now[0].Version, "no release"), version)}
			}
			// Nobody online answers anything: waiting would not end.
			return now[i], i > 0 && now[i].Answer == Unknown && s.Fleet.DevicesErr == nil, nil
		})
		if err != nil {
			return facts, err
		}
	}
	return facts, d.verify(ctx, &facts[3], tell)
}
