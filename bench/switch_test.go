package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"atrium/bench/peer"
	"atrium/bench/report"
)

// TestSwitch runs a small scenario: up to the SFU and back, with somebody on TURN over TCP, somebody muted and somebody without
// a camera. It looks at what may not depend on how busy the machine is.
func TestSwitch(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var progress bytes.Buffer
	o := switchOptions{
		Peers: 4, PromoteAt: 4, DemoteAt: 2, Rounds: 1, Hold: 500 * time.Millisecond, Loopback: true, FPS: 10,
		Patience: 3 * time.Second, Progress: &progress,
	}
	own := ownNode{
		PromoteAt: o.PromoteAt, DemoteAt: o.DemoteAt,
		Grace: 300 * time.Millisecond, DemoteAfter: 300 * time.Millisecond, Dwell: 300 * time.Millisecond,
	}
	n, stop, err := own.start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	o.URL = n.Addrs.HTTP
	s := &theSwitch{o: o, name: "clean"}
	if err := s.run(ctx); err != nil {
		t.Errorf("%v\n%s", err, &progress)
	}
	if got := n.Sessions(); got != 0 {
		t.Errorf("%d SFU sessions are left", got)
	}
	run := summarize("clean", o, s.out)
	if err := stop(); err != nil {
		t.Errorf("the node did not end: %v", err)
	}
	var table strings.Builder
	r := report.New("switch", "")
	run.report(r)
	if err := r.Print(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s\n%s", &progress, &table)

	if run.Audio.Sent == 0 || run.Video.Sent == 0 {
		t.Error("nothing was owed to anybody")
	}
	if run.Audio.Lost != 0 || run.Audio.Doubled != 0 {
		t.Errorf("%d audio packets lost, %d doubled", run.Audio.Lost, run.Audio.Doubled)
	}
	want := []struct{ from, to peer.Topology }{
		{peer.Direct, peer.Direct}, // p1
		{peer.Direct, peer.Relay},  // p2, who has only TURN
		{peer.Relay, peer.Relay},
		{peer.Relay, peer.SFU},
		{peer.SFU, peer.SFU}, // p4 leaves
		{peer.SFU, peer.SFU}, // p3 leaves
		{peer.SFU, peer.Relay},
		{peer.Relay, peer.Relay}, // p2 leaves
	}
	if len(run.Transitions) != len(want) {
		t.Fatalf("%d transitions, not %d", len(run.Transitions), len(want))
	}
	for i, f := range run.Transitions {
		if f.Failed != "" {
			t.Errorf("%s: %s", f.Name, f.Failed)
		}
		for _, e := range f.Early {
			t.Errorf("%s: committed early: %s", f.Name, e)
		}
		if f.From != want[i].from || f.To != want[i].to {
			t.Errorf("%s: from %s to %s, not from %s to %s", f.Name, f.From, f.To, want[i].from, want[i].to)
		}
	}
}
