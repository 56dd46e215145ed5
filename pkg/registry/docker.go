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
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/secret"
)

// DockerConfig looks credentials up as the docker program does: in the file that
// `docker login` writes, and in the helpers that it names.
type DockerConfig struct {
	Path    string   // of config.json
	Environ []string // "NAME=value" for helpers
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

// helper runs docker-credential-NAME get, as docker does.
func (d DockerConfig) helper(ctx context.Context, name, server string) (Credential, bool, error) {
	if !helperName().MatchString(name) {
		return Credential{}, false, errors.New("docker's config.json names a credential helper that is no name")
	}
	ctx, cancel := context.WithTimeout(ctx, helperLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker-credential-"+name, "get")
	cmd.Stdin, cmd.WaitDelay = strings.NewReader(server), time.Second
	cmd.Env = []string{}
	for _, kv := range d.Environ {
		if !strings.HasPrefix(kv, "ONCALL_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return Credential{}, false, fmt.Errorf("docker-credential-%s gives no credential: %w", name, err)
	}
	var got struct {
		Username, Secret string
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Secret == "" {
		return Credential{}, false, fmt.Errorf("docker-credential-%s gives no credential", name)
	}
	return Credential{got.Username, secret.New(got.Secret)}, true, nil
}
