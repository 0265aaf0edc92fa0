package main

import (
	"errors"

	"github.com/spf13/cobra"

	"atrium/bench/report"
)

func reportCommand() *cobra.Command {
	var page string
	c := &cobra.Command{
		Use: "report FILE...", Short: "Make one page of figures that scenarios wrote with --json",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			var all []*report.Result
			for _, f := range files {
				results, err := report.ReadJSON(f)
				if err != nil {
					return err
				}
				all = append(all, results...)
			}
			if page == "" {
				return errors.New("bench: report wants --html FILE, the page to write")
			}
			return report.WriteHTML(page, all...)
		},
	}
	c.Flags().StringVar(&page, "html", "", "the page to write")
	return c
}
