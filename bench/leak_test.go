package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/bench/peer"
	"atrium/cmd/atrium/node"
)

// TestNothingIsLeft lets two hundred people come and go, in batches that go through the relay and the SFU, and counts what the
// node keeps of them. When it has ended, TestMain looks for goroutines, of which every PeerConnection has some.
func TestNothingIsLeft(t *testing.T) {
	const batches, each = 20, 10
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	n, stop, err := ownNode{
		PromoteAt: 4, DemoteAt: 2, Grace: 50 * time.Millisecond, DemoteAfter: time.Second, Dwell: 50 * time.Millisecond,
	}.start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Errorf("the node did not end: %v", err)
		}
	}()
	var before int
	for i := range batches {
		zone := comeAndGo(ctx, t, n, each)
		if t.Failed() {
			return
		}
		err := poll(ctx, 10*time.Second, func() bool {
			return n.Sessions() == 0 && n.Allocations() == 0 && n.Zone(zone).Live == 0
		})
		if err != nil {
			t.Fatalf("after batch %d: %d sessions, %d allocations, zone %+v", i, n.Sessions(), n.Allocations(), n.Zone(zone))
		}
		if i == 0 {
			before = settled(ctx, t)
		}
	}
	// A few come and go in the node's own time (HTTP, timers that fire); a goroutine per person would be two hundred.
	if after := settled(ctx, t); after > before+5 {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines after the first batch, %d after the last:\n%s", before, after, buf[:runtime.Stack(buf, true)])
	}
}

// settled waits until the number of goroutines has stopped falling.
func settled(ctx context.Context, t *testing.T) int {
	t.Helper()
	last, since := runtime.NumGoroutine(), time.Now()
	err := poll(ctx, 20*time.Second, func() bool {
		if now := runtime.NumGoroutine(); now < last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 500*time.Millisecond
	})
	if err != nil {
		t.Fatalf("the number of goroutines does not settle: %v", err)
	}
	return last
}

// comeAndGo lets people in one after the other, waits until the SFU has all of them, and takes them out at once.
func comeAndGo(ctx context.Context, t *testing.T, n *node.Node, people int) (zone uuid.UUID) {
	t.Helper()
	all := make([]*peer.Peer, people)
	var joining sync.WaitGroup
	for i := range all {
		join := func() {
			o := peer.Options{
				URL: n.Addrs.HTTP, Name: fmt.Sprint("p", i), Loopback: true, Muted: true, NoCamera: true,
				AudioSlots: 2, VideoSlots: 1, ICEPatience: 3 * time.Second,
			}
			if i < 2 { // these two cannot reach each other but by the relay, over UDP and over TCP
				o.ForceRelay, o.RelayProtocol = true, [...]string{"udp", "tcp"}[i]
			}
			p, err := peer.Dial(ctx, o)
			if err != nil {
				t.Errorf("%s: %v", o.Name, err)
				return
			}
			all[i] = p
		}
		if i < 2 {
			join()
		} else {
			joining.Go(join)
		}
		if i == 1 && !t.Failed() {
			if err := all[0].Wait(ctx, func(s peer.State) bool { return connected(s) }); err != nil {
				t.Errorf("the relay did not join the first two: %v", err)
			}
		}
	}
	joining.Wait()
	for _, p := range all {
		if p == nil {
			continue
		}
		if err := p.Wait(ctx, func(s peer.State) bool { return s.SFU.Reported && len(s.Peers) == people-1 }); err != nil && !t.Failed() {
			t.Errorf("not everybody got to the SFU: %v: %+v", err, p.State())
		}
		zone = p.State().Zone.ID
	}
	var leaving sync.WaitGroup
	for _, p := range all {
		if p != nil {
			leaving.Go(func() {
				if err := p.Close(ctx); err != nil {
					t.Error(err)
				}
			})
		}
	}
	leaving.Wait()
	return zone
}

func connected(s peer.State) bool {
	for _, p := range s.Peers {
		if !p.Connected {
			return false
		}
	}
	return len(s.Peers) > 0
}
