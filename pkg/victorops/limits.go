package victorops

import (
	"time"

	"github.com/balena-io/oncall/pkg/httpx"
)

// Limits are what the vendor allows one credential: two requests in any second
// for nearly everything (note 2, the vendor's file of May 2021).
func Limits() []httpx.Limit { return []httpx.Limit{{N: 2, Per: time.Second}} }
