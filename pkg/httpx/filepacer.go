package httpx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/balena-io/oncall/pkg/secret"
)

// NewFilePacer paces the requests of all processes that use the same dir and
// key, through a small file under a lock. The folder is made when needed. When
// the file cannot be used (full disk, read-only container, a file system
// without locks) pacing goes on in this process alone and warn, which may be
// nil, is told the cause once. No request is ever stopped by it.
//
// Processes on one machine share a wall clock; one that is set back costs at
// most one window, and a file with other contents counts as empty.
func NewFilePacer(dir, key string, warn func(error), limits ...Limit) *LimitPacer {
	p := NewPacer(limits...)
	p.store = &fileStore{path: filepath.Join(dir, fileName(key)), warn: warn}
	return p
}

// PacerKey names the file of a vendor's account: limits are per credential, so
// contexts with the same one share a file. The name tells nothing of it.
func PacerKey(vendor string, credential secret.String) string {
	if credential.IsZero() {
		return vendor
	}
	sum := sha256.Sum256([]byte("oncall pacing\x00" + vendor + "\x00" + credential.Reveal()))
	return vendor + "-" + hex.EncodeToString(sum[:4])
}

func fileName(key string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_' {
			return r
		}
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return '_'
	}, key) + ".pace"
}

const (
	// lockWait is how long the lock of another process is waited for. One is held
	// for well under a millisecond, unless its process was stopped.
	lockWait = time.Second
	lockPoll = 2 * time.Millisecond
	// maxPaceFile and maxSlots bound what is believed; a log is some kilobytes.
	maxPaceFile = 1 << 20
	maxSlots    = 1000
)

// fileStore is the log of several processes. memory follows the file, so that
// nothing is forgotten when the file fails.
type fileStore struct {
	path string
	warn func(error)

	mu     sync.Mutex
	memory memoryStore
	broken bool
}

// paceFile is the file's content.
type paceFile struct {
	Version int    `json:"version"`
	Slots   []slot `json:"slots"`
}

func (s *fileStore) update(ctx context.Context, f func([]slot) []slot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.broken {
		err := s.updateFile(f)
		if err == nil {
			return nil
		}
		s.broken = true
		if s.warn != nil {
			s.warn(err)
		}
		// f may have run; it names its slot by id, so that running again is the same.
	}
	return s.memory.update(ctx, f)
}

func (s *fileStore) updateFile(f func([]slot) []slot) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	lock := flock.New(s.path+".lock", flock.SetPermissions(0o600))
	// The wait has a limit of its own: a caller that gives up still notes what it sent.
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	if ok, err := lock.TryLockContext(ctx, lockPoll); err != nil || !ok {
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("%s is locked by another process", lock.Path())
		}
		return err
	}
	defer func() { _ = lock.Close() }()

	// Written in place: a new file, or one cut to nothing first, costs ten times
	// as much on common file systems. A torn write reads as empty.
	file, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxPaceFile))
	if err != nil {
		return err
	}
	log := parsePaceFile(data)
	next := f(log)
	if next == nil {
		s.memory.log = log
		return nil
	}
	s.memory.log = next
	text, err := json.Marshal(paceFile{Version: 1, Slots: next})
	if err != nil {
		return err
	}
	if _, err := file.WriteAt(text, 0); err != nil {
		return err
	}
	if len(text) < len(data) {
		return file.Truncate(int64(len(text)))
	}
	return nil
}

// parsePaceFile returns the log; what is not one counts as empty.
func parsePaceFile(data []byte) []slot {
	var f paceFile
	if json.Unmarshal(data, &f) != nil || f.Version != 1 || len(f.Slots) > maxSlots {
		return nil
	}
	return f.Slots
}
