package printer

import (
	"io"
	"strings"
	"unicode"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Table tells how things of one type are shown. The JSON form of T (its tags)
// is designed first; columns are views of it.
type Table[T any] struct {
	// Kind is the name of the type in JSON, in upper camel case: Incident. A
	// list is of kind IncidentList, a name is incident/4127.
	Kind string
	// Name is what follows the kind under -o name.
	Name func(T) string
	// Columns from left to right.
	Columns []Column[T]
	// Empty is the sentence for an empty list: "no open incidents".
	Empty string
}

// Column is one column of a table.
type Column[T any] struct {
	Header string
	// Wide columns are shown under -o wide only.
	Wide bool
	// Flex columns give way in a narrow terminal: their cells are cut, with …
	// Meant for titles and other prose, not for numbers, ids and names.
	Flex bool
	// Min is the width below which a flexible column is not cut; 0 is 12.
	Min int
	// Keep marks a column that is left out of a narrow terminal only when those
	// without it are gone. Where a table has one, its first column is left out
	// like any other unless it has it too.
	Keep bool
	// Spare marks a column that is the first to be left out, also when it is flexible.
	Spare bool
	// Value is the text of the cell; "" is shown as "-".
	Value func(T) string
	// Style, which may be nil, colours the cell.
	Style func(T) ios.Style
}

// Meta is what is to be said about a result apart from its items.
type Meta struct {
	// Truncated tells that there are more items than are listed.
	Truncated bool `json:"truncated,omitempty"`
	// Partial are the sources that could not be asked or answered in part.
	Partial []Partial `json:"partial,omitempty"`

	// DryRun tells that nothing was sent; Plan is then what would happen, in
	// words, and Requests what would have been sent, masked.
	DryRun   bool           `json:"dryRun,omitempty"`
	Plan     []string       `json:"plan,omitempty"`
	Requests []httpx.Fenced `json:"requests,omitempty"`

	// More says how to see the rest of a truncated list: "--limit 500 shows
	// more". For stderr only.
	More string `json:"-"`
	// Empty takes the place of Table.Empty: "no open incident pages you".
	Empty string `json:"-"`
}

// Partial is one source whose part of a result is missing.
type Partial struct {
	Source string `json:"source"` // the system, in the words of the user: "statuspage"
	Error  string `json:"error"`
}

// Partials tells which parts of an answer are missing.
func Partials(all []apierr.Partial) []Partial {
	out := []Partial{}
	for _, p := range all {
		out = append(out, Partial{Source: p.Source, Error: p.Err.Error()})
	}
	return out
}

// List prints things. JSON and YAML are one envelope of kind Table.Kind+"List";
// jsonl is one item a line without envelope; an empty list is a sentence on
// stderr and nothing on stdout in the formats for people.
func List[T any](p *Printer, t Table[T], items []T, meta Meta) error {
	out := p.io.Stdout()
	if p.query != nil || p.template != nil {
		p.tell(meta)
		if p.each != nil {
			return projectEach(p, out, items)
		}
		return p.project(out, listEnvelope(t.Kind, items, meta))
	}
	switch p.format {
	case FormatJSON:
		return listJSON(out, t.Kind, items, meta)
	case FormatYAML:
		return p.envelope(out, listEnvelope(t.Kind, items, meta))
	case FormatJSONL:
		p.tell(meta)
		return writeLines(out, items)
	case FormatName:
		p.tell(meta)
		return writeNames(out, t, items)
	}
	if len(items) == 0 {
		p.io.Note("%s", emptyText(t.Kind, t.Empty, meta.Empty))
		p.tell(meta)
		return nil
	}
	var err error
	if p.format == FormatMD {
		err = markdownTable(out, t.Columns, items)
	} else {
		err = p.table(out, newGrid(t.Columns, items, p.Wide()))
	}
	if err != nil {
		return err
	}
	p.tell(meta)
	return nil
}

// Item prints one thing. In table and wide it is what detail builds, or a table
// of one row when detail is nil; md is the same as Markdown. At most one Meta
// may be given.
func Item[T any](p *Printer, t Table[T], item T, detail func(*Detail), meta ...Meta) error {
	var m Meta
	if len(meta) > 0 {
		m = meta[0]
	}
	out := p.io.Stdout()
	if p.query != nil || p.template != nil {
		p.tell(m)
		return p.project(out, itemEnvelope(t.Kind, item, m))
	}
	switch p.format {
	case FormatJSON, FormatYAML:
		return p.envelope(out, itemEnvelope(t.Kind, item, m))
	}
	if detail == nil || p.format == FormatJSONL || p.format == FormatName {
		return List(p, t, []T{item}, m)
	}
	d := &Detail{wide: p.Wide()}
	detail(d)
	text := d.markdown()
	if p.format != FormatMD {
		text = d.render(p.io)
	}
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	p.tell(m)
	return nil
}

// tell says on stderr what the formats without envelope cannot carry.
func (p *Printer) tell(m Meta) {
	if m.Truncated {
		more := ""
		if m.More != "" {
			more = ": " + m.More
		}
		p.io.Warn("the list is cut%s", more)
	}
	for _, x := range m.Partial {
		p.io.Warn("%s: %s", x.Source, x.Error)
	}
}

func emptyText(kind, of, override string) string {
	switch {
	case override != "":
		return override
	case of != "":
		return of
	default:
		return "no " + words(kind) + " found"
	}
}

func writeNames[T any](w io.Writer, t Table[T], items []T) error {
	if t.Name == nil {
		return noNames(t.Kind)
	}
	var b strings.Builder
	for _, x := range items {
		b.WriteString(nameOf(t.Kind, t.Name(x)))
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// nameOf is a thing under -o name: incident/4127.
func nameOf(kind, name string) string { return kebab(kind) + "/" + ios.Visible(name) }

// kindOf is a kind in JSON: upper camel case.
func kindOf(kind string) string {
	if kind == "" {
		return kind
	}
	return strings.ToUpper(kind[:1]) + kind[1:]
}

// words is a kind in prose: StatusIncident is status incident.
func words(kind string) string { return strings.ReplaceAll(kebab(kind), "-", " ") }

// kebab is a kind in lower case: StatusIncident becomes status-incident,
// RDSInstance rds-instance.
func kebab(kind string) string {
	in := []rune(kind)
	var b strings.Builder
	for i, r := range in {
		begins := unicode.IsUpper(r) && i > 0 &&
			(!unicode.IsUpper(in[i-1]) || i+1 < len(in) && unicode.IsLower(in[i+1]))
		if begins {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
