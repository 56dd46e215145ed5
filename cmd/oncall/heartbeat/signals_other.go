//go:build !unix

package heartbeat

import "os"

// passedOn is empty where there are no such signals.
func passedOn() []os.Signal { return nil }
