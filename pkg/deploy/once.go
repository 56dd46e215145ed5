package deploy

import (
	"context"
	"sync"

	"github.com/balena-io/oncall/pkg/jenkins"
)

// Once is a controller for one look at many components: each job is read one time,
// whatever number of them it deploys. Nothing that waits or acts may use it.
func Once(j Jenkins) Jenkins {
	return &once{Jenkins: j, jobs: map[string]func() (jenkins.Job, error){}, seen: map[string]func() (jenkins.Activity, error){}}
}

type once struct {
	Jenkins
	mu   sync.Mutex
	jobs map[string]func() (jenkins.Job, error)
	seen map[string]func() (jenkins.Activity, error)
}

func (o *once) Job(ctx context.Context, name jenkins.JobName) (jenkins.Job, error) {
	return the(o, o.jobs, name, func() (jenkins.Job, error) { return o.Jenkins.Job(ctx, name) })()
}

func (o *once) Activity(ctx context.Context, name jenkins.JobName, builds int) (jenkins.Activity, error) {
	return the(o, o.seen, name, func() (jenkins.Activity, error) { return o.Jenkins.Activity(ctx, name, builds) })()
}

// the is the one read of a job among all.
func the[T any](o *once, all map[string]func() (T, error), name jenkins.JobName, read func() (T, error)) func() (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if all[name.String()] == nil {
		all[name.String()] = sync.OnceValues(read)
	}
	return all[name.String()]
}
