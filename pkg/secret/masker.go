package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// shortest is the length below which a secret is not masked by value: replacing
// "a" or "42" everywhere would destroy the text and hide nothing.
const shortest = 4

// Masker replaces every secret it was told of, in the forms in which one
// travels: as it is, URL-escaped (path and query), JSON-, Go- and HTML-escaped,
// base64. Secrets of fewer than four characters are not masked by value.
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
		for _, f := range forms(s.Reveal()) {
			if len(f) >= shortest && !slices.Contains(m.forms, f) {
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
	m.Add(password, New(user+":"+password.Reveal()))
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

// forms are the ways in which a secret stands in URLs, JSON, HTML, quoted errors
// and headers.
func forms(s string) []string {
	if len(s) < shortest {
		return nil
	}
	path, query := url.PathEscape(s), url.QueryEscape(s)
	out := []string{s, strings.TrimSpace(s), path, query, strings.ReplaceAll(query, "+", "%20"), html.EscapeString(s)}
	for _, f := range []string{path, query} {
		out = append(out, lowerHex(f))
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		out = append(out, e.EncodeToString([]byte(s)))
	}
	quoted := strconv.Quote(s)
	out = append(out, quoted[1:len(quoted)-1])
	for _, escapeHTML := range []bool{true, false} {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(escapeHTML)
		if e.Encode(s) == nil {
			out = append(out, b.String()[1:b.Len()-2]) // without quotes and line end
		}
	}
	return out
}

// lowerHex writes %2F as %2f.
func lowerHex(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}
