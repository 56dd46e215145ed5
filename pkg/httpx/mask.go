package httpx

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/secret"
)

func basic(user string, password secret.String) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password.Reveal()))
}

// learnSecrets tells the masker of every credential of the configuration. Of
// "Bearer TOKEN" the token is one of its own, as vendors quote it alone.
func (cfg *Config) learnSecrets() {
	for _, v := range cfg.Header {
		cfg.Masker.Add(v)
		if i := strings.LastIndexByte(v.Reveal(), ' '); i >= 0 {
			cfg.Masker.Add(secret.New(v.Reveal()[i+1:]))
		}
	}
	if cfg.User != "" {
		cfg.Masker.AddBasic(cfg.User, cfg.Password)
	}
}

// credentialWords make the value of a header, query parameter or field of that
// name a secret, even one that no masker was told of.
var credentialWords = []string{"authorization", "authorisation", "cookie", "token", "secret", "password", "passwd", "api-key", "api_key", "apikey", "access-key", "credential", "signature", "crumb", "jsessionid"}

func isCredential(name string) bool {
	name = strings.ToLower(name)
	if name == "key" || name == "sig" || name == "auth" || strings.HasSuffix(name, "-key") || strings.HasSuffix(name, "_key") {
		return true
	}
	return slices.ContainsFunc(credentialWords, func(w string) bool { return strings.Contains(name, w) })
}

// maskedURL is u as text for people: no user, no credential by value or by the
// name of its parameter.
func (c *Client) maskedURL(u *url.URL) string {
	v := *u
	v.User = nil
	if v.RawQuery != "" {
		parts := strings.Split(v.RawQuery, "&")
		for i, p := range parts {
			name, _, found := strings.Cut(p, "=")
			plain, err := url.QueryUnescape(name)
			if err != nil {
				plain = name
			}
			if found && isCredential(plain) {
				parts[i] = name + "=" + secret.Hidden
			}
		}
		v.RawQuery = strings.Join(parts, "&")
	}
	return printable(c.cfg.Masker.Mask(v.String()))
}

// secretWords are names of fields whose values no dump shows. The list is short
// on purpose: a dry run has to show "routing_key".
const secretWords = `[\w.-]*(?:password|passwd|secret|token|api[_-]?key|private[_-]?key|authorization)[\w-]*`

var secretForm = lazyregexp.New(`(?i)((?:^|&)` + secretWords + `=)[^&\s]*`)

// secretJSON finds fields by secretWords and by the vendor's own names.
func secretJSON(fields []string) func() *regexp.Regexp {
	names := secretWords
	for _, f := range fields {
		names += "|" + regexp.QuoteMeta(f)
	}
	return lazyregexp.New(`(?i)("(?:` + names + `)"\s*:\s*)"(?:[^"\\]|\\.)*"?`)
}

// maskedBody is a body for people. A body that was cut is masked up to the cut.
func (c *Client) maskedBody(body []byte) string {
	if len(body) == 0 {
		return ""
	}
	text := c.cfg.Masker.Mask(string(body))
	text = c.secretJSON().ReplaceAllString(text, `${1}"`+secret.Hidden+`"`)
	return secretForm().ReplaceAllString(text, "${1}"+secret.Hidden)
}

// maskedHeader returns "Name: value" lines, sorted.
func (c *Client) maskedHeader(h http.Header) []string {
	var out []string
	for name, values := range h {
		for _, v := range values {
			if isCredential(name) {
				v = secret.Hidden
			}
			out = append(out, printable(name+": "+c.cfg.Masker.Mask(v)))
		}
	}
	slices.Sort(out)
	return out
}
