package secret

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// shortest is the length below which a secret is not masked by value: replacing
// "a" or "42" everywhere would destroy the text and hide nothing.
const shortest = 4

// Masker replaces every secret it was told of, in the forms in which one
// travels: as it is, URL-escaped (path and query), JSON-escaped, base64.
// The zero value is ready; a nil Masker masks nothing. It is safe for
// concurrent use.
type Masker struct {
	mu       sync.RWMutex
	forms    []string // longest first, so that a secret inside another is no leak
	replacer *strings.Replacer
}

// Add tells the masker of secrets. A pair "user:token" sent as Basic
// authorisation is added with AddBasic.
func (m *Masker) Add(secrets ...String) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range secrets {
		if len(s.text) < shortest {
			continue
		}
		for _, f := range forms(s.text) {
			if !slices.Contains(m.forms, f) {
				m.forms = append(m.forms, f)
			}
		}
	}
	slices.SortFunc(m.forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(m.forms))
	for _, f := range m.forms {
		pairs = append(pairs, f, Hidden)
	}
	m.replacer = strings.NewReplacer(pairs...)
}

// AddBasic tells the masker of a user and password joined for Basic
// authorisation, besides the password itself.
func (m *Masker) AddBasic(user string, password String) {
	if password.IsZero() {
		return
	}
	m.Add(password, New(user+":"+password.text))
}

// Mask returns text with every known secret replaced by Hidden.
func (m *Masker) Mask(text string) string {
	if m == nil {
		return text
	}
	m.mu.RLock()
	r := m.replacer
	m.mu.RUnlock()
	if r == nil {
		return text
	}
	return r.Replace(text)
}

func forms(s string) []string {
	out := []string{s, url.PathEscape(s), url.QueryEscape(s),
		base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)), base64.URLEncoding.EncodeToString([]byte(s))}
	if j, err := json.Marshal(s); err == nil {
		out = append(out, strings.Trim(string(j), `"`))
	}
	return out
}
