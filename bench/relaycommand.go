package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"atrium/bench/relay"
	"atrium/bench/report"
)

// relayOptions are the parameters of the scenario.
type relayOptions struct {
	Transports  []relay.Transport
	Sizes       []int
	Pacings     []relay.Pacing
	Rates       []int
	Pairs       int
	For         time.Duration
	Rounds      int
	Allocations int
	Coturn      bool
}

func relayCommand() *cobra.Command {
	var o relayOptions
	var transports, pacings []string
	var peer string
	var out outputs
	c := &cobra.Command{
		Use: "relay", Short: "Client to client through the TURN server: processor time per packet, latency, memory",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, t := range transports {
				o.Transports = append(o.Transports, relay.Transport(t))
			}
			for _, p := range pacings {
				o.Pacings = append(o.Pacings, relay.Pacing(p))
			}
			switch peer {
			case "coturn":
				o.Coturn = true
			case "":
			default:
				return fmt.Errorf("bench: --peer %q; coturn is the one that can be measured beside", peer)
			}
			return out.run(cmd.Context(), cmd.OutOrStdout(), func(ctx context.Context) (*report.Result, error) {
				return runRelay(ctx, o, cmd.ErrOrStderr())
			})
		},
	}
	f := c.Flags()
	f.StringSliceVar(&transports, "transport", []string{"udp", "tcp", "tls"}, "between client and server: udp, tcp, tls")
	f.IntSliceVar(&o.Sizes, "size", []int{1200, 160}, "bytes in a packet")
	f.StringSliceVar(&pacings, "pacing", []string{"browser", "bursts"}, "even (a packet at a time), browser (frames, spread as libwebrtc's pacer does), bursts (frames at once)")
	f.IntSliceVar(&o.Rates, "pps", []int{10000}, "packets a second, over all flows; the first is the one of the targets")
	f.IntVar(&o.Pairs, "pairs", 32, "of clients; both of a pair send")
	f.DurationVar(&o.For, "for", 4*time.Second, "how long each measurement takes")
	f.IntVar(&o.Rounds, "rounds", 2, "how often each is taken, the servers in turn")
	f.IntVar(&o.Allocations, "allocations", 400, "made to see what one takes in memory")
	f.StringVar(&peer, "peer", "", "coturn: measured in the same run, in turn")
	out.flags(c)
	return c
}
