package balena

import (
	"context"
)

// Device is one machine of a fleet.
type Device struct {
	ID            int64  `json:"id"`
	UUID          string `json:"uuid"`
	Name          string `json:"device_name"`
	Status        string `json:"status"`
	OverallStatus string `json:"overall_status"`   // v7's words: operational, updating, disconnected, ... (note 6)
	Progress      *int   `json:"overall_progress"` // per cent of an update; nil when there is none
	Online        bool   `json:"is_online"`
	VPN           bool   `json:"is_connected_to_vpn"` // a shell needs it; Online does not promise one
	Heartbeat     string `json:"api_heartbeat_state"` // online, offline, timeout, unknown
	LastSeen      Time   `json:"last_connectivity_event"`
	OSVersion     string `json:"os_version"`
	Supervisor    string `json:"supervisor_version"`
	Running       Ref    `json:"is_running__release"`
	// ShouldBe is the device's own pin, else the fleet's target (v7, note 6).
	ShouldBe Ref `json:"should_be_running__release"`
	PinnedTo Ref `json:"is_pinned_on__release"` // the device's own pin, zero: none
}

const (
	deviceFields = "id,uuid,device_name,status,overall_status,overall_progress,is_online,is_connected_to_vpn,api_heartbeat_state,last_connectivity_event,os_version,supervisor_version"
	deviceLinks  = "is_running__release($select=id,commit,raw_version),should_be_running__release($select=id,raw_version),is_pinned_on__release($select=id,raw_version)"
)

// Devices lists a fleet's devices by name.
func (c *Client) Devices(ctx context.Context, f Fleet) ([]Device, error) {
	op := "list devices of " + f.Slug
	if err := checkID(op, f.ID); err != nil {
		return nil, err
	}
	return list[Device](ctx, c, op, "device", query{
		fields: deviceFields, expand: deviceLinks,
		filter: "belongs_to__application eq " + number(f.ID), order: "device_name asc",
	})
}

// Step is how far a device is on its way to the fleet's target.
type Step string

// Steps of a device (note 6).
const (
	Done     Step = "done"     // runs the target
	Updating Step = "updating" // online, does not run it yet
	Waiting  Step = "waiting"  // offline: it follows when it is back
	Apart    Step = "apart"    // pinned by itself, so the fleet's target is not meant for it
)

// Toward says how far the device is on its way to release target.
func (d Device) Toward(target int64) Step {
	switch {
	case !d.PinnedTo.IsZero():
		return Apart
	case d.Running.ID == target && target != 0:
		return Done
	case d.Online:
		return Updating
	}
	return Waiting
}

// Rollout counts the devices of a fleet by how far they are.
type Rollout struct {
	Done, Updating, Waiting, Apart int
}

// RolloutOf counts devices on their way to release target.
func RolloutOf(devices []Device, target int64) Rollout {
	out := Rollout{}
	for _, d := range devices {
		switch d.Toward(target) {
		case Done:
			out.Done++
		case Updating:
			out.Updating++
		case Waiting:
			out.Waiting++
		case Apart:
			out.Apart++
		}
	}
	return out
}
