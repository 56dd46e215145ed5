package simulator

import (
	"fmt"
	"net/http"
	"reflect"
	"time"
)

// services is the one table of what the world contains. Each vendor's entry is
// written beside its handlers; the order is that of Env.
func services() []service {
	return []service{
		victoropsService(),
		statuspageService(),
		chatService(),
		prometheusService(),
		lokiService(),
		grafanaService(),
		jenkinsService(),
		healthchecksService(),
		nodepingService(),
		balenaService(),
		registryService(),
	}
}

// mount makes the handler of one first path segment. The handler sees paths
// without that segment.
type mount func(*World) http.Handler

// service is one vendor's part of the world.
type service struct {
	name   string           // key of its section in the state, and Fault.Service
	state  section          // made by stateOf
	mounts map[string]mount // first path segment -> handler
	// env returns the lines NAME=value that point oncall at this service under
	// base, the world's root without a slash at the end.
	env    func(base string) []string
	limits []limit
}

// section makes, seeds and advances one vendor's part of the state.
type section struct {
	of      reflect.Type // *T
	empty   func() any
	seed    func(*State, any)
	advance func(*State, any, time.Time)
}

// stateOf makes the section of type T. advance may be nil for a service that
// does not move by itself. It changes the section and nothing else: it runs when
// the section is used, which may be long after the facts.
func stateOf[T any](seed func(*State, *T), advance func(*State, *T, time.Time)) section {
	return section{
		of:    reflect.TypeFor[*T](),
		empty: func() any { return new(T) },
		seed:  func(s *State, v any) { seed(s, v.(*T)) },
		advance: func(s *State, v any, now time.Time) {
			if advance != nil {
				advance(s, v.(*T), now)
			}
		},
	}
}

// part returns the section of type T, brought up to s.Now. It panics when no
// service in the table has that type, which is a mistake in the program.
func part[T any](s *State) *T {
	for _, svc := range s.table {
		if svc.state.of == reflect.TypeFor[*T]() {
			return s.section(svc).(*T)
		}
	}
	panic(fmt.Sprintf("simulator: no service has the state %v", reflect.TypeFor[T]()))
}
