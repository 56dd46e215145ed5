// Package secret holds text that must never be shown: a string type that hides
// itself, and a masker that removes known secrets from any text.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Hidden is what is printed in the place of a secret.
const Hidden = "***"

// String is a secret. However it is formatted, encoded or logged it shows as
// Hidden; Reveal alone gives the text. The zero value is "no secret".
//
// The text stands behind a pointer, as fmt prints the fields of a struct that
// holds a String in an unexported field without asking the String.
type String struct{ text *string }

// New wraps text.
func New(text string) String { return String{&text} }

// Reveal returns the text. Call it where the text is put on the wire and
// nowhere else.
func (s String) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no secret.
func (s String) IsZero() bool { return s.Reveal() == "" }

// Equal compares the texts of two secrets.
func (s String) Equal(t String) bool { return s.Reveal() == t.Reveal() }

func (s String) shown() string {
	if s.IsZero() {
		return ""
	}
	return Hidden
}

func (s String) String() string   { return s.shown() }
func (s String) GoString() string { return "secret.String(" + s.shown() + ")" }

// Format hides the text under every verb, %#v and %x included.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.shown()) }

// LogValue hides the text in slog.
func (s String) LogValue() slog.Value { return slog.StringValue(s.shown()) }

// MarshalText hides the text in JSON, XML and every other encoder of texts.
func (s String) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }

// UnmarshalText takes a secret out of a vendor's answer.
func (s *String) UnmarshalText(b []byte) error {
	*s = New(string(b))
	return nil
}

// MarshalYAML hides the text in YAML.
func (s String) MarshalYAML() (any, error) { return s.shown(), nil }
