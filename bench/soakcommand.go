package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"atrium/bench/report"
)

func soakCommand() *cobra.Command {
	var o soakOptions
	var out outputs
	c := &cobra.Command{
		Use: "soak", Short: "People come and go by every way there is, for as long as you like; nothing of them may be left",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.People < 6 {
				return fmt.Errorf("bench: --people %d; want at least 6, so that the zone gets to the SFU and back", o.People)
			}
			o.Progress = cmd.ErrOrStderr()
			return out.run(cmd.Context(), cmd.OutOrStdout(), func(ctx context.Context) (*report.Result, error) { return soak(ctx, o) })
		},
	}
	f := c.Flags()
	f.IntVar(&o.People, "people", 8, "most who are there at once")
	f.DurationVar(&o.For, "for", 5*time.Minute, "how long they come and go")
	f.DurationVar(&o.Every, "every", 700*time.Millisecond, "mean time from one coming or going to the next")
	f.Uint64Var(&o.Seed, "seed", 1, "of who comes and goes when")
	out.flags(c)
	return c
}
