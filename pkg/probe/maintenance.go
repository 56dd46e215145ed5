package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nodeping"
)

// Maintenance is a window in which checks are switched off.
type Maintenance struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	State    string     `json:"state"` // running, planned, off
	StartsAt *time.Time `json:"startsAt"`
	Seconds  float64    `json:"seconds"`
	Cron     string     `json:"cron"`     // "" for one that happens once
	Probes   []string   `json:"probes"`   // labels; an id where the label is not known
	ProbeIDs []string   `json:"probeIds"` //
}

// Length is a number of seconds in words.
func Length(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Minute)
	if d < time.Hour {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dh %dm", d/time.Hour, d%time.Hour/time.Minute)
}

func maintenanceOf(v nodeping.Maintenance, labels map[string]string) Maintenance {
	m := Maintenance{ID: v.ID, Name: v.Name, State: "planned", Seconds: v.Duration.Seconds(), Cron: v.Cron, Probes: []string{}, ProbeIDs: v.Checks}
	switch {
	case v.Running:
		m.State = "running"
	case !v.Enabled:
		m.State = "off"
	}
	if !v.NextRun.IsZero() {
		m.StartsAt = &v.NextRun.Time
	}
	for _, id := range v.Checks {
		label := labels[id]
		if label == "" {
			label = id
		}
		m.Probes = append(m.Probes, label)
	}
	return m
}

// Maintenances lists the windows there are, the next one first.
func (d *Desk) Maintenances(ctx context.Context) ([]Maintenance, error) {
	raw, err := d.Client.Maintenances(ctx)
	if err != nil {
		return nil, err
	}
	labels := map[string]string{}
	if all, err := d.List(ctx, Filter{}); err == nil { // names are for show
		for _, c := range all {
			labels[c.ID] = c.Label()
		}
	}
	out := []Maintenance{}
	for _, v := range raw {
		out = append(out, maintenanceOf(v, labels))
	}
	return out, nil
}

// StartMaintenance switches checks off from now. It is sent once; after a lost
// answer a window of this name that was not there before is looked for.
func (d *Desk) StartMaintenance(ctx context.Context, name string, checks []Check, length time.Duration) (m Maintenance, looked bool, err error) {
	return d.newMaintenance(ctx, "start maintenance", name, checks, func(ids []string) (nodeping.Maintenance, error) {
		return d.Client.StartMaintenance(ctx, name, ids, length)
	})
}

// RepeatMaintenance plans to switch checks off at every slot of a cron expression.
// It is sent once, as StartMaintenance is.
func (d *Desk) RepeatMaintenance(ctx context.Context, name, cron string, checks []Check, length time.Duration) (m Maintenance, looked bool, err error) {
	return d.newMaintenance(ctx, "plan maintenance", name, checks, func(ids []string) (nodeping.Maintenance, error) {
		return d.Client.RepeatMaintenance(ctx, name, cron, ids, length)
	})
}

func (d *Desk) newMaintenance(ctx context.Context, op, name string, checks []Check, send func(ids []string) (nodeping.Maintenance, error)) (m Maintenance, looked bool, err error) {
	before, err := d.Client.Maintenances(ctx)
	if err != nil {
		return m, false, err
	}
	known, labels, ids := map[string]bool{}, map[string]string{}, []string{}
	for _, v := range before {
		known[v.ID] = true
	}
	for _, c := range checks {
		ids, labels[c.ID] = append(ids, c.ID), c.Label()
	}
	v, err := send(ids)
	if err == nil && v.ID != "" {
		return maintenanceOf(v, labels), false, nil
	}
	lost := errors.Is(err, apierr.ErrUnknownOutcome)
	if err != nil && !lost {
		return m, false, err
	}
	after, lerr := d.Client.Maintenances(ctx)
	for _, v := range after {
		if !known[v.ID] && v.Name == name {
			return maintenanceOf(v, labels), lost, nil
		}
	}
	text := "cannot tell whether it arrived: the answer was lost, and no such maintenance is listed"
	if lerr != nil {
		text = "cannot tell whether it arrived: the answer was lost, and a look failed too"
	}
	return m, false, &apierr.Error{Vendor: nodeping.Vendor, Op: op, Message: text, Kind: []error{apierr.ErrUnknownOutcome},
		Hint: "oncall probe maintenance list", Err: err}
}

// EndMaintenance deletes a window. changed is false when somebody else has ended it,
// or its time. After a lost answer it looks whether it is gone, which looked tells.
func (d *Desk) EndMaintenance(ctx context.Context, id string) (changed, looked bool, err error) {
	err = d.Client.EndMaintenance(ctx, id)
	lost := errors.Is(err, apierr.ErrUnknownOutcome)
	if err == nil || !lost && !errors.Is(err, apierr.ErrNotFound) {
		return err == nil, false, err
	}
	after, lerr := d.Client.Maintenances(ctx)
	if lerr != nil {
		return false, false, err
	}
	if !slices.ContainsFunc(after, func(v nodeping.Maintenance) bool { return v.ID == id }) {
		return lost, lost, nil
	}
	if lost {
		err = &apierr.Error{Vendor: nodeping.Vendor, Op: "end maintenance " + id, Kind: []error{apierr.ErrUnknownOutcome}, Err: err,
			Message: "cannot tell whether it arrived: the answer was lost, and the maintenance is still there", Hint: "oncall probe maintenance list"}
	}
	return false, false, err
}
