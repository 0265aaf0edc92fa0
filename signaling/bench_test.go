package signaling

import (
	"fmt"
	"testing"
	"time"

	"atrium/signaling/space"
	"atrium/topology"
)

// still is a policy under which no zone ever changes, so that the figures are this server's alone.
var still = topology.Policy{PromoteAt: 1 << 20, DemoteAt: 1, DemoteAfter: time.Hour, Dwell: time.Hour, Deadline: time.Hour, Cooldown: time.Hour}

// BenchmarkPresence is one tick in a zone where everyone moved, with real sockets to receivers that read, up to
// the last byte's arrival. Read ns/update: per update delivered, the clients' reading included.
func BenchmarkPresence(b *testing.B) {
	for _, people := range []int{10, 100} {
		for _, feature := range []string{"broadcast", "presence_batch"} {
			b.Run(fmt.Sprintf("%dx%d/%s", people, people, feature), func(b *testing.B) { benchPresence(b, people, feature) })
		}
	}
}

func benchPresence(b *testing.B, people int, feature string) {
	h := newHouse(b, func(o *Options) { o.Tick = time.Hour }, still) // the benchmark is the tick
	clients := make([]*client, people)
	for i := range clients {
		clients[i] = h.connect(h.claims(space.Plain), feature)
		clients[i].join(houseID)
	}
	for _, c := range clients {
		c.before()
	}
	frames := people - 1
	if feature == "presence_batch" {
		frames = 1
	}
	for b.Loop() {
		h.srv.mu.Lock()
		for _, m := range h.srv.members {
			m.touch()
		}
		h.srv.mu.Unlock()
		h.srv.sendPresence()
		for _, c := range clients {
			for range frames {
				<-c.frames
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*people*(people-1)), "ns/update")
}
