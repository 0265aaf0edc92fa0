package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"atrium/bench/report"
)

func switchCommand() *cobra.Command {
	o := switchOptions{Loopback: true}
	own := ownNode{}
	var network string
	var out outputs
	var verbose bool
	c := &cobra.Command{
		Use: "switch", Short: "Peers come one by one and leave one by one; nobody may miss a packet while the topology changes",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			networks := []string{network}
			if network == "both" {
				networks = []string{"clean", "impaired"}
			}
			for _, n := range networks {
				if n != "clean" && n != "impaired" {
					return fmt.Errorf("bench: --network %q is none of clean, impaired, both", n)
				}
			}
			o.Progress = cmd.ErrOrStderr()
			shareProcessors()
			if verbose {
				own.Verbose = cmd.ErrOrStderr()
			}
			own.PromoteAt, own.DemoteAt, own.Grace = o.PromoteAt, o.DemoteAt, o.Grace
			return out.run(cmd.Context(), cmd.OutOrStdout(), func(ctx context.Context) (*report.Result, error) {
				return runSwitch(ctx, o, own, networks)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&o.URL, "url", "", "a node to measure (default: one in this process)")
	f.IntVar(&o.Peers, "peers", 8, "how many come")
	f.IntVar(&o.PromoteAt, "promote-at", 5, "the node's topology.promote_at")
	f.IntVar(&o.DemoteAt, "demote-at", 3, "the node's topology.demote_at")
	f.IntVar(&o.Rounds, "rounds", 1, "how often all come and leave")
	f.DurationVar(&o.Delay, "delay", 40*time.Millisecond, "of the impaired network, from peer to peer")
	f.Float64Var(&o.Loss, "loss", 0.01, "of the impaired network, from peer to peer")
	f.Uint64Var(&o.Seed, "seed", 1, "of the impaired network")
	f.DurationVar(&o.Hold, "hold", 5*time.Second, "measured on after the old way has closed")
	f.IntVar(&o.FPS, "fps", 15, "of the cameras")
	f.BoolVar(&o.Loopback, "loopback", true, "peers gather loopback candidates only")
	f.StringVar(&network, "network", "both", "clean, impaired or both")
	f.DurationVar(&o.Grace, "grace", time.Second, "the node's session.grace")
	f.DurationVar(&own.DemoteAfter, "demote-after", time.Second, "topology.demote_after of the own node")
	f.DurationVar(&own.Dwell, "dwell", time.Second, "topology.dwell of the own node")
	out.flags(c)
	f.BoolVar(&verbose, "verbose", false, "show the own node's log")
	return c
}

// runSwitch runs the scenario on each network, each with a node of its own unless a URL is given.
func runSwitch(ctx context.Context, o switchOptions, own ownNode, networks []string) (*report.Result, error) {
	r := report.New("switch", "People come one by one and leave one by one, and nobody may miss a packet")
	r.Param("peers", o.Peers)
	for _, network := range networks {
		o := o
		if network == "clean" {
			o.Delay, o.Loss = 0, 0
		}
		run, err := switchOn(ctx, network, o, own)
		if err != nil {
			return nil, err
		}
		run.report(r)
		if r.Headline != "" {
			r.Headline += "; "
		}
		r.Headline += fmt.Sprintf("%s network: %d of %d audio packets lost to a switch, media gap p99 %.0f ms", network, run.Audio.Lost, run.Audio.Sent, run.GapP99)
	}
	return r, nil
}

func switchOn(ctx context.Context, network string, o switchOptions, own ownNode) (run switchRun, err error) {
	if o.URL == "" {
		n, stop, err := own.start(ctx)
		if err != nil {
			return switchRun{}, err
		}
		o.URL = n.Addrs.HTTP
		defer func() {
			if e := stop(); err == nil {
				err = e
			}
		}()
	}
	s := &theSwitch{o: o, name: network}
	err = s.run(ctx)
	if len(s.out) == 0 && err != nil {
		return switchRun{}, err
	}
	run = summarize(network, o, s.out)
	if err != nil {
		run.Targets = append(run.Targets, report.Target{Name: "the scenario came to its end", Want: "yes", Got: err.Error()})
	}
	return run, nil
}

// shareProcessors makes the kernel, not Go's scheduler, share the machine's processors among the people and the server,
// who would have machines of their own. Go's lets a goroutine that is busy setting up a connection run for 10 ms, and asks
// the network as seldom while all its processors are busy (runtime: sysmon, forcePreemptNS), which on two processors is
// measured as up to 20 ms of silence; the kernel changes threads every few milliseconds.
func shareProcessors() { runtime.GOMAXPROCS(max(8, 4*runtime.NumCPU())) }
