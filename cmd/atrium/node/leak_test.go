package node_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"atrium/bench/peer"
	"atrium/cmd/atrium/node"
)

// TestNothingIsLeft: 200 people come in waves, meet directly, over the relay and through the SFU, and go.
// While the node runs on, no goroutine, session, allocation, member or socket of theirs is left.
func TestNothingIsLeft(t *testing.T) {
	const waves, people = 40, 5
	cfg := config(t, "ATRIUM_SESSION_GRACE=100ms", "ATRIUM_TOPOLOGY_PROMOTE_AT=4", "ATRIUM_TOPOLOGY_DEMOTE_AT=2",
		"ATRIUM_TOPOLOGY_DEADLINE=1m", "ATRIUM_TOPOLOGY_COOLDOWN=0s") // a machine under load is slow, and that is not the subject
	worlds, err := node.Worlds(cfg)
	if err != nil {
		t.Fatal(err)
	}
	zone := worlds[0].SpawnZone().ID
	n := start(t, cfg)
	over := func() bool { return n.Sessions() == 0 && n.Allocations() == 0 && n.Zone(zone).Live == 0 }
	wave(t, n.Addrs.HTTP, people, n.Sessions, n.Allocations) // what is made once is made now
	until(t, "the first wave's end", over)
	before := goleak.IgnoreCurrent()
	sockets := openFiles(t)
	relayed := 0
	for range waves {
		relayed += wave(t, n.Addrs.HTTP, people, n.Sessions, n.Allocations)
	}
	until(t, "everyone's end", over)
	until(t, "no socket more than before", func() bool { return openFiles(t) <= sockets })
	goleak.VerifyNone(t, before)
	if relayed == 0 {
		t.Error("nobody used the relay: the test shows less than it says")
	}
}

// wave lets people come until all have each other through the SFU, and go. It gives the allocations seen.
func wave(t *testing.T, url string, people int, sessions, allocations func() int) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	all := make([]*peer.Peer, people)
	var came sync.WaitGroup
	errs := make([]error, people)
	for i := range all {
		came.Go(func() {
			p, err := peer.Dial(ctx, peer.Options{URL: url, Name: fmt.Sprint("guest ", i), Avatar: "1", Loopback: true, ForceRelay: i == 0, AudioSlots: people, VideoSlots: people})
			if err != nil {
				errs[i] = err
				return
			}
			all[i] = p
			errs[i] = p.Wait(ctx, func(s peer.State) bool { return s.Topology == peer.SFU && s.SFU.Connected })
		})
	}
	came.Wait()
	seen := allocations()
	for i, err := range errs {
		if err != nil {
			t.Errorf("person %d: %v", i, err)
		}
	}
	if got := sessions(); got != people {
		t.Errorf("%d sessions of %d people", got, people)
	}
	var gone sync.WaitGroup
	for _, p := range all {
		if p != nil {
			gone.Go(func() {
				if err := p.Close(ctx); err != nil {
					t.Error(err)
				}
			})
		}
	}
	gone.Wait()
	until(t, "the wave's end", func() bool { return sessions() == 0 && allocations() == 0 })
	if t.Failed() {
		t.FailNow()
	}
	return seen
}

// openFiles counts the process's descriptors, which sockets are.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0 // a system that does not tell: goroutines and counts are left to tell
	}
	return len(files)
}
