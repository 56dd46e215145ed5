package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxSecret bounds what is read of a secret, in bytes.
const maxSecret = 64 << 10

// secretFile reads {file: PATH}. A file in oncall's own secrets folder was
// written 0600 by oncall: if others can read it now, somebody changed that, and
// it is refused. Any other file gets a warning, as mounted secrets are often 0444.
func (c *Config) secretFile(r *reference) (string, error) {
	path := c.src.expand(r.arg, r.base)
	f, err := os.Open(path)
	if err != nil {
		return "", fileCause(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fileCause(err)
	}
	if info.IsDir() {
		return "", errors.New("is a folder")
	}
	if open := info.Mode().Perm() & 0o077; open != 0 && info.Mode().IsRegular() && c.src.goos() != "windows" {
		if c.paths.ours(path) {
			return "", usage("%s: others can read this secret (mode %04o); oncall wrote it for you alone", path, info.Mode().Perm()).
				WithHint("chmod 600 %s, and renew the secret if others may have seen it", path)
		}
		c.warnings.add("secret file " + path + " can be read by others (chmod 600 " + path + ")")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fileCause(err)
	}
	if len(data) > maxSecret {
		return "", errors.New("is too large for a secret")
	}
	return string(data), nil
}

// ours reports whether path is in the folder of the secrets oncall writes,
// whichever way it is spelt.
func (p Paths) ours(path string) bool {
	if p.Secrets == "" {
		return false
	}
	return within(path, p.Secrets) || within(realPath(path), realPath(p.Secrets))
}

func within(path, folder string) bool {
	abs, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(folder, abs)
	return err == nil && rel != "." && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// fileCause is the cause without the path, which the reference shows already.
func fileCause(err error) error {
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file")
	case errors.As(err, &pe):
		return pe.Err
	}
	return err
}
