package registry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/secret"
)

// DockerConfig looks credentials up as the docker program does: in the file that
// `docker login` writes, and in the helpers that it names.
type DockerConfig struct {
	Path    string        // of config.json
	Environ []string      // "NAME=value" for helpers; its PATH is where they are looked for
	Limit   time.Duration // of one helper; 0 is 10 seconds
}

// helperLimit bounds a credential helper.
const helperLimit = 10 * time.Second

var helperName = lazyregexp.New(`^[a-zA-Z0-9_-]+$`)

// Lookup implements Config.Credentials. A missing file is no credential.
func (d DockerConfig) Lookup(ctx context.Context, host string) (Credential, bool, error) {
	data, err := os.ReadFile(d.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return Credential{}, false, nil
	}
	if err != nil {
		return Credential{}, false, err
	}
	var file struct {
		Auths map[string]struct {
			Auth string `json:"auth"`
		} `json:"auths"`
		Helpers map[string]string `json:"credHelpers"`
		Store   string            `json:"credsStore"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return Credential{}, false, errors.New("docker's config.json is not JSON") // the cause could quote a secret
	}
	names := []string{host, "https://" + host, "https://" + host + "/v2/", "https://" + host + "/v1/"}
	if host == "registry-1.docker.io" {
		names = append(names, "https://index.docker.io/v1/", "docker.io", "index.docker.io")
	}
	for _, name := range names {
		if helper := file.Helpers[name]; helper != "" {
			return d.helper(ctx, helper, name)
		}
	}
	for _, name := range names {
		entry, ok := file.Auths[name]
		if !ok {
			continue
		}
		if entry.Auth == "" && file.Store != "" {
			return d.helper(ctx, file.Store, name)
		}
		plain, err := base64.StdEncoding.DecodeString(entry.Auth)
		user, password, ok := strings.Cut(string(plain), ":")
		if err != nil || !ok {
			return Credential{}, false, fmt.Errorf("docker's config.json has no readable credential for %s", host)
		}
		return Credential{user, secret.New(strings.TrimRight(password, "\x00"))}, true, nil
	}
	return Credential{}, false, nil
}

// helper runs docker-credential-NAME get, as docker does. A helper that has none
// for the server says so, and then the registry is asked without.
func (d DockerConfig) helper(ctx context.Context, name, server string) (Credential, bool, error) {
	if !helperName().MatchString(name) {
		return Credential{}, false, errors.New("docker's config.json names a credential helper that is no name")
	}
	program := "docker-credential-" + name
	fail := func(format string, args ...any) (Credential, bool, error) {
		return Credential{}, false, fmt.Errorf("%s gives no credential: "+format, append([]any{program}, args...)...)
	}
	path, err := d.find(program)
	if err != nil {
		return fail("%w", err)
	}
	limit := d.Limit
	if limit == 0 {
		limit = helperLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "get")
	cmd.Stdin, cmd.WaitDelay = strings.NewReader(server), time.Second
	cmd.Env = []string{}
	for _, kv := range d.Environ {
		if !strings.HasPrefix(kv, "ONCALL_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	out := &capped{most: maxCredential}
	cmd.Stdout = out
	err = cmd.Run()
	switch text := out.Bytes(); {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fail("it did not end within %s", limit)
	case ctx.Err() != nil:
		return Credential{}, false, ctx.Err()
	case err != nil && bytes.Contains(text, []byte("credentials not found")):
		return Credential{}, false, nil
	case err != nil:
		return fail("%w", err)
	case out.over:
		return fail("it writes more than any credential has")
	}
	var got struct {
		Username, Secret string
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Secret == "" {
		return fail("its answer is none") // the cause could quote a secret
	}
	if got.Username == "<token>" {
		return fail("it has an identity token, which oncall does not exchange")
	}
	return Credential{got.Username, secret.New(got.Secret)}, true, nil
}

// find looks for a program in the PATH of Environ; without one, in this process's.
func (d DockerConfig) find(program string) (string, error) {
	for _, kv := range d.Environ {
		list, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for _, folder := range filepath.SplitList(list) {
			if !filepath.IsAbs(folder) {
				continue // not what lies about in the folder of the moment
			}
			if path, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
				return path, nil
			}
		}
		return "", errors.New("it is not in PATH")
	}
	return exec.LookPath(program)
}

// maxCredential bounds what a helper writes.
const maxCredential = 64 << 10

// capped keeps the beginning of what is written.
type capped struct {
	bytes.Buffer
	most int
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	keep := p
	if room := c.most - c.Len(); len(keep) > room {
		keep, c.over = keep[:room], true
	}
	_, err := c.Buffer.Write(keep)
	return len(p), err
}
