// Package printer is the only way a result leaves the program. A noun says once
// what its things are (Table, the JSON tags of its type); every command then
// prints lists, single things and streams of them in every format.
//
// Results go to stdout and nothing else does. What a format cannot carry (that
// a source failed, that a list is cut, that it is empty) is told on stderr.
//
// Text in results is written by others. Tables, Markdown and details show it
// through ios.Visible; JSON and YAML carry it exactly, with control, bidi and
// invisible characters as escapes.
package printer

import (
	"cmp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/itchyny/gojq"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nearest"
)

// APIVersion is the version of the JSON contract.
const APIVersion = "oncall/v1"

// The formats of -o.
const (
	FormatTable = "table" // columns for people; the default
	FormatWide  = "wide"  // all columns, nothing cut
	FormatJSON  = "json"  // one envelope
	FormatJSONL = "jsonl" // one item a line, no envelope
	FormatYAML  = "yaml"  // the envelope as YAML
	FormatName  = "name"  // kind/name, one a line
	FormatMD    = "md"    // a Markdown table to paste
)

// Formats are all values of -o, in the order in which help shows them.
var Formats = []string{FormatTable, FormatWide, FormatJSON, FormatJSONL, FormatYAML, FormatName, FormatMD}

// Options are the flags that choose what is printed.
type Options struct {
	Format   string // one of Formats; "" is table
	Source   string // where Format was chosen, for the error; "" is --output
	JQ       string // a jq expression over the JSON envelope; takes the place of Format
	Template string // a Go template over the JSON envelope; takes the place of Format

	// Now is the clock of the age function of templates; nil is time.Now.
	Now func() time.Time
}

// Printer prints results in one format. It is made once per command.
type Printer struct {
	io       *ios.Streams
	format   string
	query    *gojq.Code
	each     *gojq.Code // query for one item of a list by itself; nil when it needs the whole
	template *template.Template
}

// New checks the options, so that a wrong one is known before anything is sent.
// Every error is an ErrUsage.
func New(o Options, s *ios.Streams) (*Printer, error) {
	p := &Printer{io: s, format: o.Format}
	if p.format == "" {
		p.format = FormatTable
	}
	if !slices.Contains(Formats, p.format) {
		return nil, unknownFormat(o.Source, p.format)
	}
	if o.JQ != "" && o.Template != "" {
		return nil, apierr.New(apierr.ErrUsage, "", "--jq and --template", "only one of them can be given")
	}
	var err error
	switch {
	case o.JQ != "":
		p.query, p.each, err = compileQuery(o.JQ)
	case o.Template != "":
		p.template, err = parseTemplate(o.Template, o.Now)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// WithFormat is p with another format, one of Formats. --jq and --template keep
// their place.
func (p *Printer) WithFormat(format string) *Printer {
	c := *p
	c.format = format
	return &c
}

// Format is the format in use; json when --jq or --template reads the envelope.
func (p *Printer) Format() string {
	if p.query != nil || p.template != nil {
		return FormatJSON
	}
	return p.format
}

// Human tells whether a person reads the result, so that a hint on what to do
// next is welcome: in table and wide.
func (p *Printer) Human() bool {
	f := p.Format()
	return f == FormatTable || f == FormatWide
}

// Wide tells whether everything there is was asked for (-o wide).
func (p *Printer) Wide() bool { return p.Format() == FormatWide }

// alias maps words people try to the format they mean.
var alias = map[string]string{
	"yml": FormatYAML, "markdown": FormatMD, "ndjson": FormatJSONL, "text": FormatTable,
	"plain": FormatTable, "csv": FormatJSONL, "ids": FormatName, "names": FormatName,
}

func unknownFormat(source, format string) error {
	e := apierr.New(apierr.ErrUsage, "", cmp.Or(source, "--output"), "unknown format %q: %s", ios.Visible(format), list(Formats, "or"))
	near := alias[strings.ToLower(format)]
	if all := nearest.Of(format, Formats); near == "" && len(all) > 0 {
		near = all[0]
	}
	switch {
	case near == "":
		return e
	case source != "":
		return e.WithHint("%s=%s", source, near)
	}
	return e.WithHint("-o %s", near)
}

// list joins words as prose: "a, b or c".
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}
