package statuspage

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func FuzzErrorMessage(f *testing.F) {
	for _, s := range []string{`{"error":"x"}`, `{"error":{"name":["can't be blank"]}}`, `{"message":3}`, `[]`, ``, `<html>`, `{"error":[[["a"]]]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if utf8.Valid(body) {
			assert.True(t, utf8.ValidString(errorMessage(body)))
		}
	})
}

func TestTheWalkThroughAnErrorIsBounded(t *testing.T) {
	t.Parallel()
	assert.Empty(t, errorMessage([]byte(`{"error":`+strings.Repeat(`{"a":`, 500)+`"x"`+strings.Repeat(`}`, 500)+`}`)))
}
