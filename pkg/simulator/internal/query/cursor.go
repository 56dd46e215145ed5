package query

import "strings"

// Kind is that of a token.
type Kind int

// The kinds.
const (
	End Kind = iota
	Word
	Number
	Duration
	String
	Op // operators and punctuation
)

// Token is one word of a query.
type Token struct {
	Kind Kind
	Text string // of a string: its value
	Pos  int    // byte offset
}

// Place is the line and the column of a byte offset, both from 1.
func Place(src string, pos int) (line, col int) {
	before := src[:min(pos, len(src))]
	return 1 + strings.Count(before, "\n"), pos - strings.LastIndex(before, "\n")
}

// maxDepth of parentheses and calls: the stack is not endless.
const maxDepth = 300

// Cursor is a parser's place among the tokens, of which the last is an End.
type Cursor struct {
	Src    string
	Tokens []Token
	// Lacks is the first thing in a valid query that is not spoken here. The rest
	// is still read, as a mistake in it is a mistake.
	Lacks *Unsupported

	i, depth int
}

// Peek is the next token.
func (c *Cursor) Peek() Token { return c.After(0) }

// After is the token n places behind the next one, before it where n is negative.
func (c *Cursor) After(n int) Token { return c.Tokens[min(c.i+n, len(c.Tokens)-1)] }

// Take consumes the next token.
func (c *Cursor) Take() Token {
	t := c.Peek()
	c.i = min(c.i+1, len(c.Tokens)-1)
	return t
}

// Is reports whether an operator comes next.
func (c *Cursor) Is(op string) bool { t := c.Peek(); return t.Kind == Op && t.Text == op }

// Accept consumes an operator, if it comes next.
func (c *Cursor) Accept(op string) bool {
	if !c.Is(op) {
		return false
	}
	c.Take()
	return true
}

// Keyword reports whether a word comes next; its case does not matter.
func (c *Cursor) Keyword(w string) bool {
	t := c.Peek()
	return t.Kind == Word && strings.EqualFold(t.Text, w)
}

// Without notes something that is valid and not spoken.
func (c *Cursor) Without(what string) {
	if c.Lacks == nil {
		c.Lacks = &Unsupported{what}
	}
}

// Enter goes one level deeper, which Leave undoes.
func (c *Cursor) Enter() error {
	if c.depth++; c.depth > maxDepth {
		return &Unsupported{"queries that are nested so deeply"}
	}
	return nil
}

// Leave comes back from Enter.
func (c *Cursor) Leave() { c.depth-- }
