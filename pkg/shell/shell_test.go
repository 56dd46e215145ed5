package shell_test

import (
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/shell"
)

func TestWord(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"": "''", "api=partial": "api=partial", "a@b.c/d:e_f-g+1,2%": "a@b.c/d:e_f-g+1,2%",
		"Cloudlink (VPN)": "'Cloudlink (VPN)'", "it's $HOME": `'it'\''s $HOME'`, "~": "'~'", "{a,b}": "'{a,b}'", "[x]": "'[x]'", "ü": "'ü'",
	} {
		assert.Equal(t, want, shell.Word(s))
	}
}

// FuzzWord asks a real shell: what it reads is what was written.
func FuzzWord(f *testing.F) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("no shell here")
	}
	for _, s := range []string{"", "a b", "it's", "$(x)", "`x`", "a\nb", "*", "!!", "\\", "-n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
			t.Skip("no argument holds it")
		}
		out, err := exec.CommandContext(t.Context(), sh, "-c", "printf %s. "+shell.Word(s)).Output()
		require.NoError(t, err)
		assert.Equal(t, s+".", string(out))
	})
}
