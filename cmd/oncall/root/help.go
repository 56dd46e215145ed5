package root

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
)

// helpCommand is `oncall help COMMAND`. By itself cobra takes an unknown word
// under a group for the group and exits 0.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [command]",
		Short:   "Help about any command",
		Example: "oncall help incident ack\noncall help exit-codes",
		RunE: func(c *cobra.Command, words []string) error {
			cmd, rest, err := c.Root().Find(words)
			if err != nil || len(rest) > 0 {
				return cli.UnknownCommand(cmd, rest[0])
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
		ValidArgsFunction: func(c *cobra.Command, words []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			cmd, rest, err := c.Root().Find(words)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			out := []cobra.Completion{}
			for _, sub := range cmd.Commands() {
				if !sub.Hidden {
					out = append(out, cobra.CompletionWithDesc(sub.Name(), sub.Short))
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// helpTopics are the pages of `oncall help TOPIC`. They are made from the tables
// that rule the program, so they cannot disagree with it.
func helpTopics(f *cli.Factory) []*cobra.Command {
	topic := func(name, short string, text func() string) *cobra.Command {
		cmd := &cobra.Command{Use: name, Short: short}
		if f.Named(name) {
			cmd.Long = text()
		}
		return cmd
	}
	return []*cobra.Command{
		topic("exit-codes", "What each exit code means", exitCodesText),
		topic("environment", "The environment variables that oncall reads", environmentText),
		topic("output", "Output formats, --jq and --template", outputText),
	}
}

func exitCodesText() string {
	var b strings.Builder
	b.WriteString("Exit codes are part of oncall's public contract.\n\n")
	for _, r := range exit.Table {
		fmt.Fprintf(&b, "  %3d  %s\n", r.Code, r.Meaning)
	}
	b.WriteString("\nA command that runs another program passes that program's code on.")
	return b.String()
}

func environmentText() string {
	var b strings.Builder
	b.WriteString("A flag wins over the environment, the environment over the context, the context over\n" +
		"the rest of the file. Where --context names a context, its services win over the\n" +
		"environment. In the demo context no service is read from the environment.\n")
	heading := "\x00"
	for _, o := range config.Options() {
		if o.Env == "" {
			continue
		}
		if o.Service != heading {
			heading = o.Service
			title := heading
			if title == "" {
				title = "general"
			}
			fmt.Fprintf(&b, "\n%s\n", title)
		}
		fmt.Fprintf(&b, "  %-34s %s\n", o.Env, optionHelp(o))
	}
	b.WriteString("\nalso honoured\n")
	for _, row := range [][2]string{
		{"NO_COLOR, CLICOLOR_FORCE, TERM", "colour"},
		{"COLUMNS", "width of the terminal"},
		{"HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "proxies"},
		{"VISUAL, EDITOR", "editor for long texts"},
		{"XDG_CONFIG_HOME, XDG_STATE_HOME", "where the config file and the journal are"},
		{"XDG_CACHE_HOME", "where caches are"},
		{"ONCALL_DEMO_NOW", "fixes the clock of the demo (RFC 3339)"},
		{"ONCALL_DEMO_PACING", "off: the demo neither paces requests nor enforces the vendors' limits"},
	} {
		fmt.Fprintf(&b, "  %-34s %s\n", row[0], row[1])
	}
	return strings.TrimRight(b.String(), "\n")
}

// optionHelp is what a setting is for, the words that it may be, and what it is
// when nobody sets it.
func optionHelp(o config.Option) string {
	help := o.Help
	if len(o.Values) > 0 {
		help += ": " + strings.Join(o.Values, ", ")
	}
	if o.Default != "" && o.Default != "false" {
		help += " (default " + o.Default + ")"
	}
	return help
}

func outputText() string {
	formats := map[string]string{
		"table": "columns for people (default); a single thing is a page",
		"wide":  "the same with more columns",
		"json":  "one envelope: {\"apiVersion\":\"oncall/v1\",\"kind\":\"IncidentList\",\"items\":[...],\"meta\":{}}; a single thing is in \"item\"",
		"jsonl": "one item a line, for streams and pipes",
		"yaml":  "the envelope as YAML",
		"name":  "kind/name, one a line: incident/4127",
		"md":    "a Markdown table",
	}
	var b strings.Builder
	b.WriteString("stdout carries the result and nothing else; hints, progress and warnings go to stderr.\n\n")
	for _, f := range config.Formats() {
		fmt.Fprintf(&b, "  -o %-6s %s\n", f, formats[f])
	}
	b.WriteString(`
  --jq EXPR        what the jq expression makes of the JSON envelope; strings are printed bare
  --template TMPL  what the Go template makes of it; besides Go's own functions it has
                   json, upper, lower, trim, join SEP LIST, default FALLBACK VALUE, age TIME

Both take the place of -o. In a pipe they give strings byte by byte, on a terminal control
characters are made visible. Streams (watch, logs) have no envelope: json and jsonl are one
object a line, yaml one document each, and both flags read each object by itself.

Field names are lower camel case and are only ever added to. Times are RFC 3339 in UTC.
"meta.truncated" and "meta.partial" say what is missing: nothing is cut in silence.
With -o json an error is one object on stderr, and stdout stays empty when nothing came of
the command.

A command that changes something prints a ChangeList, an item for each target, whose "state"
is one of

`)
	for _, s := range mutate.States() {
		fmt.Fprintf(&b, "  %-10s %s\n", s[0], s[1])
	}
	b.WriteString(`
"message" says the same in words, for people: "acknowledged (as you, 03:18:30 EET)". "item"
is the thing as it is afterwards, where that is known.

  oncall incident list --jq '.items[] | select(.phase == "triggered") | .number'
  oncall incident list --template '{{range .items}}{{.number}} {{.title}}{{"\n"}}{{end}}'`)
	return b.String()
}
