package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"atrium/bench/impair"
	"atrium/bench/peer"
	"atrium/bench/server"
	"atrium/bench/squeeze"
	"atrium/configs"
	"atrium/sfu"
)

// TestANarrowWayIsShared: three people on one narrow way. While there is room for pictures, no one's is sharp at the price of
// another's; where there is none, pictures are paused and SLOTS says so, and every voice goes on; and all of it comes back.
func TestANarrowWayIsShared(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	n, err := server.Start(ctx, func(c *configs.Config) { c.Topology.PromoteAt, c.Topology.DemoteAt = 2, 0 })
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	}()
	const people = 3
	for i := range people {
		s, err := squeeze.Send(ctx, n.Addrs.HTTP, fmt.Sprint("sender ", i), squeeze.Show{KeySize: 4})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = stopPeer(s.Stop) }()
	}
	link := impair.Link{Delay: 5 * time.Millisecond, Rate: 8e6, Queue: 200 * time.Millisecond}
	r, err := squeeze.Receive(ctx, n.Addrs.HTTP, people, link, impair.Link{Delay: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stopPeer(r.Stop) }()
	s := &squeezing{node: n, receiver: r, user: r.Peer.ID()}

	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	look := func() sfu.Flow {
		t.Helper()
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
		f, err := s.flow(ctx)
		if err != nil && ctx.Err() == nil {
			return sfu.Flow{} // it is not there yet
		}
		return f
	}
	until := func(what string, ok func(layers []int) bool) {
		t.Helper()
		late := time.After(90 * time.Second)
		for {
			f := look()
			if ok(layersOf(f)) {
				return
			}
			select {
			case <-late:
				t.Fatalf("never: %s; last %+v", what, f)
			default:
			}
		}
	}
	all := func(layer int) func([]int) bool {
		return func(layers []int) bool {
			for _, l := range layers {
				if l != layer {
					return false
				}
			}
			return len(layers) == people
		}
	}
	told := func(active bool) {
		t.Helper()
		up, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if err := r.Peer.Wait(up, func(st peer.State) bool {
			shown, heard := 0, 0
			for _, x := range st.SFU.Slots {
				switch {
				case x.Kind == peer.Video && x.Active == active:
					shown++
				case x.Kind == peer.Audio && x.Active:
					heard++
				}
			}
			return shown == people && heard == people
		}); err != nil {
			t.Fatalf("SLOTS never says that pictures are active: %v, and voices go on; last %+v", active, r.Peer.State().SFU.Slots)
		}
	}

	until("everybody's best picture", all(2))
	told(true)

	r.Net.SetRate(impair.In, 1.2e6)
	until("smaller pictures", func(layers []int) bool { return rates(layers) < 1.2e6 })
	fair := 0 // looks in a row: a second of them, while what the wide way had queued drains and this machine may be busy
	until("a second in which no one's picture is paused or two layers above another's", func(layers []int) bool {
		if fair++; len(layers) != people || slices.Min(layers) < 0 || slices.Max(layers) > slices.Min(layers)+1 {
			fair = 0
		}
		return fair == 20
	})

	r.Net.SetRate(impair.In, 320e3) // the voices take 200
	until("no picture", all(-1))
	told(false)
	for r.Net.Waiting(impair.In) > 20*time.Millisecond {
		look()
	}
	_, audio, _ := r.Arrived()
	from := len(audio)
	for range 40 {
		look()
	}
	_, audio, _ = r.Arrived()
	first, last, got := map[string]uint16{}, map[string]uint16{}, map[string]int{}
	for _, h := range audio[from:] {
		if _, any := first[h.Mid]; !any {
			first[h.Mid] = h.Seq
		}
		last[h.Mid] = h.Seq
		got[h.Mid]++
	}
	if len(got) != people {
		t.Fatalf("%d of %d voices go on", len(got), people)
	}
	for mid, n := range got {
		if owed := int(last[mid]-first[mid]) + 1; n < owed*90/100 || n < 50 {
			t.Errorf("slot %s: %d packets of %d", mid, n, owed)
		}
	}

	r.Net.SetRate(impair.In, 8e6)
	until("everybody's best picture again", all(2))
	told(true)
}
