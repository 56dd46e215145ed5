package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"github.com/zalando/go-keyring"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/secret"
)

// Keyring keeps secrets for oncall. Get returns keyring.ErrNotFound (of
// zalando/go-keyring) when there is no such entry; any other error means that
// there is no keyring to ask.
type Keyring interface {
	Get(name string) (string, error)
	Set(name, secret string) error
	Delete(name string) error
}

// keyringService is the name under which a keyring lists oncall's entries.
const keyringService = "oncall"

// systemKeyring is the keyring of the desktop: Secret Service, macOS Keychain,
// Windows Credential Manager.
type systemKeyring struct{}

func (systemKeyring) Get(name string) (string, error) { return keyring.Get(keyringService, name) }
func (systemKeyring) Set(name, secret string) error   { return keyring.Set(keyringService, name, secret) }
func (systemKeyring) Delete(name string) error        { return keyring.Delete(keyringService, name) }

func (s Source) keyring() Keyring {
	if s.Keyring == nil {
		return systemKeyring{}
	}
	return s.Keyring
}

// slot keeps a secret that was resolved, so that a password manager is asked
// once however many requests need it.
type slot struct {
	mu    sync.Mutex
	done  bool
	value secret.String
}

// Secret resolves a setting of kind Secret. Without one, or when its reference
// leads nowhere, the error Is apierr.ErrAuth, names the service and hints at
// `oncall auth login`; a secret file of oncall's own that others can read Is
// apierr.ErrUsage. No error holds any part of a secret.
func (c *Config) Secret(ctx context.Context, key string) (secret.String, error) {
	o, known := Lookup(key)
	if !known || o.Kind != Secret {
		return secret.String{}, usage("%s is not a secret of oncall", key)
	}
	c.mu.Lock()
	s := c.secrets[key]
	if s == nil {
		s = &slot{}
		c.secrets[key] = s
	}
	c.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return s.value, nil
	}
	text, err := c.resolve(ctx, o)
	if err != nil {
		return secret.String{}, err
	}
	s.value, s.done = secret.New(text), true
	c.src.Masker.Add(s.value)
	return s.value, nil
}

// HasSecret reports whether a secret is configured, without resolving it.
func (c *Config) HasSecret(key string) bool { return c.Get(key).Set }

func (c *Config) resolve(ctx context.Context, o Option) (string, error) {
	ref := c.refs[o.Key]
	if ref == nil {
		text := c.values.GetString(o.Key)
		if text == "" {
			return "", c.noSecret(o, "no %s", strings.TrimPrefix(o.Key, o.Service+"."))
		}
		return text, nil
	}
	where := c.origins[o.Key].Where
	text, err := c.follow(ctx, ref)
	if err != nil {
		var own *apierr.Error
		if errors.As(err, &own) || ctx.Err() != nil {
			return "", err
		}
		return "", c.noSecret(o, "%s at %s: %v", ref, where, err)
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", c.noSecret(o, "%s at %s is empty", ref, where)
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return "", c.noSecret(o, "%s at %s has more than one line or a control character", ref, where)
	}
	return text, nil
}

// follow fetches what a reference points at. Its plain errors are causes that
// resolve wraps; an *apierr.Error goes through as it is.
func (c *Config) follow(ctx context.Context, r *reference) (string, error) {
	switch r.kind {
	case "env":
		text := c.src.env(r.arg)
		if text == "" {
			return "", errors.New("the variable is not set")
		}
		return text, nil
	case "file":
		return c.secretFile(r)
	case "exec":
		return c.secretExec(ctx, r)
	}
	return c.secretKeyring(ctx, r)
}

func (c *Config) secretKeyring(ctx context.Context, r *reference) (string, error) {
	got := make(chan string, 1)
	err := patient(ctx, func() error {
		t, err := c.src.keyring().Get(r.arg)
		got <- t
		return err
	})
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("%s: %w", r, ctx.Err())
	case errors.Is(err, keyring.ErrNotFound):
		return "", errors.New("the keyring has no such entry")
	case err != nil:
		return "", ErrNoKeyring
	}
	return <-got, nil
}

// noSecret is the error of a credential that is not there.
func (c *Config) noSecret(o Option, format string, args ...any) *apierr.Error {
	return apierr.New(apierr.ErrAuth, o.Service, "", format, args...).WithHint("%s", c.SecretHint(o.Key))
}

// SecretHint tells how secrets of one service are given here, those of keys that
// are not set yet. Where no context of a file is chosen there is nothing to log
// in to.
func (c *Config) SecretHint(keys ...string) string {
	service, vars := "", []string{}
	for _, key := range keys {
		o, _ := Lookup(key)
		service = o.Service
		if len(keys) == 1 || !c.HasSecret(key) {
			vars = append(vars, o.Env)
		}
	}
	set := "set " + strings.Join(vars, " and ")
	if c.context.Name == EnvironmentContext {
		return set
	}
	return "oncall auth login " + service + ", or " + set
}
