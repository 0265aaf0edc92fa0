package sfu

import "time"

const (
	batchBytes = 512 << 10 // of packets that wait for a flush
	segments   = 64        // most packets of one run: UDP_MAX_SEGMENTS of the kernel
	runBytes   = 65000     // most bytes of a run: one IP packet

	arrivedMost = 64 // packets that are not yet with their slots: a layer's ring holds more
)

// batch is what waits to be written: packets, one behind the other, in messages of one destination each. Packets of one
// size in a row form a run, which goes to the kernel as one message; only its last may be shorter (UDP_SEGMENT). A batch
// has one owner at a time.
type batch struct {
	sock    *mediaSocket
	arena   []byte
	used    int
	spans   []span
	msgs    []message
	at      int64  // the present, by the SFU's clock: when what it is about was read
	partial bool   // the last picture that was handed on is not whole yet
	gen     uint64 // counts flushes: what transports remember of messages is good within one
	arrived []arrival
	out     flusher
	scratch []byte          // see space
	relayed bool            // a message goes to a relayed name
	toRelay func(passRelay) // passes them; made at the first
}

// span is a stretch of the arena; next is the following one of its message, or -1.
type span struct{ off, n, next int32 }

type message struct {
	to         *dest
	first, end int32 // spans
	size       int   // of each packet but the last
	last       int
	count      int
	bytes      int

	of   *transport
	at   int64 // the batch's present when it began
	wide wideRange
}

// wideRange is which transport-wide sequence numbers a message has.
type wideRange struct {
	any         bool
	first, last uint16
}

// arrival is a packet that was read and is not yet with its slots.
type arrival struct {
	l *layer
	p *packet
}

// reserve gives the place for the next packet. It is the same until add. Whoever reserves has asked for room.
func (b *batch) reserve() []byte { return b.arena[b.used : b.used+packetSpace] }

const packetSpace = packetBytes + 64 // a forwarded packet's header and tag may be longer than those it came with

// space is where a packet may be decrypted that goes to no ring.
func (b *batch) space() []byte {
	if b.scratch == nil {
		b.scratch = make([]byte, packetBytes)
	}
	return b.scratch[:0]
}

// room flushes where there is none for one more packet. Called without locks that others wait for.
func (b *batch) room() {
	if b.used+packetSpace > len(b.arena) || len(b.msgs) >= batchMessages {
		b.flush()
	}
}

const batchMessages = 512

// add takes the n bytes that were written into reserve's place as the next packet to a destination. t.outMu is held.
func (b *batch) add(t *transport, to *dest, n int) {
	off := int32(b.used)
	b.used += n
	if t.lastIn == b && t.lastGen == b.gen {
		m := &b.msgs[t.lastMsg]
		if m.to == to && m.last == m.size && n <= m.size && m.count < segments && m.bytes+n <= runBytes && to.runs() {
			m.count, m.last, m.bytes = m.count+1, n, m.bytes+n
			if e := &b.spans[m.end]; e.off+e.n == off {
				e.n += int32(n)
				return
			}
			b.spans = append(b.spans, span{off, int32(n), -1})
			next := int32(len(b.spans) - 1)
			b.spans[m.end].next = next
			m.end = next
			return
		}
	}
	b.spans = append(b.spans, span{off, int32(n), -1})
	at := int32(len(b.spans) - 1)
	b.relayed = b.relayed || to.relayed
	b.msgs = append(b.msgs, message{to: to, first: at, end: at, size: n, last: n, count: 1, bytes: n, of: t, at: b.at})
	t.lastIn, t.lastGen, t.lastMsg = b, b.gen, int32(len(b.msgs)-1)
}

// number notes the transport-wide sequence number of the packet that was added last. t.outMu is held.
func (b *batch) number(t *transport, seq uint16) {
	w := &b.msgs[t.lastMsg].wide
	if !w.any {
		w.any, w.first = true, seq
	}
	w.last = seq
}

// tellAfter is how much later than noted packets must have been written for their receiver's estimator to be told: less is
// nothing beside the queues that it looks for.
const tellAfter = 2 * time.Millisecond

// wrote tells whose packets went out late: this machine was busy, which is no queue of the network.
func (m *message) wrote(at int64) {
	if at-m.at > int64(tellAfter) && m.wide.any {
		m.of.left(m.wide.first, m.wide.last, at)
	}
}

// runs says whether runs may go to a destination.
func (d *dest) runs() bool { return d.tcp == nil && !d.relayed && !d.noGSO.Load() }

// packets calls f with each packet of a message, in order.
func (b *batch) packets(m *message, f func(p []byte)) {
	left, size := m.count, m.size
	for i := m.first; i >= 0; i = b.spans[i].next {
		s := b.spans[i]
		p := b.arena[s.off : s.off+s.n]
		for len(p) > 0 {
			n := size
			if left == 1 {
				n = m.last
			}
			f(p[:n])
			p = p[n:]
			left--
		}
	}
}

// finish hands on what was read and writes what came of it.
func (b *batch) finish() {
	b.hand()
	b.flush()
}

func (b *batch) empty() bool { return len(b.msgs) == 0 }

// hand gives what was read to the slots, layer by layer.
func (b *batch) hand() {
	for i := 0; i < len(b.arrived); i++ {
		a := b.arrived[i]
		if a.l == nil {
			continue
		}
		t := a.l.up.s.media
		t.inMu.Lock()
		if !t.closed {
			for j := i; j < len(b.arrived); j++ {
				if x := &b.arrived[j]; x.l == a.l {
					b.partial = a.l.up.video && !x.p.marker
					a.l.up.take(b, a.l, x.p)
					x.l = nil
				}
			}
			if a.l.reception.news {
				a.l.askLost(b, b.at)
			}
		}
		t.inMu.Unlock()
	}
	clear(b.arrived)
	b.arrived = b.arrived[:0]
}

// flush writes everything.
func (b *batch) flush() {
	if len(b.msgs) == 0 {
		return
	}
	b.write()
	b.writeRelayed()
	b.sock.m.flushes.Add(1)
	clear(b.msgs)
	b.msgs, b.spans, b.used = b.msgs[:0], b.spans[:0], 0
	b.gen++
}
