// Package shell writes words of the command lines that a person is given to paste.
package shell

import "strings"

// plain are the marks that mean nothing to a shell.
const plain = "=-_./:+@,%"

// Word is s as one word of a POSIX shell's command line, quoted where it needs it.
func Word(s string) string {
	special := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(plain, r))
	}
	if s != "" && !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
