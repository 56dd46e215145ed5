package dashboard

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/atomicfile"
	"github.com/balena-io/oncall/pkg/grafana"
)

type snapshotOptions struct {
	f *cli.Factory
	view
	panel         string
	file          string
	width, height int
	light         bool
}

// picture is what a snapshot leaves.
type picture struct {
	Name  string `json:"name"` // of the dashboard
	Panel string `json:"panel"`
	File  string `json:"file"`
	Bytes int    `json:"bytes"`
}

func newCmdSnapshot(f *cli.Factory) *cobra.Command {
	o := &snapshotOptions{f: f}
	cmd := &cobra.Command{
		Use:   "snapshot <dashboard>",
		Short: "Save a panel as a PNG, through Grafana's image renderer",
		Long: `Save a panel as a PNG, drawn by Grafana's image renderer. Without one there is no
picture, and the command says so: metrics range --png draws one here instead.`,
		Example: `oncall dashboard snapshot api --panel 5xx --incident 4127 --png 5xx.png
oncall dashboard snapshot rds --panel CPU --since 6h --png cpu.png`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: completeDashboards(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args[0])
		},
	}
	o.bind(cmd, f)
	fs := cmd.Flags()
	fs.StringVar(&o.panel, "panel", "", "panel: a number or a part of its title")
	fs.StringVar(&o.file, "png", "", "file to write (default NAME-PANEL.png)")
	fs.IntVar(&o.width, "width", 1000, "pixels")
	fs.IntVar(&o.height, "height", 500, "pixels")
	fs.BoolVar(&o.light, "light", false, "light theme instead of the dark one")
	_ = cmd.RegisterFlagCompletionFunc("panel", cobra.NoFileCompletions)
	_ = cmd.MarkFlagFilename("png", "png")
	return cmd
}

func (o *snapshotOptions) run(ctx context.Context, name string) error {
	out := o.f.Printer()
	if o.width < 1 || o.height < 1 || o.width > 10_000 || o.height > 10_000 {
		return cli.Usage("--width and --height are between 1 and 10000")
	}
	v, err := o.read(ctx, o.f)
	if err != nil {
		return err
	}
	c, err := o.f.Grafana(ctx)
	if err != nil {
		return err
	}
	d, err := find(ctx, c, name)
	if err != nil {
		return err
	}
	p, err := findPanel(ctx, c, d, o.panel)
	if err != nil {
		return err
	}
	v.Panel = p.ID
	checkVariables(ctx, o.f, c, d, v)
	zone := o.f.Location().String()
	if zone == "Local" { // of this machine, and without a name: it means nothing to Grafana
		zone = ""
	}
	png, err := c.Render(ctx, grafana.Picture{Dashboard: d, View: v, Width: o.width, Height: o.height, Light: o.light, Zone: zone})
	if err != nil {
		return err
	}
	if o.file == "" {
		o.file = fmt.Sprintf("%s-%d.png", d.UID, p.ID)
	}
	if err := atomicfile.Write(o.file, png, 0o644); err != nil {
		return apierr.New(apierr.ErrUsage, "", "--png", "%v", err)
	}
	item := picture{Name: d.UID, Panel: p.Title, File: o.file, Bytes: len(png)}
	return printer.Item(out, printer.Table[picture]{
		Kind: "Picture",
		Name: func(p picture) string { return p.File },
		Columns: []printer.Column[picture]{
			{Header: "FILE", Value: func(p picture) string { return p.File }},
			{Header: "PANEL", Value: func(p picture) string { return p.Panel }},
			{Header: "BYTES", Value: func(p picture) string { return fmt.Sprint(p.Bytes) }},
		},
	}, item, nil)
}
