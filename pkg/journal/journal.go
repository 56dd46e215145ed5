// Package journal is the record of every change that oncall made: a file of
// JSON lines, append-only, one line of intent before a change is sent and one
// of outcome after. An intent without an outcome is a command that died.
//
// The record is a help, never a condition: whoever appends prints a failure as
// a warning and goes on.
package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Phase tells the two lines of a change apart.
type Phase string

// The phases.
const (
	Intent  Phase = "intent"
	Outcome Phase = "outcome"
	// Note is a line that a person wrote: a remark, not a change.
	Note Phase = "note"
)

// Entry is one line.
type Entry struct {
	ID       string    `json:"id"` // the same for an intent and its outcome
	Time     time.Time `json:"time"`
	Phase    Phase     `json:"phase"`
	Context  string    `json:"context"`
	User     string    `json:"user,omitempty"`
	Verb     string    `json:"verb"` // what is done: "acknowledge"
	Kind     string    `json:"kind"` // to what: "incident"
	Targets  []string  `json:"targets,omitempty"`
	Effects  []string  `json:"effects,omitempty"` // the plan in words, on an intent
	Incident string    `json:"incident,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Results  []Result  `json:"results,omitempty"` // on an outcome
	Error    string    `json:"error,omitempty"`   // masked, when the change failed as a whole
	Text     string    `json:"text,omitempty"`    // on a note
	// Until is when the change lapses (a snooze, a pause, a mute); nil for one that stays.
	Until *time.Time `json:"until,omitempty"`
}

// Result is what became of one target.
type Result struct {
	Target  string `json:"target"`
	State   string `json:"state"` // done, unchanged, failed, unknown or not-sent
	Changed bool   `json:"changed"`
	Message string `json:"message,omitempty"` // in words: "acknowledged (as you, 03:18:30 EET)", or why it failed
}

// Journal is a file of entries. It is safe for use by several processes.
type Journal struct{ path string }

// Open names the file. It opens and creates nothing.
func Open(path string) *Journal { return &Journal{path: path} }

// Append writes one entry and makes sure that it is on disk before it returns:
// the intent must outlive the process that acts on it.
func (j *Journal) Append(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	lock := flock.New(j.path + ".lock")
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	f, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	if torn(f) {
		line = append([]byte{'\n'}, line...)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// torn reports whether the file ends in the middle of a line: a process was
// killed, or the disk was full, while it wrote.
func torn(f *os.File) bool {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, end-1)
	return err == nil && last[0] != '\n'
}

// All reads the entries in the order in which they were written. A line that
// cannot be read (torn by a crash) is passed over; a file that is not there has
// no entries.
func (j *Journal) All() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f, err := os.Open(j.path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(Entry{}, fmt.Errorf("journal: %w", err))
			return
		}
		defer f.Close()
		r := bufio.NewReader(f)
		for {
			line, err := r.ReadBytes('\n')
			var e Entry
			if len(line) > 0 && json.Unmarshal(line, &e) == nil && !yield(e, nil) {
				return
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Entry{}, fmt.Errorf("journal: %w", err))
				return
			}
		}
	}
}
