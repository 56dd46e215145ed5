package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
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

// Nearest orders names by their likeness to word, the most alike first, equals
// as they came.
func Nearest(word string, names []string) []string {
	out := append([]string(nil), names...)
	sort.SliceStable(out, func(i, j int) bool { return distance(word, out[i]) < distance(word, out[j]) })
	return out
}

// didYouMean is " (did you mean X?)" when a name is close enough to be meant, else "".
func didYouMean(word string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	best := Nearest(word, names)[0]
	if d := distance(word, best); d > 2 && d > len(word)/3 {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// distance counts the letters to change, add, drop or swap with a neighbour
// between a and b, without regard to case.
func distance(a, b string) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	before, prev, cur := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		cur[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(y)]
}
