package talker

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"atrium/bench/measure"
	"atrium/bench/peer"
)

// Log is a copy of what a talker has seen so far.
type Log struct {
	Name    string
	ID      uuid.UUID
	Sent    [2][]time.Time // by peer.Kind and stamp sequence
	Heard   map[Source][]measure.Arrival
	Events  []peer.Event
	Drops   []Drop
	Uplinks map[uint32]peer.Uplink
	Full    int
	Foreign int
	Strange int
}

// Log copies the talker's log.
func (t *Talker) Log() *Log {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := &Log{
		Name: t.Name, ID: t.ID, Heard: make(map[Source][]measure.Arrival, len(t.heard)),
		Events: slices.Clone(t.events), Drops: slices.Clone(t.drops), Uplinks: make(map[uint32]peer.Uplink, len(t.uplinks)),
		Full: t.full, Foreign: t.foreign, Strange: t.strange,
	}
	for k := range t.sent {
		l.Sent[k] = slices.Clone(t.sent[k])
	}
	for s, a := range t.heard {
		l.Heard[s] = slices.Clone(a)
	}
	for ssrc, u := range t.uplinks {
		l.Uplinks[ssrc] = u
	}
	return l
}

// Stream is what receiver got of a kind from sender, with what the networks of both lost.
func Stream(receiver, sender *Log, kind peer.Kind) *measure.Stream {
	s := &measure.Stream{Sent: sender.Sent[kind], Arrivals: receiver.Heard[Source{From: sender.ID, Kind: kind}]}
	lost := lostOnPath(receiver, sender, kind, s)
	s.Dropped = func(seq uint64) bool { return lost[seq] }
	return s
}

// lostOnPath collects the stamps of a stream that one of the two networks dropped on one of the ways.
func lostOnPath(receiver, sender *Log, kind peer.Kind, s *measure.Stream) map[uint64]bool {
	lost := make(map[uint64]bool)
	// What leaves the sender carries the stamp's sequence number, modulo 2^16: the time of the drop says which.
	add := func(d Drop) {
		at, _ := slices.BinarySearchFunc(s.Sent, d.At, time.Time.Compare)
		for seq := at; seq >= 0 && seq > at-1<<15; seq-- {
			if uint16(seq) == d.RTP {
				lost[uint64(seq)] = true
				return
			}
		}
	}
	ours := func(u peer.Uplink, ok bool) bool {
		return ok && u.Kind == kind && (u.Way == peer.WaySFU || u.To == receiver.ID)
	}
	for _, d := range sender.Drops {
		u, ok := sender.Uplinks[d.SSRC]
		if !d.In && ours(u, ok) {
			add(d)
		}
	}
	// What arrives at the receiver carries the sender's SSRC on their own connection, and the slot's from the SFU, where
	// the sequence number was rewritten: then the packets around it tell.
	var bySlot map[uint32][]measure.Arrival
	for _, d := range receiver.Drops {
		if !d.In {
			continue
		}
		u, ok := sender.Uplinks[d.SSRC]
		if ours(u, ok) && u.Way == peer.WayP2P {
			add(d)
			continue
		}
		if bySlot == nil {
			bySlot = make(map[uint32][]measure.Arrival)
			for _, a := range s.Arrivals {
				if a.Way == measure.Way(peer.WaySFU) {
					bySlot[a.SSRC] = append(bySlot[a.SSRC], a)
				}
			}
		}
		if seq, ok := rewritten(bySlot[d.SSRC], d); ok {
			lost[seq] = true
		}
	}
	return lost
}

// neighbour is how far away a packet of the same source may be to tell what a lost one held.
const neighbour = 100

// rewritten finds the stamp of a packet lost between the SFU and the receiver by the nearest packet of the same slot.
func rewritten(slot []measure.Arrival, d Drop) (seq uint64, ok bool) {
	best := int16(neighbour)
	for _, a := range slot {
		if delta := a.At.Sub(d.At); delta < -5*time.Second || delta > 5*time.Second {
			continue
		}
		off := int16(d.RTP - a.RTP)
		dist := max(off, -off)
		if dist > 0 && dist < best && int64(a.Sequence)+int64(off) >= 0 {
			best, seq, ok = dist, uint64(int64(a.Sequence)+int64(off)), true
		}
	}
	return seq, ok
}
