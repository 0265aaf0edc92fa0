package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func documentsCommand() *cobra.Command {
	var (
		o   documentsOptions
		out outputs
	)
	c := &cobra.Command{
		Use: "documents", Short: "People move their cursors in one document; two nodes and a real Redis, which goes away and comes back",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Progress = cmd.ErrOrStderr()
			if o.People < 2 || o.Hz <= 0 || o.For <= 0 || o.Joins < 1 {
				return fmt.Errorf("bench: --people must be at least 2, --joins at least 1, --hz and --for more than 0")
			}
			return out.run(cmd.Context(), cmd.OutOrStdout(), o.run)
		},
	}
	f := c.Flags()
	f.IntVar(&o.People, "people", 50, "how many are in the document")
	f.Float64Var(&o.Hz, "hz", 20, "cursors a second of each")
	f.DurationVar(&o.For, "for", 10*time.Second, "measured after the warm-up")
	f.DurationVar(&o.Warmup, "warm-up", 2*time.Second, "moved before anything is measured")
	f.IntVar(&o.Joins, "joins", 200, "joins on one node that are watched on the other")
	f.DurationVar(&o.Away, "away", 5*time.Second, "how long Redis is stopped")
	out.flags(c)
	return c
}
