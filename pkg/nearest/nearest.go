// Package nearest finds what somebody probably meant by a misspelt word.
package nearest

import (
	"slices"
	"strings"
)

// Of returns the names that are likely meant by word, the likeliest first, at
// most three; none when nothing is near. Case does not count; a transposed pair
// of letters is one mistake. Names that begin with the word, or hold it as a
// part, count as near.
func Of(word string, names []string) []string {
	type found struct {
		name string
		cost int
	}
	w := []rune(strings.ToLower(word))
	if len(w) == 0 {
		return nil
	}
	near := []found{}
	for _, name := range names {
		n := strings.ToLower(name)
		cost := distance(w, []rune(n))
		switch {
		case len(w) >= 2 && strings.HasPrefix(n, string(w)):
			cost = min(cost, 1)
		case len(w) >= 3 && strings.Contains(n, string(w)):
			cost = min(cost, 2)
		}
		if cost <= allowed(len(w)) {
			near = append(near, found{name, cost})
		}
	}
	slices.SortStableFunc(near, func(a, b found) int { return a.cost - b.cost })
	out := []string{}
	for _, f := range near {
		if !slices.Contains(out, f.name) && len(out) < 3 {
			out = append(out, f.name)
		}
	}
	return out
}

// allowed is how many mistakes a word of n letters may have.
func allowed(n int) int {
	switch {
	case n <= 2:
		return 1
	case n <= 5:
		return 2
	default:
		return 3
	}
}

// distance is the number of letters to add, drop, change or swap with a
// neighbour to turn a into b (optimal string alignment).
func distance(a, b []rune) int {
	if len(a) == 0 || len(b) == 0 {
		return len(a) + len(b)
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
