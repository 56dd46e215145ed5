package simulator

import (
	"net/http"
	"strconv"
	"strings"
)

// tree is a parsed ?tree= of Jenkins: names, each with its own tree and a range.
type tree map[string]*treeNode

type treeNode struct {
	sub      tree // nil: everything below, one level
	from, to int  // range of a list; to is -1 for no end
}

// parseTree reads "a,b[c,d],builds[number]{0,50}". What it cannot read it
// leaves out, as Jenkins does with unknown names.
func parseTree(s string) tree {
	t, _ := parseTreeAt(s, 0)
	return t
}

func parseTreeAt(s string, i int) (tree, int) {
	out := tree{}
	for i < len(s) && s[i] != ']' {
		start := i
		for i < len(s) && !strings.ContainsRune(",[]{", rune(s[i])) {
			i++
		}
		n := &treeNode{to: -1}
		name := strings.TrimSpace(s[start:i])
		if i < len(s) && s[i] == '[' {
			n.sub, i = parseTreeAt(s, i+1)
			if i < len(s) {
				i++ // the bracket
			}
		}
		if i < len(s) && s[i] == '{' {
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return out, len(s)
			}
			n.from, n.to = parseRange(s[i+1 : i+end])
			i += end + 1
		}
		if name != "" {
			out[name] = n
		}
		if i < len(s) && s[i] == ',' {
			i++
		} else if i < len(s) && s[i] != ']' && i == start {
			i++ // a stray character
		}
	}
	return out, i
}

// parseRange reads "M,N" (M up to but not N), "N" (one element), "M," and ",N".
func parseRange(s string) (from, to int) {
	a, b, both := strings.Cut(s, ",")
	from, _ = strconv.Atoi(a)
	if !both {
		return from, from + 1
	}
	to, err := strconv.Atoi(b)
	if err != nil {
		return from, -1
	}
	return from, to
}

// prune keeps of v what t names. "_class" stays everywhere.
func (t tree) prune(v any) any {
	switch v := v.(type) {
	case obj:
		out := obj{}
		if c, ok := v["_class"]; ok {
			out["_class"] = c
		}
		for name, n := range t {
			child, ok := v[name]
			if !ok {
				continue
			}
			if list, ok := child.([]obj); ok {
				child = n.cut(list)
			}
			switch {
			case n.sub != nil:
				out[name] = n.sub.prune(child)
			default:
				out[name] = shallow(child)
			}
		}
		return out
	case []obj:
		out := make([]any, len(v))
		for i, o := range v {
			out[i] = t.prune(o)
		}
		return out
	}
	return v
}

func (n *treeNode) cut(list []obj) []obj {
	to := len(list)
	if n.to >= 0 {
		to = min(n.to, to)
	}
	if n.from >= to {
		return []obj{}
	}
	return list[max(0, n.from):to]
}

// shallow is a named thing without a tree of its own: objects show their class.
func shallow(v any) any {
	switch v := v.(type) {
	case obj:
		return tree{}.prune(v)
	case []obj:
		return tree{}.prune(v)
	}
	return v
}

// writeTree answers with v, cut by the request's tree. Without one Jenkins dumps
// two levels; the demo's objects are small enough to give all.
func writeTree(rw http.ResponseWriter, r *http.Request, v obj) {
	var out any = v
	if t := r.URL.Query().Get("tree"); t != "" {
		out = parseTree(t).prune(v)
	}
	writeJSON(rw, http.StatusOK, out)
}
