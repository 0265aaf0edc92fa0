package sfu

import "time"

const (
	heldMost = 300 * time.Millisecond // what has been held back for so long is not sent any more, but for key frames
	heldRing = 64                     // packets of the ring that what is held back must leave to what comes
)

// held is what a slot holds back since its receiver's way has no room for it yet: a stretch of the ring of the layer that feeds
// it. It is never a copy, has a bound by the ring and by age, and gives way to a key frame that comes behind it. Guarded by
// slot.mu.
type held struct {
	on   bool   // the slot is among those that wait
	from *layer // nil: nothing is held
	next uint16 // the source's number of the next to go
	last uint16 // and of the last
	at   int64  // when next came, or one before it

	key     uint16 // of the first packet of the newest key frame that is held
	keyHeld bool
	skip    bool // next is that key frame, and what was before it is not sent

	// Of the key frame that went last: it is sent to its end however long that takes, and what follows may be as late as it.
	keyTS   uint32
	keySent bool // a packet of it
	late    int64
}

// hold keeps a packet back if it must. False: it goes now, as one that comes late does. t.mu is held.
func (t *slot) hold(l *layer, p *packet, now int64) bool {
	h := &t.held
	if h.from == nil {
		if int16(p.seq-t.line.high) <= 0 {
			return false
		}
		h.from, h.next, h.last, h.at, h.keyHeld, h.skip, h.late = l, p.seq, p.seq, p.at, false, false, 0
	} else if int16(p.seq-h.next) < 0 {
		return false
	}
	if int16(p.seq-h.last) > 0 {
		h.last = p.seq
	}
	if p.pic.key {
		h.key, h.keyHeld = p.seq, true
	}
	t.s.f.m.held.Add(1)
	if !h.on {
		h.on = true
		t.s.media.wait(t, p.at)
	}
	if int(h.last-h.next) > len(l.ring.slots)-heldRing {
		t.giveUp(now)
	}
	return true
}

// giveUp drops what is held; the slot goes on with a key frame. t.mu is held.
func (t *slot) giveUp(now int64) {
	h := &t.held
	t.s.f.m.drops[dropHeld].Add(uint64(h.last-h.next) + 1)
	l := h.from
	h.from, t.cur = nil, nil
	if t.want != nil {
		l = t.want
	}
	t.askKey(l, now)
}

// holds says whether something is held, and since when the next of it waits.
func (t *slot) holds() (since int64, any bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := &t.held
	// Whoever changes what the slot takes does not look at what is held: it is what feeds the slot, or nothing.
	if l := h.from; l == nil || t.cur != l || t.src != l.up || t.paused || t.off || !t.bound || l.gone.Load() || !t.s.live.Load() {
		h.from = nil
		return 0, false
	}
	return h.at, true
}

// settle ends the waiting if nothing is held.
func (t *slot) settle() {
	if _, any := t.holds(); any {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := &t.held; h.on && h.from == nil {
		h.on = false
		t.s.media.unwait(t)
	}
}

// drain sends the next packet of what is held. False: no more may go now.
func (t *slot) drain(b *batch) bool {
	b.room()
	t.mu.Lock()
	l := t.held.from
	sent, first, more := t.drainOne(b)
	t.mu.Unlock()
	if sent && first {
		t.sendReport(b, l)
	}
	return more
}

func (t *slot) drainOne(b *batch) (sent, first, more bool) {
	h := &t.held
	l := h.from
	if l == nil || t.cur != l {
		return false, false, true
	}
	if !t.s.media.may(b.at) {
		return false, false, false
	}
	p := &t.again
	for ; !l.ring.copyTo(p, h.next); h.next++ { // one that never came, or is not kept any more
		switch {
		case h.keyHeld && h.next == h.key:
			t.giveUp(b.at)
			return false, false, true
		case h.next == h.last:
			h.from = nil
			return false, false, true
		}
	}
	begins := h.keyHeld && h.next == h.key
	ofKey := begins || h.keySent && p.ts == h.keyTS
	switch {
	case !ofKey && h.keyHeld:
		t.s.f.m.drops[dropHeld].Add(uint64(h.key - h.next))
		h.next, h.skip = h.key, true
		return false, false, true
	case !ofKey && b.at-p.at > int64(heldMost)+h.late:
		t.giveUp(b.at)
		return false, false, true
	}
	if begins {
		h.keyHeld = false
	}
	if ofKey {
		h.late = b.at - p.at
	}
	if h.skip {
		h.skip = false
		t.line.skip(p)
	}
	h.at = p.at
	if h.next == h.last {
		h.from = nil
	}
	h.next++
	sent, first = t.send(b, l, p)
	return sent, first, true
}

// skip lets the numbering go on without a gap at a later packet of the same source.
func (t *timeline) skip(p *packet) { t.start(t.seg.from, p, p.ts-t.seg.tsOff-t.lastTS) }
