package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/zalando/go-keyring"
)

// Kept is where a secret is, as a reference of the config file says it.
type Kept struct {
	Kind string // env, file, exec or keyring; "" when the secret is no reference
	Arg  string // variable, path or keyring entry; the program of exec
	Ours bool   // oncall put it there: an entry or a file of its own

	path string // of a file, usable
}

func (k Kept) String() string {
	if k.Kind == "" {
		return ""
	}
	return (&reference{kind: k.Kind, arg: k.Arg, argv: []string{k.Arg}}).String()
}

// Kept tells where a secret of the chosen context is.
func (c *Config) Kept(key string) Kept {
	r := c.refs[key]
	if r == nil {
		return Kept{}
	}
	k := Kept{Kind: r.kind, Arg: r.arg}
	switch r.kind {
	case "exec":
		k.Arg = r.argv[0]
	case "keyring":
		k.Ours = r.arg == KeyringName(c.context.Name, key)
	case "file":
		k.path = c.src.expand(r.arg, r.base)
		k.Ours = c.paths.ours(k.path)
	}
	return k
}

// CheckSecret says why a text cannot be a secret, without repeating it.
func CheckSecret(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return usage("the secret is empty")
	case len(text) > maxSecret:
		return usage("the secret is longer than %d KiB", maxSecret>>10)
	case strings.ContainsFunc(text, unicode.IsControl):
		return usage("the secret has a control character in it")
	}
	return nil
}

// Keep puts a secret away: in the keyring, or with inFile in a 0600 file of
// oncall's own. When no keyring answers the error Is ErrNoKeyring.
func (s Source) Keep(ctx context.Context, contextName, key, text string, inFile bool) (Kept, error) {
	text = strings.TrimSpace(text)
	if err := CheckSecret(text); err != nil {
		return Kept{}, err
	}
	if inFile {
		path, err := Locate(s).StoreSecret(contextName, key, text)
		return Kept{Kind: "file", Arg: Tilde(path, s.Home), Ours: true, path: path}, err
	}
	name := KeyringName(contextName, key)
	err := patient(ctx, func() error { return s.keyring().Set(name, text) })
	switch {
	case ctx.Err() != nil:
		return Kept{}, ctx.Err()
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return Kept{}, usage("the secret is too long for the keyring")
	case err != nil:
		return Kept{}, ErrNoKeyring
	}
	return Kept{Kind: "keyring", Arg: name, Ours: true}, nil
}

// ErrNoKeyring says that this machine has no keyring, or none that is open.
var ErrNoKeyring = errors.New("no keyring answers here")

// Forget deletes a secret that is Ours; gone already is no error.
func (s Source) Forget(ctx context.Context, k Kept) error {
	if !k.Ours {
		return fmt.Errorf("%s is not oncall's to delete", k)
	}
	if k.Kind == "file" {
		if err := os.Remove(k.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unwritable(err)
		}
		return nil
	}
	err := patient(ctx, func() error { return s.keyring().Delete(k.Arg) })
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil, errors.Is(err, keyring.ErrNotFound):
		return nil
	}
	return ErrNoKeyring
}

// keyringLimit is how long a keyring may take: it may show a window and ask for
// its own password.
const keyringLimit = time.Minute

// patient calls do, which cannot be cancelled, and stops waiting when ctx ends
// or the keyring takes too long.
func patient(ctx context.Context, do func() error) error {
	ctx, stop := context.WithTimeout(ctx, keyringLimit)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
