package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/balena-io/oncall/pkg/atomicfile"
	"github.com/balena-io/oncall/pkg/jenkins"
)

// cacheForm is the form of a cached report. It is raised when the recognisers
// learn something, so that older answers are read again.
const cacheForm = 2

// Cache remembers reports of finished builds in a folder: a finished log never
// changes. It is only ever an aid: what cannot be read is not there, and what
// cannot be written is told once to Warn. A nil Cache remembers nothing.
type Cache struct {
	// Dir is made when first needed. Files in it are private to the user.
	Dir string
	// Controller tells one Jenkins from another: its base URL.
	Controller string
	// Warn is told of the first failure to write; may be nil.
	Warn func(error)
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	once sync.Once
}

type cached struct {
	Form   int       `json:"form"`
	Job    string    `json:"job"`
	Number int       `json:"number"`
	Queued time.Time `json:"queuedAt"` // a job that is made anew counts from 1 again
	Result string    `json:"result"`
	Whole  bool      `json:"whole"` // with the structured reports
	Report *Report   `json:"report"`
}

func (c *Cache) file(b jenkins.Build) string {
	sum := sha256.Sum256([]byte(c.Controller + "\x00" + b.Job.String()))
	return filepath.Join(c.Dir, hex.EncodeToString(sum[:8]), strconv.Itoa(b.Number)+".json")
}

// get returns what is known of b, nil when that is nothing. whole asks for a
// report that the structured sources went into.
func (c *Cache) get(b jenkins.Build, whole bool) *Report {
	if c == nil || c.Dir == "" || !b.Finished() {
		return nil
	}
	data, err := os.ReadFile(c.file(b))
	if err != nil {
		return nil
	}
	var e cached
	if json.Unmarshal(data, &e) != nil || e.Form != cacheForm || e.Job != b.Job.String() || e.Number != b.Number ||
		!e.Queued.Equal(b.Queued) || e.Result != string(b.Result) || e.Report == nil || whole && !e.Whole {
		return nil
	}
	return e.Report
}

func (c *Cache) put(b jenkins.Build, r *Report, whole bool) {
	if c == nil || c.Dir == "" || !b.Finished() || !c.settled(b, r) {
		return
	}
	if err := c.write(b, cached{cacheForm, b.Job.String(), b.Number, b.Queued, string(b.Result), whole, r}); err != nil && c.Warn != nil {
		c.once.Do(func() { c.Warn(err) })
	}
}

// settling is how long a console may still get lines after its build's record
// says that it ended: older controllers finish the record first.
const settling = 10 * time.Minute

// settled reports that a console is at its end: it has Jenkins' last line, or
// nothing will come any more.
func (c *Cache) settled(b jenkins.Build, r *Report) bool {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	return r.Result != "" || now().Sub(b.Queued.Add(b.Duration())) > settling
}

func (c *Cache) write(b jenkins.Build, e cached) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	file := c.file(b)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(file, data, 0o600)
}
