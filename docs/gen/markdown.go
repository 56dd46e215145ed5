package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func overviewMarkdown(tree *cobra.Command) string {
	var b strings.Builder
	b.WriteString("<!-- " + mark + " -->\n# " + tree.Name() + "\n\n")
	proseMarkdown(&b, about(tree))
	list := func(title string, wanted func(*cobra.Command) bool) {
		var lines strings.Builder
		for _, c := range shown(tree) {
			if wanted(c) {
				fmt.Fprintf(&lines, "- [%s](%s.md): %s\n", c.Name(), c.Name(), plain(c.Short))
				for _, sub := range every(c)[1:] {
					if !group(sub) {
						fmt.Fprintf(&lines, "  - [%s](%s.md#%s): %s\n", strings.TrimPrefix(sub.CommandPath(), tree.Name()+" "),
							c.Name(), strings.ReplaceAll(sub.CommandPath(), " ", "-"), plain(sub.Short))
					}
				}
			}
		}
		if lines.Len() > 0 {
			b.WriteString("## " + title + "\n\n" + lines.String() + "\n")
		}
	}
	for _, g := range tree.Groups() {
		list(strings.TrimSuffix(g.Title, ":"), func(c *cobra.Command) bool { return c.GroupID == g.ID && !topic(c) })
	}
	list("Other commands", func(c *cobra.Command) bool { return c.GroupID == "" && !topic(c) })
	list("Topics", topic)
	flagsMarkdown(&b, "## Flags of every command", tree.PersistentFlags())
	return b.String()
}

func pageMarkdown(page *cobra.Command) string {
	var b strings.Builder
	b.WriteString("<!-- " + mark + " -->\n")
	for _, c := range every(page) {
		heading := "#"
		if c != page {
			heading = "##"
		}
		b.WriteString(heading + " " + c.CommandPath() + "\n\n")
		if c.Long == "" || !topic(c) {
			b.WriteString(plain(c.Short) + ".\n\n")
		}
		if !topic(c) && !group(c) {
			code(&b, "console", usage(c))
		}
		if c.Long != "" {
			proseMarkdown(&b, about(c))
		}
		if c.Example != "" {
			b.WriteString("Examples:\n\n")
			code(&b, "console", outdent(c.Example))
		}
		if !topic(c) {
			flagsMarkdown(&b, "Flags:", c.NonInheritedFlags())
		}
	}
	if !topic(page) {
		b.WriteString("The [flags of every command](README.md#flags-of-every-command) work here too.\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// flagsMarkdown writes flags as a table below a title, nothing when there are
// none.
func flagsMarkdown(b *strings.Builder, title string, fs *pflag.FlagSet) {
	var rows strings.Builder
	flags(fs, func(f *pflag.Flag, value, usage string) {
		fmt.Fprintf(&rows, "| `%s` | %s |\n", spelling(f, value), strings.ReplaceAll(plain(usage), "|", `\|`))
	})
	if rows.Len() > 0 {
		b.WriteString(title + "\n\n| flag | meaning |\n| --- | --- |\n" + rows.String() + "\n")
	}
}

func proseMarkdown(b *strings.Builder, text string) {
	for _, p := range blocks(text) {
		if p.code {
			code(b, "text", outdent(p.text))
		} else {
			b.WriteString(plain(p.text) + "\n\n")
		}
	}
}

func code(b *strings.Builder, language, text string) {
	b.WriteString("```" + language + "\n" + text + "\n```\n\n")
}

// plain keeps words like <number> and *.log in a text from being taken for HTML
// or markup. What stands between backquotes is left alone.
func plain(text string) string {
	parts := strings.Split(text, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`).Replace(parts[i])
	}
	return strings.Join(parts, "`")
}
