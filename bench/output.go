package main

import (
	"github.com/spf13/cobra"

	"atrium/bench/report"
)

// output is where a scenario's results go beside the terminal.
type output struct {
	json, html string
}

func (o *output) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.json, "json", "", "write the figures to this file")
	c.Flags().StringVar(&o.html, "html", "", "write them as a page to this file")
}

// show prints results and writes the files. A target that was missed is the error errMissed.
func (o output) show(c *cobra.Command, results ...*report.Result) error {
	missed := false
	for _, r := range results {
		if err := r.Print(c.OutOrStdout()); err != nil {
			return err
		}
		missed = missed || !r.Passed()
	}
	if o.json != "" {
		if err := report.WriteJSON(o.json, results...); err != nil {
			return err
		}
	}
	if o.html != "" {
		if err := report.WriteHTML(o.html, results...); err != nil {
			return err
		}
	}
	if missed {
		return errMissed
	}
	return nil
}
