//go:build !windows

package config

import "github.com/google/renameio/v2"

// replace writes a file so that a reader sees the old text or the new, never a
// part, and nobody but its owner sees either.
func replace(path string, data []byte) error {
	t, err := renameio.NewPendingFile(path, renameio.WithPermissions(fileMode), renameio.WithStaticPermissions(fileMode))
	if err != nil {
		return unwritable(err)
	}
	defer func() { _ = t.Cleanup() }() // nothing to do after the rename
	if _, err := t.Write(data); err != nil {
		return unwritable(err)
	}
	if err := t.CloseAtomicallyReplace(); err != nil {
		return unwritable(err)
	}
	return nil
}
