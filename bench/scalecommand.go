package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"atrium/bench/forward"
	"atrium/bench/report"
)

func scaleCommand() *cobra.Command {
	var o scaleOptions
	var shapes []string
	var out outputs
	c := &cobra.Command{
		Use: "scale", Short: "What a forwarded packet costs while the rate grows, and while the zone grows",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Progress = cmd.ErrOrStderr()
			for _, s := range shapes {
				o.Shapes = append(o.Shapes, forward.Shape(s))
			}
			if err := o.check(); err != nil {
				return err
			}
			return out.run(cmd.Context(), cmd.OutOrStdout(), func(ctx context.Context) (*report.Result, error) {
				f, err := measureScale(ctx, o)
				if err != nil {
					return nil, err
				}
				return scaleReport(o, f), nil
			})
		},
	}
	f := c.Flags()
	f.IntVar(&o.Receivers, "receivers", 50, "who receive while the rate grows: a fifth of them from 1 sender, then all of them from 1, from 3, and so on")
	f.IntVar(&o.Most, "senders", 15, "at which the rate grows no more, though everything still comes")
	f.IntVar(&o.Step, "step", 3, "senders more at a time, after 3")
	f.IntSliceVar(&o.Members, "members", []int{2, 5, 10, 20, 50, 100, 200}, "in one zone, all of whom speak")
	f.IntVar(&o.Mics, "microphones", 2, "that each member of the growing zone has slots for")
	f.IntVar(&o.Cameras, "cameras", 1, "that each member of the growing zone has slots for")
	f.IntVar(&o.Idle, "idle", 150, "members who come to the middle one of these zones and do nothing")
	f.StringSliceVar(&shapes, "shape", []string{"bursts", "browser"}, "bursts, browser; the first is measured everywhere and judged, the others beside it at the fixed rates")
	f.DurationVar(&o.For, "for", 2*time.Second, "how long each measurement takes")
	f.DurationVar(&o.Warm, "warm-up", 2*time.Second, "sent before anything is measured")
	f.DurationVar(&o.Rest, "rest", 2*time.Second, "measured while nobody sends")
	f.DurationVar(&o.Floor, "floor", time.Second, "how long each measurement of the floor takes")
	f.Float64Var(&o.Tolerance, "tolerance", 0.15, "by which a cost may lie over the least before it and count as flat")
	out.flags(c)
	return c
}
