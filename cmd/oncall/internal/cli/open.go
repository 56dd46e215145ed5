package cli

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
)

// Link is a thing's address, the result of every `open` command.
type Link struct {
	Name string `json:"name"` // "incident/4127"
	URL  string `json:"url"`
}

// WebFlag gives a command --web.
func WebFlag(cmd *cobra.Command, web *bool) {
	cmd.Flags().BoolVar(web, "web", false, "open it in the browser")
}

// Open prints a link, and opens it in the browser when web is set. Only http
// and https are links: text from a vendor could name a program.
func (f *Factory) Open(l Link, web bool) error {
	out := f.Printer()
	u, err := url.Parse(l.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return apierr.New(apierr.ErrNotFound, "", "open "+l.Name, "it has no web address")
	}
	if out.Human() {
		if _, err := fmt.Fprintln(f.IO.Stdout(), u.String()); err != nil {
			return err
		}
	} else if err := printer.Item(out, printer.Table[Link]{
		Kind: "Link",
		Name: func(l Link) string { return l.Name },
		Columns: []printer.Column[Link]{
			{Header: "NAME", Value: func(l Link) string { return l.Name }},
			{Header: "URL", Value: func(l Link) string { return l.URL }},
		},
	}, l, nil); err != nil {
		return err
	}
	if web && f.OpenURL != nil {
		return f.OpenURL(u.String())
	}
	return nil
}
