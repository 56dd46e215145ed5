package logs

import (
	"cmp"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/loki"
)

// Pattern is a group of similar lines. <_> stands for what varies.
type Pattern struct {
	Pattern string  `json:"pattern"`
	Count   int64   `json:"count"`
	Before  int64   `json:"before"` // in the span before; 0 without one
	Share   float64 `json:"share"`  // of all lines, 0 to 1
	Novelty string  `json:"novelty,omitempty"`
	Example string  `json:"example"`
}

// Miner groups lines by similarity in bounded memory, as they come. It cuts a
// line into words, hides those that plainly vary (numbers, ids, addresses), and
// joins it to the group of the same length and first word that shares most words;
// words that differ become <_>. The idea is that of Drain (He et al., 2017).
type Miner struct {
	groups  map[string][]*mined // by number of words and first word
	n       int
	dropped int64 // lines of groups that were given up
	now     int64 // lines counted
	before  int64
}

type mined struct {
	words   []string
	count   int64
	before  int64
	example string
}

const (
	maxPatterns = 2000 // groups kept; the smallest are given up beyond it
	maxWords    = 40   // of a line; the rest counts as one
	maxExample  = 500  // bytes of the example
	likeness    = 0.6  // share of equal words that makes two lines similar
)

// NewMiner makes an empty miner.
func NewMiner() *Miner { return &Miner{groups: map[string][]*mined{}} }

// Add counts a line. before marks one of the span that is compared with.
func (m *Miner) Add(line string, before bool) {
	words := split(line)
	if before {
		m.before++
	} else {
		m.now++
	}
	bucket := string(rune(len(words))) + words[0]
	var best *mined
	most := 0.0
	for _, g := range m.groups[bucket] {
		if s := alike(g.words, words); s > most {
			best, most = g, s
		}
	}
	if best == nil || most < likeness {
		m.makeRoom()
		best = &mined{words: words, example: line[:min(len(line), maxExample)]}
		m.groups[bucket] = append(m.groups[bucket], best)
		m.n++
	}
	for i, w := range words {
		if best.words[i] != w {
			best.words[i] = varies
		}
	}
	if before {
		best.before++
		return
	}
	if best.count == 0 {
		best.example = line[:min(len(line), maxExample)]
	}
	best.count++
}

// varies stands for what differs between the lines of a group.
const varies = "<_>"

// variable are words, or parts of words, that name one thing among many.
var variable = lazyregexp.New(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22}` + // uuid
	`|\b0x[0-9a-fA-F]+\b|\b[0-9a-fA-F]*[0-9][0-9a-fA-F]{6,}\b` + // addresses, digests
	`|[0-9]+(?:[.:][0-9]+)*`) // numbers, times, IP addresses

func split(line string) []string {
	words := strings.Fields(line)
	if len(words) == 0 {
		return []string{""}
	}
	if len(words) > maxWords {
		words = append(words[:maxWords:maxWords], "…")
	}
	for i, w := range words {
		if len(w) > 200 {
			w = w[:200]
		}
		if strings.ContainsAny(w, "0123456789") {
			w = variable().ReplaceAllString(w, varies)
		}
		words[i] = w
	}
	return words
}

// alike is the share of equal words; a place that already varies counts half.
func alike(group, words []string) float64 {
	same := 0.0
	for i, w := range words {
		switch group[i] {
		case w:
			same++
		case varies:
			same += 0.5
		}
	}
	return same / float64(len(words))
}

// makeRoom gives up the smaller half of the groups when there are too many.
func (m *Miner) makeRoom() {
	if m.n < maxPatterns {
		return
	}
	all := []*mined{}
	for _, g := range m.groups {
		all = append(all, g...)
	}
	slices.SortFunc(all, func(a, b *mined) int { return cmp.Compare(b.count+b.before, a.count+a.before) })
	keep := map[*mined]bool{}
	for _, g := range all[:maxPatterns/2] {
		keep[g] = true
	}
	m.n = maxPatterns / 2
	for k, list := range m.groups {
		list = slices.DeleteFunc(list, func(g *mined) bool {
			if !keep[g] {
				m.dropped += g.count
			}
			return !keep[g]
		})
		m.groups[k] = list
		if len(list) == 0 {
			delete(m.groups, k)
		}
	}
}

// Patterns are the groups found so far: new ones first when there was a span
// before, then by count. rest is the number of lines in groups that were given up.
func (m *Miner) Patterns() (out []Pattern, rest int64) {
	out = []Pattern{}
	for _, list := range m.groups {
		for _, g := range list {
			p := Pattern{Pattern: strings.Join(g.words, " "), Count: g.count, Before: g.before, Example: g.example}
			if m.now > 0 {
				p.Share = float64(g.count) / float64(m.now)
			}
			if m.before > 0 {
				p.Novelty = change(g.before, g.count)
			}
			if g.count > 0 || g.before > 0 {
				out = append(out, p)
			}
		}
	}
	sortPatterns(out)
	return out, m.dropped
}

// ServerPatterns turns the patterns of a server's ingester into ours; before are
// those of the span that is compared with, nil for none.
func ServerPatterns(now, before []loki.Pattern) []Pattern {
	found := map[string]*Pattern{}
	var total int64
	get := func(p loki.Pattern) *Pattern {
		if found[p.Pattern] == nil {
			found[p.Pattern] = &Pattern{Pattern: p.Pattern}
		}
		return found[p.Pattern]
	}
	for _, p := range now {
		get(p).Count += p.Count()
		total += p.Count()
	}
	for _, p := range before {
		get(p).Before += p.Count()
	}
	out := []Pattern{}
	for _, p := range found {
		if total > 0 {
			p.Share = float64(p.Count) / float64(total)
		}
		if before != nil {
			p.Novelty = change(p.Before, p.Count)
		}
		out = append(out, *p)
	}
	sortPatterns(out)
	return out
}

// sortPatterns puts what is new or grown first, then what is frequent.
func sortPatterns(all []Pattern) {
	rank := func(p Pattern) int {
		switch p.Novelty {
		case "new":
			return 0
		case "grown":
			return 1
		}
		return 2
	}
	slices.SortFunc(all, func(a, b Pattern) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Pattern, b.Pattern))
	})
}
