package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manName is the name of a command's manual page: oncall-incident.
func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func overviewMan(tree *cobra.Command) string {
	m := newMan(tree, "1")
	m.heading("SYNOPSIS")
	m.prose(tree.Name() + " <command> [flags]")
	m.heading("DESCRIPTION")
	m.prose(about(tree))
	m.heading("COMMANDS")
	for _, c := range shown(tree) {
		if !topic(c) {
			m.item(manName(c)+"(1)", c.Short)
		}
	}
	m.heading("OPTIONS")
	m.flags(tree.PersistentFlags())
	m.heading("SEE ALSO")
	for _, c := range shown(tree) {
		if topic(c) {
			m.item(manName(c)+"(7)", c.Short)
		}
	}
	return m.String()
}

func pageMan(page *cobra.Command) string {
	if topic(page) {
		m := newMan(page, "7")
		m.heading("DESCRIPTION")
		m.prose(about(page))
		return m.String()
	}
	m := newMan(page, "1")
	m.heading("SYNOPSIS")
	for _, c := range every(page) {
		if !group(c) {
			m.text(usage(c))
			m.line(".br")
		}
	}
	if group(page) {
		m.heading("COMMANDS")
	} else {
		m.heading("DESCRIPTION")
	}
	for _, c := range every(page) {
		if group(c) {
			continue
		}
		if c != page {
			m.line(`.SS "` + quoted(c.CommandPath()) + `"`)
		}
		m.prose(c.Short + ".")
		if c.Long != "" {
			m.prose(about(c))
		}
		m.flags(c.NonInheritedFlags())
		if c.Example != "" {
			m.line(".PP")
			m.text("Examples:")
			m.code(outdent(c.Example))
		}
	}
	m.heading("SEE ALSO")
	m.text(page.Root().Name() + "(1) for the options of every command")
	return m.String()
}

// man builds a manual page in the man macros of roff.
type man struct{ strings.Builder }

func newMan(cmd *cobra.Command, section string) *man {
	m := &man{}
	m.line(`.\" ` + mark)
	m.line(`.TH "` + strings.ToUpper(quoted(manName(cmd))) + `" "` + section + `" "" "oncall" "oncall"`)
	m.line(".nh") // commands are copied: no hyphens of our own, no spread blanks
	m.line(".ad l")
	m.heading("NAME")
	m.text(manName(cmd) + " - " + cmd.Short)
	return m
}

// line writes a line of roff as it is.
func (m *man) line(text string) { m.WriteString(text + "\n") }

func (m *man) heading(title string) { m.line(".SH " + title) }

// text writes lines of plain text.
func (m *man) text(text string) {
	for _, l := range strings.Split(text, "\n") {
		m.line(escaped(l))
	}
}

func (m *man) prose(text string) {
	for _, p := range blocks(text) {
		if p.code {
			m.code(outdent(p.text))
			continue
		}
		m.line(".PP")
		m.text(strings.TrimLeft(p.text, "# ")) // cobra's texts on completion have Markdown headings
	}
}

func (m *man) code(text string) {
	m.line(".PP\n.RS 4\n.nf")
	m.text(text)
	m.line(".fi\n.RE")
}

func (m *man) item(term, text string) {
	m.line(".TP\n\\fB" + quoted(term) + `\fR`)
	m.text(text)
}

func (m *man) flags(fs *pflag.FlagSet) {
	flags(fs, func(f *pflag.Flag, value, usage string) { m.item(spelling(f, value), usage) })
}

// escaped is a line of text as roff reads it: a dot or an apostrophe at its
// begin makes no request of it, and hyphens stay the ones to be typed.
func escaped(text string) string {
	text = quoted(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

// quoted is a text within a line of roff.
func quoted(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`).Replace(text)
}
