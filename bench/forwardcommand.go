package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"atrium/bench/forward"
	"atrium/bench/report"
)

// forwardFlags are those that every forwarding scenario has.
func forwardFlags(c *cobra.Command, o *forwardOptions, shapes *[]string, out *outputs) {
	f := c.Flags()
	f.StringVar(&o.Peer, "peer", "", "janus: measured in the same run, in turn")
	f.StringSliceVar(shapes, "shape", []string{"bursts", "browser"}, "bursts (frames of equal packets, sent at once), browser (frames of VP8's sizes, paced as libwebrtc does)")
	f.DurationVar(&o.For, "for", 5*time.Second, "how long each measurement takes")
	f.DurationVar(&o.Warm, "warm-up", 2*time.Second, "sent before anything is measured")
	f.DurationVar(&o.Rest, "rest", 4*time.Second, "measured while nobody sends")
	f.DurationVar(&o.Floor, "floor", 3*time.Second, "how long each measurement of the floor takes")
	f.StringVar(&o.Profile, "profile", "", "write CPU profiles of the server to files of this prefix")
	out.flags(c)
}

func (o *forwardOptions) run(cmd *cobra.Command, shapes []string, out *outputs) error {
	o.Progress = cmd.ErrOrStderr()
	if o.Peer != "" && o.Peer != "janus" {
		return fmt.Errorf("bench: --peer %q; janus is the one that can be measured beside", o.Peer)
	}
	for _, s := range shapes {
		o.Shapes = append(o.Shapes, forward.Shape(s))
	}
	if len(o.Members) < 2 || o.For < time.Second || o.Floor < time.Second {
		return fmt.Errorf("bench: two members are the least, and a second for --for and --floor")
	}
	return out.run(cmd.Context(), cmd.OutOrStdout(), func(ctx context.Context) (*report.Result, error) { return runForward(ctx, *o) })
}

func fanoutCommand() *cobra.Command {
	o := forwardOptions{Name: "fanout", Loss: true}
	var shapes []string
	var out outputs
	var senders, receivers int
	c := &cobra.Command{
		Use: "fanout", Short: "A few send microphone and camera to many: what a forwarded packet costs the SFU, how late it is, and that it comes",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Title = fmt.Sprintf("%d to %d, microphone and camera", senders, receivers)
			o.Receivers = receivers
			o.Members = append(slices.Repeat([]forward.Kind{{Mic: true, Camera: true}}, senders),
				slices.Repeat([]forward.Kind{{Audio: senders, Video: senders}}, receivers)...)
			if receivers >= 50 { // what is the process's own is small beside theirs
				o.Idle = idleTarget
				if senders == 1 {
					o.Memory = 300
				}
			}
			// The targets stand for 10,000 and 30,000 packets a second.
			switch rate := senders * receivers * 206; {
			case rate >= 25000:
				o.Ratio = 2.2
			case rate >= 8000:
				o.Ratio, o.Latency = 2.5, 5*time.Millisecond
			}
			return o.run(cmd, shapes, &out)
		},
	}
	c.Flags().IntVar(&senders, "senders", 1, "members that send; each is VP8 of 1.5 Mbit/s and Opus")
	c.Flags().IntVar(&receivers, "receivers", 50, "members that receive")
	forwardFlags(c, &o, &shapes, &out)
	return c
}

func meshCommand() *cobra.Command {
	o := forwardOptions{Name: "mesh", Loss: true}
	var shapes []string
	var out outputs
	var members int
	c := &cobra.Command{
		Use: "mesh", Short: "Everybody sends microphone and camera to everybody",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Title = fmt.Sprintf("%d all to all, microphone and camera", members)
			o.Members = slices.Repeat([]forward.Kind{{Mic: true, Camera: true, Audio: members - 1, Video: members - 1}}, members)
			return o.run(cmd, shapes, &out)
		},
	}
	c.Flags().IntVar(&members, "members", 8, "how many there are")
	forwardFlags(c, &o, &shapes, &out)
	return c
}

func audioCommand() *cobra.Command {
	o := forwardOptions{Name: "audio", Loss: true, Micros: 15}
	var shapes []string
	var out outputs
	var receivers int
	c := &cobra.Command{
		Use: "audio", Short: "One microphone to many",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Title = fmt.Sprintf("1 to %d, microphone", receivers)
			o.Receivers = receivers
			o.Members = append([]forward.Kind{{Mic: true}}, slices.Repeat([]forward.Kind{{Audio: 1}}, receivers)...)
			return o.run(cmd, shapes, &out)
		},
	}
	c.Flags().IntVar(&receivers, "receivers", 100, "members that receive")
	forwardFlags(c, &o, &shapes, &out)
	if err := c.Flags().Set("shape", "bursts"); err != nil { // of audio all shapes are one
		panic(err)
	}
	return c
}

func floorCommand() *cobra.Command {
	var out outputs
	var shape string
	var lasts time.Duration
	c := &cobra.Command{
		Use: "floor", Short: "What the kernel and AES-GCM take by themselves: one Go thread that sends to many",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.run(cmd.Context(), cmd.OutOrStdout(), func(ctx context.Context) (*report.Result, error) {
				r := report.New("floor", "What the kernel and AES-GCM take by themselves: one Go thread that sends to many")
				r.Param("shape", shape)
				r.Param("each measurement", lasts)
				t := report.Table{Title: "µs of the thread's time per packet", Columns: []string{"load", "sendto", "sendto, AES-GCM", "sendmmsg", "sendmmsg, AES-GCM", "GSO", "GSO, AES-GCM", "GSO and sendmmsg", "the same, AES-GCM"}}
				for _, load := range []struct{ senders, receivers int }{{1, 10}, {1, 50}, {3, 50}} {
					kinds := append(slices.Repeat([]forward.Kind{{Mic: true, Camera: true}}, load.senders),
						slices.Repeat([]forward.Kind{{Audio: load.senders, Video: load.senders}}, load.receivers)...)
					row := []string{fmt.Sprintf("%d to %d", load.senders, load.receivers)}
					for _, way := range []forward.Way{forward.SendTo, forward.SendMMsg, forward.GSO, forward.Both} {
						for _, sealed := range []bool{false, true} {
							fmt.Fprintf(cmd.ErrOrStderr(), "floor: %s, %s, sealed %v\n", row[0], way, sealed)
							f, err := forward.MeasureFloor(ctx, forward.Shape(shape), kinds, way, sealed, lasts)
							if err != nil {
								return nil, err
							}
							row = append(row, strconv.FormatFloat(float64(f.PerPacket().Nanoseconds())/1000, 'f', 2, 64))
						}
					}
					t.Rows = append(t.Rows, row)
				}
				r.Tables = append(r.Tables, t)
				last := t.Rows[len(t.Rows)-1]
				r.Headline = fmt.Sprintf("%s: %s µs per packet by a system call each, %s with UDP_SEGMENT per receiver, %s with sendmmsg besides (AES-128-GCM)", last[0], last[2], last[6], last[8])
				r.Note("The floor that the other scenarios name: nothing forwards with less that copies, encrypts and sends by these calls from one thread.")
				return r, nil
			})
		},
	}
	c.Flags().StringVar(&shape, "shape", "bursts", "bursts or browser")
	c.Flags().DurationVar(&lasts, "for", 3*time.Second, "how long each measurement takes")
	out.flags(c)
	return c
}
