// Package atomicfile writes a file so that whoever reads it sees the old text
// or the new one, never a part, on every platform. (The known library for this
// leaves Windows out.)
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the file at path with data. A new file gets perm as it is,
// whatever the umask; so does one that was there. The folder must exist.
func Write(path string, data []byte, perm fs.FileMode) error {
	return WriteFunc(path, perm, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteFunc is Write for a text that is made piece by piece. When fn fails the
// file stays as it was, and its error is returned as it is.
func WriteFunc(path string, perm fs.FileMode, fn func(io.Writer) error) error {
	// In the same folder, as a rename does not cross file systems.
	t, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	defer func() { _ = os.Remove(t.Name()) }() // after the rename there is nothing to remove
	w := bufio.NewWriter(t)
	if err := fn(w); err != nil {
		_ = t.Close()
		return err
	}
	// The text must be on disk before the name points to it: after a crash an
	// empty file would stand in the place of the old one.
	err = errors.Join(w.Flush(), t.Chmod(perm), t.Sync())
	if err = errors.Join(err, t.Close()); err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	return nil
}

// cause takes the temporary file's name out of an error: it tells nobody anything.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
