package config

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"go.yaml.in/yaml/v3"
)

// Modes of what oncall writes: for its owner alone.
const (
	folderMode = 0o700
	fileMode   = 0o600
)

// lockWait bounds the wait for another oncall that changes the same file.
const lockWait = 5 * time.Second

// Edit changes a config file: under a lock, keeping its comments and layout,
// replacing it in one step with mode 0600. A file that is not there yet starts
// empty. When the result would not load, or change fails, nothing is written.
func Edit(ctx context.Context, path string, change func(*Draft) error) error {
	return locked(ctx, path, func(target string) error {
		data, err := readFile(target)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unreadable("config file", err)
		}
		d, err := NewDraft(path, data)
		if err != nil {
			return err
		}
		if err := change(d); err != nil {
			return err
		}
		if _, err := parseConfig(path, d.text); err != nil {
			return err
		}
		return replace(target, d.text)
	})
}

// Create writes a whole config file. With keep, an existing one is an error
// that Is fs.ErrExist; without, it is kept beside the new one as NAME.bak.
func Create(ctx context.Context, path string, text []byte, keep bool) error {
	if _, err := parseConfig(path, text); err != nil {
		return err
	}
	return locked(ctx, path, func(target string) error {
		old, err := readFile(target)
		switch {
		case err == nil && keep:
			return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
		case err == nil:
			if err := replace(target+".bak", old); err != nil {
				return err
			}
		case !errors.Is(err, fs.ErrNotExist):
			return unreadable("config file", err)
		}
		return replace(target, text)
	})
}

// OnlyChooses reports whether the file at path holds nothing but the choice of a
// context, as `config use-context demo` leaves it on a new machine.
func OnlyChooses(path string) bool {
	text, err := readFile(path)
	if err != nil {
		return false
	}
	keys := map[string]any{}
	if yaml.Unmarshal(text, &keys) != nil {
		return false
	}
	delete(keys, "current-context")
	return len(keys) == 0
}

// locked calls do with the file that path leads to (a link in a home folder is
// kept) while no other oncall writes it.
func locked(ctx context.Context, path string, do func(target string) error) error {
	if path == "" {
		return usage("there is no place for a config file: neither a home folder nor ONCALL_CONFIG")
	}
	target := realPath(path)
	dir := filepath.Dir(target)
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return unwritable(err)
	}
	lock := flock.New(filepath.Join(dir, "."+filepath.Base(target)+".lock"), flock.SetPermissions(fileMode))
	wait, stop := context.WithTimeout(ctx, lockWait)
	defer stop()
	got, err := lock.TryLockContext(wait, 20*time.Millisecond)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case wait.Err() != nil && !got:
		return unwritable(errors.New("another oncall is changing " + path))
	case err != nil:
		return unwritable(err)
	}
	defer lock.Unlock()
	return do(target)
}

func unwritable(err error) error {
	e := usage("config file cannot be written: %v", err)
	e.Err = err
	return e
}

// StoreSecret writes a secret to a 0600 file in oncall's own secrets folder and
// returns its path.
func (p Paths) StoreSecret(contextName, key, text string) (string, error) {
	path := p.SecretFile(contextName, key)
	if path == "" {
		return "", usage("there is no place for a secret file: no home folder")
	}
	if err := os.MkdirAll(p.Secrets, folderMode); err != nil {
		return "", unwritable(err)
	}
	// A folder that was made by somebody else may be open to others.
	if err := os.Chmod(p.Secrets, folderMode); err != nil {
		return "", unwritable(err)
	}
	return path, replace(path, []byte(text+"\n"))
}

// SecretFile is where StoreSecret puts a secret; "" when there is no home folder.
func (p Paths) SecretFile(contextName, key string) string {
	if p.Secrets == "" {
		return ""
	}
	return filepath.Join(p.Secrets, fileName(contextName)+"."+key)
}

// KeyringName is the entry under which `auth login` keeps a secret.
func KeyringName(contextName, key string) string { return contextName + "/" + key }

// fileName writes a context's name so that it is a file name on every system
// and two names never become one, also where case does not count.
func fileName(name string) string {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(name))
	for _, b := range []byte(name) {
		if b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '.' || b == '-' || b == '_' {
			out = append(out, b)
			continue
		}
		out = append(out, '%', hex[b>>4], hex[b&15])
	}
	return string(out)
}
