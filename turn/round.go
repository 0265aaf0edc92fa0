package turn

import (
	"net/netip"
	"sync"

	"atrium/turn/batch"
)

// roundPackets is how many packets a socket reads at a time. More are rarely there: it is what 10,000 packets a second
// bring in 6 ms.
const roundPackets = 64

// round is what one reader passes on between two reads, or the SFU at a time. It leaves at the end: packets to one client in
// one system call, and the counters counted once. Frames stay where they were read, so nothing may be read before the end.
type round struct {
	// Owned by whoever passes packets on.
	metrics *metrics
	out     *batch.Writer
	streams []*stream // that have something to write
	copies  []*packet // frames that are the round's own
	fromSFU func(p []byte, from, to netip.AddrPort) bool
	passed  [passes]int
	bytes   int
}

func newRound(m *metrics) *round { return &round{metrics: m, out: batch.NewWriter(roundPackets)} }

// pass counts a packet.
func (r *round) pass(p pass, n int) {
	r.passed[p]++
	r.bytes += n
}

// end sends all.
func (r *round) end() {
	if r.bytes > 0 || r.passed != [passes]int{} {
		r.metrics.passedMany(&r.passed, r.bytes)
		r.passed, r.bytes = [passes]int{}, 0
	}
	r.out.Flush()
	for i, s := range r.streams {
		s.push()
		r.streams[i] = nil
	}
	r.streams = r.streams[:0]
	for i, k := range r.copies {
		packets.Put(k)
		r.copies[i] = nil
	}
	r.copies = r.copies[:0]
}

// copied is a frame of the round's own.
func (r *round) copied(b []byte) []byte {
	if len(r.copies) == roundPackets {
		r.end()
	}
	k := packets.Get().(*packet)
	r.copies = append(r.copies, k)
	return k.frame(b)
}

// rounds lends rounds to who passes on a packet that was not read from a socket.
type rounds struct{ pool sync.Pool }

func (l *rounds) init(r *relay) {
	l.pool.New = func() any {
		out := newRound(r.metrics)
		out.fromSFU = func(p []byte, from, to netip.AddrPort) bool { return r.send(p, from, to, out) }
		return out
	}
}

func (l *rounds) take() *round { return l.pool.Get().(*round) }

// end ends a round and takes it back.
func (l *rounds) end(r *round) {
	r.end()
	l.pool.Put(r)
}
