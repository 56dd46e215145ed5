package config

import "github.com/balena-io/oncall/pkg/atomicfile"

// replace writes a file that nobody but its owner reads.
func replace(path string, data []byte) error {
	if err := atomicfile.Write(path, data, fileMode); err != nil {
		return unwritable(err)
	}
	return nil
}
