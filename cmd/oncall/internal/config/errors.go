package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nearest"
)

// usage is an error of the configuration: exit 2, nothing was sent.
func usage(format string, args ...any) *apierr.Error {
	return apierr.New(apierr.ErrUsage, "", "", format, args...)
}

// at is the place of a line in a file as errors name it: "config.yaml:12".
func at(file string, line int) string { return fmt.Sprintf("%s:%d", filepath.Base(file), line) }

// together joins errors found in one read, so that they can be mended in one go.
func together(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// nearestFirst puts the names that word probably means before the others.
func nearestFirst(word string, names []string) []string {
	out := nearest.Of(word, names)
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// didYouMean is " (did you mean X?)" when a name is close enough to be meant, else "".
func didYouMean(word string, names []string) string {
	if near := nearest.Of(word, names); len(near) > 0 {
		return " (did you mean " + near[0] + "?)"
	}
	return ""
}
