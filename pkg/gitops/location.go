package gitops

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Format is how a version is written in a file (contract section 2).
type Format string

// The formats. The zero value is FormatPath.
const (
	// FormatPath: a scalar at a YAML path, an image reference or a version alone.
	FormatPath Format = "yaml"
	// FormatKustomize: images[] of a kustomization.yaml, or spec.images[] of a
	// Flux Kustomization; Location.Image names the entry.
	FormatKustomize Format = "kustomize"
	// FormatHelm: the image of a HelmRelease's values; Location.Path names it,
	// spec.values.image without one.
	FormatHelm Format = "helmrelease"
	// FormatFile: a file that holds the version alone, or a YAML key.
	FormatFile Format = "file"
)

// Location is where a version is written.
type Location struct {
	File     string // in the repository, with slashes
	Format   Format
	Path     string // "spec.template.spec.containers[api].image"
	Image    string // with FormatKustomize: the entry's name
	Document string // "Deployment/api": which document of the file; "" is the one that has the path
}

// Check says, as an apierr.ErrUsage, why the location is not one.
func (l Location) Check() error {
	bad := func(format string, args ...any) error { return fail(apierr.ErrUsage, "", format, args...) }
	switch {
	case l.File == "":
		return bad("the file is missing")
	case strings.ContainsFunc(l.File, unicode.IsControl), strings.HasPrefix(l.File, "/"), path.Clean(l.File) != l.File, strings.HasPrefix(l.File, "../"), l.File == "..":
		return bad("the file %q is not a path inside the repository", l.File)
	}
	switch l.Format {
	case "", FormatPath:
		if l.Path == "" {
			return bad("%s: the path is missing, as in spec.template.spec.containers[api].image", l.File)
		}
	case FormatKustomize:
		if l.Image == "" {
			return bad("%s: the image's name is missing", l.File)
		}
	case FormatHelm, FormatFile:
	default:
		return bad("%s: the format %q is not one of yaml, kustomize, helmrelease, file", l.File, l.Format)
	}
	switch {
	case l.Format == FormatKustomize && l.Path != "":
		return bad("%s: the path has no effect with format kustomize", l.File)
	case l.Format != FormatKustomize && l.Image != "":
		return bad("%s: the image has no effect with format %s", l.File, cmp.Or(l.Format, FormatPath))
	}
	if _, err := parsePath(l.Path); err != nil {
		return bad("%s: the path %q: %v", l.File, l.Path, err)
	}
	return nil
}

// step is one element of a path: a key, or an element of a list.
type step struct {
	key   string
	list  bool   // in brackets
	field string // with list: the field to compare, "name" when not given
	index int    // with list: -1, or the position when key is a number
}

func (s step) String() string {
	if s.list {
		return "[" + s.key + "]"
	}
	return s.key
}

// parsePath reads a.b[c].d, [0], [name=c] and ["a.b/c"]. "" has no step.
func parsePath(text string) ([]step, error) {
	var out []step
	rest := text
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "["):
			s, after, err := bracket(rest[1:])
			if err != nil {
				return nil, err
			}
			out, rest = append(out, s), after
			if strings.HasPrefix(rest, ".") && len(rest) > 1 {
				rest = rest[1:]
			} else if rest != "" && rest[0] != '[' {
				return nil, errors.New("a dot or a bracket follows a bracket")
			}
		default:
			end := strings.IndexAny(rest, ".[")
			key := rest
			if end >= 0 {
				key = rest[:end]
			}
			if key == "" {
				return nil, errors.New("a name is empty")
			}
			out, rest = append(out, step{key: key, index: -1}), rest[len(key):]
			if strings.HasPrefix(rest, ".") {
				if rest = rest[1:]; rest == "" || rest[0] == '[' {
					return nil, errors.New("a name is empty")
				}
			}
		}
	}
	return out, nil
}

func bracket(rest string) (step, string, error) {
	if quote := strings.IndexAny(rest, `"'`); quote == 0 {
		q := rest[:1]
		text, after, ok := strings.Cut(rest[1:], q+"]")
		if !ok || text == "" {
			return step{}, "", errors.New("a quote or bracket is left open")
		}
		return step{key: text, index: -1}, after, nil
	}
	text, after, ok := strings.Cut(rest, "]")
	if !ok || text == "" {
		return step{}, "", errors.New("a bracket is left open or empty")
	}
	s := step{key: text, list: true, field: "name", index: -1}
	if field, value, ok := strings.Cut(text, "="); ok {
		s.field, s.key = field, value
		return s, after, nil
	}
	if n, err := strconv.Atoi(text); err == nil {
		if n < 0 {
			return step{}, "", fmt.Errorf("[%d] is no position", n)
		}
		s.index = n
	}
	return s, after, nil
}
