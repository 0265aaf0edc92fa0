package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"atrium/bench/report"
)

func squeezeCommand() *cobra.Command {
	var o squeezeOptions
	var out outputs
	c := &cobra.Command{
		Use: "squeeze", Short: "A receiver's bandwidth falls to a third and comes back; it gets a layer that fits, and the best again",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Progress = cmd.ErrOrStderr()
			if o.Rounds < 1 || o.Senders < 1 || o.Wide <= 0 || o.Narrow <= 0 || o.Show.KeySize < 1 {
				return fmt.Errorf("bench: --rounds, --senders and --key-size must be at least 1, --wide and --narrow more than 0")
			}
			return out.run(cmd.Context(), cmd.OutOrStdout(), func(ctx context.Context) (*report.Result, error) { return runSqueeze(ctx, o) })
		},
	}
	f := c.Flags()
	f.Float64Var(&o.Wide, "wide", 2_250_000, "bits a second that the way carries at first and at the end, for each sender")
	f.Float64Var(&o.Narrow, "narrow", 750_000, "bits a second that it carries between, for each sender")
	f.IntVar(&o.Senders, "senders", 1, "people in the receiver's slots")
	f.Float64Var(&o.Show.KeySize, "key-size", 3, "a key frame is so many times as large as another")
	f.DurationVar(&o.Show.KeyEvery, "key-every", 0, "all senders make key frames at the same moment, so often; 0: only when asked")
	f.DurationVar(&o.Queue, "queue", 200*time.Millisecond, "longest wait in the link's queue")
	f.DurationVar(&o.Delay, "delay", 20*time.Millisecond, "of the link, each way")
	f.DurationVar(&o.Before, "before", 4*time.Second, "wide")
	f.DurationVar(&o.For, "for", 6*time.Second, "narrow")
	f.DurationVar(&o.After, "after", 7*time.Second, "wide again")
	f.IntVar(&o.Rounds, "rounds", 3, "how often")
	out.flags(c)
	return c
}
