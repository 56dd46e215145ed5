package cli

import (
	"time"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/pager"
)

// WarnOfClock says when the clock of this machine makes every age, and every time
// that counts from now, wrong. Ask it when p has answered.
func (f *Factory) WarnOfClock(p *pager.Pager, all ...pager.Incident) {
	off, side := p.ClockOff(all...), "ahead of"
	switch {
	case off == 0:
		return
	case off < 0:
		side = "behind"
	}
	f.IO.Warn("this machine's clock is at least %s %s the pager's: ages, --since and times to come are wrong by that",
		ios.AgeLong(off.Abs().Truncate(time.Minute)), side)
}
