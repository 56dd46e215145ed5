package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Credentials of the demo's image registry. It hands out tokens without any,
// which open every repository but RegistryPrivate.
const (
	RegistryUser     = "demo"
	RegistryPassword = "demo-registry-password"
	// RegistryPrivate is a repository that needs the user above.
	RegistryPrivate = "signer"
	// Versions of api that were built and never ran in production. Neither is the
	// newest: that is what staging's automation would follow.
	APIVersionUnreleased = "17.4.2"
	APIVersionSkipped    = "17.3.9"
)

// registryService is a registry of the Docker HTTP API v2. It is found at
// /registry, and at /v2 for images that name the world's host as their registry.
func registryService() service {
	return service{
		name:  "registry",
		state: stateOf(func(*State, *registryState) {}, nil),
		mounts: map[string]mount{
			"registry": func(w *World) http.Handler { return registryServer{w: w, prefix: "/v2/"} },
			"v2":       func(w *World) http.Handler { return registryServer{w: w, prefix: "/"} },
		},
		env: func(base string) []string { return []string{"ONCALL_REGISTRY_URL=" + base + "/registry"} },
	}
}

// registryState is empty: what there is to pull follows from Facts.
type registryState struct{}

// registryTags are the tags of a component's repository, whatever stands before
// the component's name; nil when there is none. They are every version that ran
// before the world began, and two that never did: a deployment of a version that
// was not built makes no image.
func registryTags(f *Facts, component string) []string {
	var out []string
	switch component {
	case ComponentAPI:
		out = []string{APIVersionSkipped, APIVersionUnreleased}
	case RegistryPrivate:
		out = []string{"3.1.0"}
	}
	for _, d := range f.Deploys {
		if d.Component == component && d.StartedAt.Before(f.StartedAt) {
			out = append(out, d.To)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type registryServer struct {
	w      *World
	prefix string // what stands before the repository
}

func (g registryServer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	path := r.URL.Path
	if g.prefix == "/v2/" && path == "/token" {
		g.token(rw, r)
		return
	}
	rest, ok := strings.CutPrefix(path, g.prefix)
	if !ok && path+"/" != g.prefix {
		writeText(rw, http.StatusNotFound, "404 page not found\n")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		registryRefuse(rw, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.", nil)
		return
	}
	if rest == "" {
		if !registryTokenFits(r, "") {
			g.challenge(rw, r, "", "")
			return
		}
		writeJSON(rw, http.StatusOK, obj{})
		return
	}
	if name, ref, ok := cutLast(rest, "/manifests/"); ok {
		g.manifest(rw, r, name, ref)
		return
	}
	if name, ok := strings.CutSuffix(rest, "/tags/list"); ok {
		if tags, ok := g.open(rw, r, name); ok {
			writeJSON(rw, http.StatusOK, obj{"name": name, "tags": tags})
		}
		return
	}
	writeText(rw, http.StatusNotFound, "404 page not found\n")
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// registryComponent is the last part of a repository's name.
func registryComponent(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// open checks the token and returns the tags of a repository; when ok is false
// the answer is written.
func (g registryServer) open(rw http.ResponseWriter, r *http.Request, name string) (tags []string, ok bool) {
	switch {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "):
		g.challenge(rw, r, name, "")
		return nil, false
	case !registryTokenFits(r, name):
		g.challenge(rw, r, name, "insufficient_scope")
		return nil, false
	}
	if err := g.w.view(func(s *State) error { tags = registryTags(&s.Facts, registryComponent(name)); return nil }); err != nil {
		failed(rw, err)
		return nil, false
	}
	if tags == nil {
		registryRefuse(rw, http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry", obj{"name": name})
		return nil, false
	}
	return tags, true
}

// registryIndex is the type of every image here: one for several architectures.
const registryIndex = "application/vnd.oci.image.index.v1+json"

func (g registryServer) manifest(rw http.ResponseWriter, r *http.Request, name, ref string) {
	tags, ok := g.open(rw, r, name)
	if !ok {
		return
	}
	i := slices.IndexFunc(tags, func(tag string) bool { return tag == ref || registryDigest(name, tag) == ref })
	if i < 0 {
		registryRefuse(rw, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown", obj{"Tag": ref})
		return
	}
	// A client that does not say it can read an index is told that there is
	// nothing: the registry's reference implementation does so.
	if !slices.ContainsFunc(r.Header.Values("Accept"), func(v string) bool { return strings.Contains(v, registryIndex) || strings.Contains(v, "*/*") }) {
		registryRefuse(rw, http.StatusNotFound, "MANIFEST_UNKNOWN", "OCI index found, but accept header does not support OCI indexes", nil)
		return
	}
	body := registryManifest(name, tags[i])
	rw.Header().Set("Content-Type", registryIndex)
	rw.Header().Set("Docker-Content-Digest", registryDigest(name, tags[i]))
	rw.Header().Set("Etag", `"`+registryDigest(name, tags[i])+`"`)
	rw.Header().Set("Content-Length", itoa(len(body)))
	rw.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = rw.Write([]byte(body))
	}
}

func registryManifest(name, tag string) string {
	part := func(arch string) string {
		return fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s%s","size":1731,"platform":{"architecture":"%s","os":"linux"}}`,
			tokenFor(32, alphabetHex, "image", name, tag, arch), tokenFor(32, alphabetHex, "image end", name, tag, arch), arch)
	}
	return `{"schemaVersion":2,"mediaType":"` + registryIndex + `","manifests":[` + part("amd64") + "," + part("arm64") + "]}"
}

func registryDigest(name, tag string) string {
	sum := sha256.Sum256([]byte(registryManifest(name, tag)))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func registryRefuse(rw http.ResponseWriter, status int, code, message string, detail any) {
	writeJSON(rw, status, obj{"errors": []obj{{"code": code, "message": message, "detail": detail}}})
}

// challenge tells where a token is had. why is set when the one that was sent
// does not open the repository.
func (g registryServer) challenge(rw http.ResponseWriter, r *http.Request, name, why string) {
	root := strings.TrimSuffix(SelfURL(r), "/registry")
	if g.prefix == "/" {
		root = strings.TrimSuffix(SelfURL(r), "/v2")
	}
	c := fmt.Sprintf(`Bearer realm="%s/registry/token",service="registry.demo"`, root)
	if name != "" {
		c += fmt.Sprintf(`,scope="repository:%s:pull"`, name)
	}
	if why != "" {
		c += fmt.Sprintf(`,error="%s"`, why)
	}
	rw.Header().Set("Www-Authenticate", c)
	registryRefuse(rw, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required", nil)
}

// token answers with a token for one repository. It does so even when that
// token will open nothing; only wrong credentials are refused.
func (g registryServer) token(rw http.ResponseWriter, r *http.Request) {
	user, password, signed := r.BasicAuth()
	if signed && (user != RegistryUser || password != RegistryPassword) {
		registryRefuse(rw, http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password", nil)
		return
	}
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Query().Get("scope"), "repository:"), ":pull")
	t := registryToken(user, name)
	writeJSON(rw, http.StatusOK, obj{"token": t, "access_token": t, "expires_in": 300, "issued_at": "2026-01-01T00:00:00Z"})
}

func registryToken(user, name string) string {
	return tokenFor(32, alphabetAlnum, "registry token", user, name)
}

// registryTokenFits reports whether r's token opens a repository; "" is the
// registry itself.
func registryTokenFits(r *http.Request, name string) bool {
	return bearer(r, registryToken(RegistryUser, name)) ||
		bearer(r, registryToken("", name)) && registryComponent(name) != RegistryPrivate
}
