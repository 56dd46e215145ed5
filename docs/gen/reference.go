package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// reference makes all files of the reference, by path: an overview, a page for
// each command below the root, which holds the commands below it, and a page
// for each help topic. Each is there as Markdown and as a manual page.
func reference(tree *cobra.Command) map[string]string {
	files := map[string]string{
		"README.md":                 overviewMarkdown(tree),
		"man/" + tree.Name() + ".1": overviewMan(tree),
	}
	for _, c := range shown(tree) {
		files[c.Name()+".md"] = pageMarkdown(c)
		section := ".1"
		if topic(c) {
			section = ".7"
		}
		files["man/"+manName(c)+section] = pageMan(c)
	}
	return files
}

// shown are the commands below cmd that are for people, in order.
func shown(cmd *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{}
	for _, c := range cmd.Commands() {
		if !c.Hidden && c.Deprecated == "" && c.Name() != "help" {
			out = append(out, c)
		}
	}
	return out
}

// every is cmd and all below it that are for people, in the order of reading.
func every(cmd *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{cmd}
	for _, c := range shown(cmd) {
		out = append(out, every(c)...)
	}
	return out
}

// topic tells whether a command is a page of help and does nothing.
func topic(cmd *cobra.Command) bool { return !cmd.Runnable() && !cmd.HasSubCommands() }

// group tells whether a command only holds others; one that does something by
// itself has an example.
func group(cmd *cobra.Command) bool { return cmd.HasSubCommands() && cmd.Example == "" }

// about is the text on a command: Long, or Short as a sentence.
func about(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return strings.TrimSpace(cmd.Long)
	}
	return cmd.Short + "."
}

// block is a paragraph; code is one whose lines stand as they are.
type block struct {
	text string
	code bool
}

// blocks splits a text at empty lines. A paragraph in which blanks align
// something is a table or an example.
func blocks(text string) []block {
	out := []block{}
	for _, p := range strings.Split(strings.TrimRight(text, "\n"), "\n\n") {
		if p = strings.Trim(p, "\n"); p != "" {
			out = append(out, block{p, strings.HasPrefix(p, " ") || strings.Contains(p, "\n ") ||
				strings.Contains(p, "  ") || strings.Contains(p, "\t")})
		}
	}
	return out
}

// flags calls fn for each flag that is for people.
func flags(fs *pflag.FlagSet, fn func(f *pflag.Flag, value, usage string)) {
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		switch f.DefValue {
		case "", "false", "0", "0s", "[]":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		fn(f, value, usage)
	})
}

// spelling is how a flag is typed: "-o, --output string".
func spelling(f *pflag.Flag, value string) string {
	s := "--" + f.Name
	if f.Shorthand != "" {
		s = "-" + f.Shorthand + ", " + s
	}
	if value != "" && f.Value.Type() != "count" {
		s += " " + value
	}
	return s
}

// usage is how a command is typed. cobra's own UseLine depends on what was
// asked of the command before.
func usage(cmd *cobra.Command) string {
	line := cmd.Use
	if cmd.HasParent() {
		line = cmd.Parent().CommandPath() + " " + line
	}
	if cmd.HasAvailableLocalFlags() && !strings.Contains(line, "[flags]") {
		line += " [flags]"
	}
	return line
}

// outdent takes the indent that all lines have off them.
func outdent(text string) string {
	lines := strings.Split(strings.ReplaceAll(strings.Trim(text, "\n"), "\t", "    "), "\n")
	indent := -1
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
		if n := len(lines[i]) - len(strings.TrimLeft(lines[i], " ")); lines[i] != "" && (indent < 0 || n < indent) {
			indent = n
		}
	}
	for i := range lines {
		lines[i] = lines[i][min(len(lines[i]), max(0, indent)):]
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
