// Package registry asks an image registry (Docker HTTP API v2) whether a tag is
// there. It only looks: one HEAD, with a token where the registry wants one.
package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/secret"
)

const vendor = "registry"

// Credential is what a registry is asked with.
type Credential struct {
	User     string
	Password secret.String
}

// Config makes a Client. An empty HTTP.BaseURL is the registry that the image
// names.
type Config struct {
	HTTP httpx.Config
	// Credentials looks a registry's host up; ok is false for none. nil asks
	// without.
	Credentials func(ctx context.Context, host string) (c Credential, ok bool, err error)
}

// Client asks registries. It is safe for concurrent use.
type Client struct{ c Config }

// New makes a client. It opens nothing.
func New(c Config) *Client {
	c.HTTP.Vendor = vendor
	c.HTTP.LoginHint = "docker login"
	return &Client{c}
}

// accept are the media types of manifests and of indexes.
const accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " +
	"application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"

var (
	repository = lazyregexp.New(`^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$`)
	hostLike   = lazyregexp.New(`^[A-Za-z0-9.-]+(?::[0-9]+)?$`)
	tagLike    = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
)

// split parts an image without tag into the registry's host and the repository:
// what stands before the first slash is a host when it looks like one.
func split(image string) (host, repo string, err error) {
	host, repo = "docker.io", image
	if before, after, ok := strings.Cut(image, "/"); ok && (strings.ContainsAny(before, ".:") || before == "localhost") {
		host, repo = before, after
	}
	if host == "docker.io" {
		host = "registry-1.docker.io"
		if !strings.Contains(repo, "/") {
			repo = "library/" + repo
		}
	}
	if !hostLike().MatchString(host) || !repository().MatchString(repo) {
		return "", "", apierr.New(apierr.ErrUsage, vendor, "", "%q is no name of an image", image)
	}
	return host, repo, nil
}

// Has is nil when the registry has the tag, and an apierr.ErrNotFound when it
// says that it has not. Every other error leaves that open: no answer
// (apierr.ErrUnavailable), no right (apierr.ErrAuth).
func (c *Client) Has(ctx context.Context, image, tag string) error {
	host, repo, err := split(image)
	if err != nil {
		return err
	}
	if !tagLike().MatchString(tag) {
		return apierr.New(apierr.ErrUsage, vendor, "", "%q is no tag", tag)
	}
	cfg := c.c.HTTP
	if cfg.BaseURL == "" {
		cfg.BaseURL = "https://" + host
	} else if u, err := url.Parse(cfg.BaseURL); err == nil {
		host = u.Host
	}
	op := "look for " + repo + ":" + tag
	res, err := head(ctx, cfg, op, repo, tag)
	if err != nil {
		return err
	}
	if res.Status == http.StatusUnauthorized {
		auth, err := c.authorise(ctx, cfg, host, repo, res.Header.Get("WWW-Authenticate"))
		if err != nil {
			return err
		}
		cfg.Header = map[string]secret.String{"Authorization": auth}
		if res, err = head(ctx, cfg, op, repo, tag); err != nil {
			return err
		}
	}
	return verdict(op, res)
}

func head(ctx context.Context, cfg httpx.Config, op, repo, tag string) (*httpx.Response, error) {
	h, err := httpx.New(cfg)
	if err != nil {
		return nil, err
	}
	return h.Do(ctx, httpx.Request{Op: op, Method: http.MethodHead, Path: "/v2/" + repo + "/manifests/" + tag, Accept: accept, AnyType: true, AnyStatus: true}, nil)
}

// verdict reads the last answer. A HEAD has no body, so the status is all.
func verdict(op string, res *httpx.Response) error {
	e := &apierr.Error{Vendor: vendor, Op: op, Status: res.Status}
	switch {
	case res.Status == http.StatusOK:
		if strings.Contains(res.Header.Get("Content-Type"), "text/html") {
			e.Kind, e.Message = []error{apierr.ErrAuth}, "a page came where a manifest was due"
			return e
		}
		return nil
	case res.Status == http.StatusNotFound:
		e.Kind, e.Message = []error{apierr.ErrNotFound}, "the registry has no such tag"
	case res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden:
		e.Kind, e.Message, e.Hint = []error{apierr.ErrAuth}, "no right to see it", "docker login"
	case res.Status == http.StatusTooManyRequests:
		e.Kind, e.Message = []error{apierr.ErrRateLimited}, "throttled"
	default:
		e.Kind, e.Message = []error{apierr.ErrUnavailable}, "the registry gave no answer to the question"
	}
	return e
}

var challengeField = lazyregexp.New(`([a-z_]+)="([^"]*)"`)

// authorise answers a challenge: with the credential itself, or with a token that
// the registry's own service hands out for it.
func (c *Client) authorise(ctx context.Context, cfg httpx.Config, host, repo, challenge string) (secret.String, error) {
	var cred Credential
	var known bool
	var err error
	if c.c.Credentials != nil {
		if cred, known, err = c.c.Credentials(ctx, host); err != nil {
			return secret.String{}, err
		}
	}
	scheme, rest, _ := strings.Cut(challenge, " ")
	switch strings.ToLower(scheme) {
	case "basic":
		if !known {
			return secret.String{}, apierr.New(apierr.ErrAuth, vendor, "sign in at "+host, "it wants a user, and docker's configuration has none for it").WithHint("docker login %s", host)
		}
		return basic(cred), nil
	case "bearer":
	default:
		return secret.String{}, apierr.New(apierr.ErrAuth, vendor, "sign in at "+host, "it refuses, and does not say how to sign in")
	}
	fields := map[string]string{}
	for _, m := range challengeField().FindAllStringSubmatch(rest, -1) {
		fields[m[1]] = m[2]
	}
	realm, err := url.Parse(fields["realm"])
	if err != nil || realm.Host == "" || realm.Scheme != "https" && !strings.HasPrefix(cfg.BaseURL, realm.Scheme+"://") {
		return secret.String{}, apierr.New(apierr.ErrAuth, vendor, "sign in at "+host, "the service that hands out tokens has no safe address")
	}
	q := realm.Query()
	q.Set("service", fields["service"])
	q.Set("scope", "repository:"+repo+":pull")
	realm.RawQuery = ""
	cfg.BaseURL, cfg.Header = realm.String(), nil
	if known {
		cfg.User, cfg.Password = cred.User, cred.Password
	}
	cfg.SecretFields = append(cfg.SecretFields, "token", "access_token")
	h, err := httpx.New(cfg)
	if err != nil {
		return secret.String{}, err
	}
	var out struct {
		Token  string `json:"token"`
		Access string `json:"access_token"`
	}
	if _, err := h.Do(ctx, httpx.Request{Op: "sign in at " + host, Query: q}, &out); err != nil {
		var e *apierr.Error
		if errors.As(err, &e) && errors.Is(err, apierr.ErrNotFound) {
			e.Kind = []error{apierr.ErrAuth} // of the token service, never of the image
		}
		return secret.String{}, err
	}
	if out.Token == "" {
		out.Token = out.Access
	}
	if out.Token == "" {
		return secret.String{}, apierr.New(apierr.ErrAuth, vendor, "sign in at "+host, "it hands out no token")
	}
	if cfg.Masker != nil {
		cfg.Masker.Add(secret.New(out.Token))
	}
	return secret.New("Bearer " + out.Token), nil
}

func basic(c Credential) secret.String {
	return secret.New("Basic " + base64.StdEncoding.EncodeToString([]byte(c.User+":"+c.Password.Reveal())))
}
