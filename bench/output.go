package main

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"atrium/bench/report"
)

// outputs are where a scenario's figures go beside the terminal.
type outputs struct{ json, html string }

func (o *outputs) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.json, "json", "", "write the figures to this file")
	c.Flags().StringVar(&o.html, "html", "", "write the figures as a page to this file")
}

// run runs a scenario and shows what it found. A target that was missed is the error errMissed.
func (o *outputs) run(ctx context.Context, w io.Writer, scenario func(context.Context) (*report.Result, error)) error {
	r, err := scenario(ctx)
	if err != nil {
		return err
	}
	r.Command = command(os.Args[1:])
	if err := r.Print(w); err != nil {
		return err
	}
	if o.json != "" {
		if err := report.WriteJSON(o.json, r); err != nil {
			return err
		}
	}
	if o.html != "" {
		if err := report.WriteHTML(o.html, r); err != nil {
			return err
		}
	}
	if !r.Passed() {
		return errMissed
	}
	return nil
}

// command is how this run is repeated, without the files that it wrote.
func command(args []string) string {
	said := []string{"go run ./bench"}
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(args[i], "=")
		if name == "--json" || name == "--html" {
			if !joined {
				i++
			}
			continue
		}
		said = append(said, args[i])
	}
	return strings.Join(said, " ")
}
