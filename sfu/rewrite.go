package sfu

import "time"

// segment is a stretch of one source in a slot: the offsets between its numbers and the slot's. Retransmission needs
// those of past segments too.
type segment struct {
	from   *layer
	first  uint16 // lowest of the source's sequence numbers that belongs to it; moves along
	out    uint16 // the slot's number of first
	last   uint16 // the slot's highest number of it
	seqOff uint16 // source - slot
	tsOff  uint32
	picOff uint16
	tl0Off uint8
}

const pastSegments = 4

// timeline gives a slot one continuous numbering, whoever feeds it: sequence numbers without a gap where the source is
// switched, timestamps that advance by the time that passed, picture ids and TL0PICIDX that go on (RFC 7741, section 4.2,
// asks that of a sender; decoders take a jump for loss). Guarded by the slot's lock.
type timeline struct {
	rate   uint32 // ticks a second
	minGap uint32 // least advance at a switch: one packet of audio, one frame of video

	started bool
	lastSeq uint16 // highest sent
	lastTS  uint32
	lastAt  int64 // when that came in, nanoseconds
	lastPic uint16
	lastTL0 uint8

	seg  segment
	past [pastSegments]segment
	next int // which of past is replaced next
}

// numbers are what a packet is to be written with.
type numbers struct {
	seq uint16
	ts  uint32
	pic uint16
	tl0 uint8
}

// begin starts a segment with packet p of layer l: the number after the last, the timestamp of the time that passed.
// The very first source of a slot keeps its numbers.
func (t *timeline) begin(l *layer, p *packet) {
	gap := uint32(0)
	if captured, known := t.captured(l, p); known {
		t.start(l, p, captured)
		return
	}
	if d := p.at - t.lastAt; t.started && d > 0 {
		gap = uint32(uint64(d) / 1000 * uint64(t.rate) / 1_000_000)
	}
	t.start(l, p, max(gap, t.minGap))
}

// captured is how long after the last picture that was sent this one was taken, where both are of one camera and the sender's
// reports say which moment belongs to which timestamp: layers of simulcast have clocks of their own, and the time of arrival
// has the network's jitter and, with a large picture, its own length on the way in it.
func (t *timeline) captured(l *layer, p *packet) (gap uint32, known bool) {
	from := t.seg.from
	if from == nil || from == l || from.up != l.up || l.up == nil {
		return 0, false
	}
	was, is := from.lastReport(), l.lastReport()
	if was.at == 0 || is.at == 0 {
		return 0, false
	}
	moment := func(r senderReport, ts uint32) int64 {
		return r.ntp + int64(int32(ts-r.rtp))*int64(time.Second)/int64(t.rate)
	}
	d := moment(is, p.ts) - moment(was, t.lastTS+t.seg.tsOff)
	if d > int64(time.Minute) || d < -int64(time.Second) {
		return 0, false // a sender whose reports do not fit together
	}
	ticks := uint32(max(d, 0) / 1000 * int64(t.rate) / 1_000_000)
	return max(ticks, t.rate/1000), true // the same picture in another size comes a moment later all the same
}

// start begins the segment so many ticks after the last packet.
func (t *timeline) start(l *layer, p *packet, gap uint32) {
	if t.seg.from != nil {
		t.past[t.next] = t.seg
		t.next = (t.next + 1) % pastSegments
	}
	out, ts, pic, tl0 := p.seq, p.ts, p.vp8.pic, p.vp8.tl0
	if t.started {
		out, ts = t.lastSeq+1, t.lastTS+gap
		pic, tl0 = t.lastPic+1, t.lastTL0+1
	} else {
		t.started = true
		t.lastTS, t.lastAt, t.lastPic, t.lastTL0 = ts, p.at, pic, tl0
	}
	t.lastSeq = out - 1
	t.seg = segment{from: l, first: p.seq, out: out, last: out - 1, seqOff: p.seq - out, tsOff: p.ts - ts, picOff: p.vp8.pic - pic, tl0Off: p.vp8.tl0 - tl0}
}

// pass numbers a packet of the current segment; false: it is from before the segment.
func (t *timeline) pass(p *packet) (numbers, bool) {
	s := &t.seg
	if int16(p.seq-s.first) < 0 {
		return numbers{}, false
	}
	n := s.number(p)
	if int16(n.seq-t.lastSeq) > 0 {
		t.lastSeq, s.last = n.seq, n.seq
		t.lastTS, t.lastAt = n.ts, p.at
		if p.vp8.picAt > 0 {
			t.lastPic = n.pic
		}
		if p.vp8.tl0At > 0 {
			t.lastTL0 = n.tl0
		}
		if d := p.seq - s.first; d > 1<<14 { // keep first within half the number space, or comparison turns around
			s.first += 1 << 13
			s.out += 1 << 13
		}
	}
	return n, true
}

func (s *segment) number(p *packet) numbers {
	return numbers{seq: p.seq - s.seqOff, ts: p.ts - s.tsOff, pic: p.vp8.pic - s.picOff, tl0: p.vp8.tl0 - s.tl0Off}
}

// find gives the segment that sent a sequence number of the slot, for retransmission, and the source's number of it.
func (t *timeline) find(seq uint16) (*segment, uint16, bool) {
	if s := &t.seg; s.holds(seq) {
		return s, seq + s.seqOff, true
	}
	for i := range pastSegments {
		if s := &t.past[(t.next+pastSegments-1-i)%pastSegments]; s.holds(seq) {
			return s, seq + s.seqOff, true
		}
	}
	return nil, 0, false
}

func (s *segment) holds(seq uint16) bool {
	return s.from != nil && int16(seq-s.out) >= 0 && int16(s.last-seq) >= 0
}
