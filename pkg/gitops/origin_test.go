package gitops_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/gitops"
)

func TestCheckOrigin(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"https://github.com/acme/flux", "https://git.example.test:8443/a/b.git", "ssh://git@git.example.test/a", "ssh://git.example.test:22/a",
		"git@github.com:acme/flux.git", "git.example.test:flux", "/srv/flux", "./flux", "../flux", "~/flux", "flux", "a/b:c", `C:\flux`, "C:/flux"} {
		require.NoError(t, gitops.CheckOrigin(good), good)
	}
	for _, bad := range []string{"", " ", "-u", " --upload-pack=x", "ext::sh -c x", "EXT::sh", "fd::7", "x::y", "http://git.example.test/a", "git://git.example.test/a", "file:///a", "ftp://a/b", "https://",
		"https://me:hunter2@git.example.test/a", "https://token@git.example.test/a", "ssh://me:hunter2@git.example.test/a", "ssh://-oProxyCommand=x/a", "ssh://-l@host/a", "-oProxyCommand=x:a", "git@-oProxyCommand=x:a",
		"a b:c", "x:", "https://a\x00b", "a\nb", "HTTPS://x@y"} {
		err := gitops.CheckOrigin(bad)
		require.Error(t, err, bad)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func FuzzCheckOrigin(f *testing.F) {
	for _, s := range []string{"https://a/b", "ext::sh", "git@a:b", "ssh://-o/x", "C:\\a", "-x", "a::b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if gitops.CheckOrigin(s) != nil {
			return
		}
		assert.NotContains(t, s, "::")
		assert.NotRegexp(t, `^\s*-`, s)
		assert.NotRegexp(t, `(?i)^(ext|fd|git|http|file|ftp)://`, s)
	})
}
