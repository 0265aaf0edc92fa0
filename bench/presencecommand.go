package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func presenceCommand() *cobra.Command {
	var (
		o   presenceOptions
		out outputs

		misbehave, idle bool
		many            idleOptions
	)
	c := &cobra.Command{
		Use: "presence", Short: "People walk in one zone; what a delivered update costs the server, how late it is, and that the last one is right",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Progress = cmd.ErrOrStderr()
			if idle {
				many.presenceOptions = o
				many.Warmup = 0
				if !cmd.Flags().Changed("hz") {
					many.Hz = 0
				}
				if !cmd.Flags().Changed("for") {
					many.For = 28 * time.Second // and the 2 s in which they settle
				}
				if many.Connections < 1 || many.Zones < 1 || many.Hz < 0 || many.For <= 0 {
					return fmt.Errorf("bench: --connections and --zones must be at least 1, --for more than 0")
				}
				return out.run(cmd.Context(), cmd.OutOrStdout(), many.hold)
			}
			if o.People < 2 || o.Hz <= 0 || o.For <= 0 {
				return fmt.Errorf("bench: --people must be at least 2, --hz and --for more than 0")
			}
			scenario := o.walk
			if misbehave {
				scenario = o.beside
			}
			return out.run(cmd.Context(), cmd.OutOrStdout(), scenario)
		},
	}
	f := c.Flags()
	f.IntVar(&o.People, "people", 100, "how many are in the zone")
	f.Float64Var(&o.Hz, "hz", 15, "updates a second of each")
	f.DurationVar(&o.For, "for", 10*time.Second, "measured after the warm-up, per kind of client")
	f.DurationVar(&o.Warmup, "warm-up", 2*time.Second, "walked before anything is measured")
	f.StringVar(&o.Profile, "profile", "", "write CPU profiles of the server to files of this prefix")
	f.BoolVar(&misbehave, "misbehave", false, "instead: how late the others' presence gets when a few stop reading, flood, or send nested JSON")
	f.BoolVar(&idle, "idle", false, "instead: what a connection costs that does nothing; with --hz, whether many of them hold")
	f.IntVar(&many.Connections, "connections", 2000, "with --idle: how many there are")
	f.IntVar(&many.Zones, "zones", 40, "with --idle: over how many zones")
	out.flags(c)
	return c
}
