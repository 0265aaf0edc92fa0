package main

import (
	"github.com/spf13/cobra"

	"atrium/bench/report"
)

func reportCommand() *cobra.Command {
	var page string
	c := &cobra.Command{
		Use: "report FILE...", Short: "Say what came of scenarios that wrote --json, and make one page of their figures",
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
			if page != "" {
				if err := report.WriteHTML(page, all...); err != nil {
					return err
				}
			}
			return report.Overview(cmd.OutOrStdout(), all...)
		},
	}
	c.Flags().StringVar(&page, "html", "", "write the page to this file")
	return c
}
