package main

import (
	"context"
	"io"
	"os/exec"
	"slices"
	"testing"
	"time"

	"atrium/bench/forward"
	"atrium/bench/skip"
)

// The scenario runs with either shape and says what came, and what is counted of the floor arrives.
func TestForwardScenario(t *testing.T) {
	t.Parallel() // it counts, and asserts no speed
	o := forwardOptions{
		Name: "fanout", Title: "2 to 3", Receivers: 3, Loss: true,
		Members: append(slices.Repeat([]forward.Kind{{Mic: true, Camera: true}}, 2), slices.Repeat([]forward.Kind{{Audio: 2, Video: 2}}, 3)...),
		Shapes:  []forward.Shape{forward.Bursts, forward.Browser},
		For:     time.Second, Warm: time.Second, Rest: time.Second, Floor: time.Second, Progress: io.Discard,
	}
	if _, err := exec.LookPath("janus"); err != nil {
		skip.Say("janus (Debian's) is not installed")
	} else {
		o.Peer = "janus"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	all, floor, err := measureForward(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range all[1:] { // the load is the same: what Janus does with it is its own affair
		for _, r := range server.runs {
			if f := r.figures; f.Sent < 300 || f.Owed != 3*f.Sent || f.Got < f.Owed/5 || f.Bad != 0 || r.use.CPU() == 0 || len(f.Latency) == 0 {
				t.Errorf("%s, %s: %d sent, %d of %d came, %d samples are not what was sent, %v of CPU", server.server, r.load.Shape, f.Sent, f.Got, f.Owed, f.Bad, r.use.CPU())
			}
		}
	}
	for _, r := range all[0].runs {
		f := r.figures
		// 206 packets a second of each sender; on a machine that is too busy the SFU may pause a picture, never the sound.
		if f.Sent < 300 || f.Owed != 3*f.Sent || f.Got < f.Owed/5 || f.Got > f.Owed || f.Bad != 0 {
			t.Errorf("%s: %d sent, %d of %d came, %d samples are not what was sent", r.load.Shape, f.Sent, f.Got, f.Owed, f.Bad)
		}
		if len(f.Latency) == 0 || f.Latency[0] <= 0 {
			t.Errorf("%s: %d latencies", r.load.Shape, len(f.Latency))
		}
		if r.counters["written_packets_total"] < float64(f.Got) || r.counters["write_calls_total"] == 0 {
			t.Errorf("%s: the node counts %v packets in %v calls", r.load.Shape, r.counters["written_packets_total"], r.counters["write_calls_total"])
		}
	}
	for i, f := range floor {
		for _, x := range f {
			if x.Packets < 900 || x.Got != x.Packets || x.CPU <= 0 {
				t.Errorf("%s, floor by %s: %d of %d packets came, %v", o.Shapes[i], x.Way, x.Got, x.Packets, x.CPU)
			}
		}
	}
	if rows := len(forwardReport(o, all, floor).Tables[0].Rows); rows != 2*len(all) {
		t.Errorf("%d rows for 2 shapes and %d servers", rows, len(all))
	}
}
