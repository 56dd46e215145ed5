package statuspage

import (
	"time"

	"github.com/balena-io/oncall/pkg/httpx"
)

// Limits are what the vendor allows one key: 60 requests in any 60 s (contract
// note, section 1). Ten may go at once, the rest a second apart, and two of each
// are kept so that a change never waits behind polls.
func Limits() []httpx.Limit {
	return []httpx.Limit{{N: 60, Per: time.Minute, Burst: 10, Reserve: 2}}
}
