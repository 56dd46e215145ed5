package config

import (
	"os"
	"path/filepath"
)

// replace writes a file so that a reader sees the old text or the new, never a
// part. Who may read it follows from the folder, which is the user's own.
func replace(path string, data []byte) error {
	t, err := os.CreateTemp(filepath.Dir(path), ".oncall-*")
	if err != nil {
		return unwritable(err)
	}
	defer os.Remove(t.Name()) // fails when the rename took it away
	_, err = t.Write(data)
	if err == nil {
		err = t.Sync()
	}
	if closing := t.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		return unwritable(err)
	}
	return nil
}
