package sfu

import "time"

// segment is a stretch of one source in a slot: the offsets between its numbers and the slot's. It ends where the source
// is switched, and where packets of it are left out. Retransmission needs those of past segments too.
type segment struct {
	from   *layer
	run    uint8  // counts switches: the same for all segments that packets left out have parted
	first  uint16 // lowest of the source's sequence numbers that belongs to it; moves along
	out    uint16 // the slot's number of first
	last   uint16 // the slot's highest number of it
	seqOff uint16 // source - slot
	tsOff  uint32
	idOff  uint16
	tl0Off uint8
}

const (
	pastSegments = 4
	pastThinned  = 128 // where packets are left out: as many as retransmission reaches back, which is a second or two
)

// timeline gives a slot one continuous numbering, whoever feeds it: sequence numbers without a gap where the source is
// switched or thinned, timestamps that advance by the time that passed, picture ids and TL0PICIDX that go on (RFC 7741,
// section 4.2, asks that of a sender; decoders take a jump for loss). Guarded by the slot's lock.
type timeline struct {
	rate   uint32 // ticks a second
	minGap uint32 // least advance at a switch: one packet of audio, one frame of video

	started bool
	lastSeq uint16 // highest sent
	lastTS  uint32
	lastAt  int64 // when that came in, nanoseconds
	lastID  uint16
	lastTL0 uint8

	seg  segment
	past []segment // at most most of them
	most int
	next int // which of past is replaced next

	high    uint16 // highest of the source's sequence numbers that was passed or left out
	left    uint16 // picture id of the last that was left out
	hasLeft bool
}

// numbers are what a packet is to be written with.
type numbers struct {
	seq uint16
	ts  uint32
	id  uint16
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
		t.keep(t.seg)
	}
	out, ts, id, tl0 := p.seq, p.ts, p.pic.id, p.pic.tl0
	if t.started {
		out, ts = t.lastSeq+1, t.lastTS+gap
		id, tl0 = t.lastID+1, t.lastTL0+1
	} else {
		t.started = true
		t.lastTS, t.lastAt, t.lastID, t.lastTL0 = ts, p.at, id, tl0
	}
	t.lastSeq = out - 1
	t.seg = segment{from: l, run: t.seg.run + 1, first: p.seq, out: out, last: out - 1, seqOff: p.seq - out, tsOff: p.ts - ts, idOff: p.pic.id - id, tl0Off: p.pic.tl0 - tl0}
	t.high, t.hasLeft = p.seq-1, false
}

// keep remembers a segment that is over.
func (t *timeline) keep(s segment) {
	t.most = max(t.most, pastSegments)
	if len(t.past) == t.most {
		t.past[t.next] = s
		t.next = (t.next + 1) % t.most
		return
	}
	if cap(t.past) < t.most { // in their order, the oldest first
		grown := append(make([]segment, 0, t.most), t.past[t.next:]...)
		t.past, t.next = append(grown, t.past[:t.next]...), 0
	}
	t.past = append(t.past, s)
}

// before gives the i-th of the past segments, the last first.
func (t *timeline) before(i int) *segment {
	return &t.past[(t.next+len(t.past)-1-i)%len(t.past)]
}

// of is the segment of this run that a packet of the source belongs to. Nil: it is from before the run, or one of those
// that were left out.
func (t *timeline) of(seq uint16) *segment {
	if int16(seq-t.seg.first) >= 0 {
		return &t.seg
	}
	for i := range t.past {
		s := t.before(i)
		if s.run != t.seg.run {
			return nil
		}
		if d := int16(seq - s.first); d >= 0 {
			if int16(s.last+s.seqOff-seq) >= 0 {
				return s
			}
			return nil
		}
	}
	return nil
}

// pass numbers a packet of the current source; false: it is from before its segment, or in a gap that was closed.
func (t *timeline) pass(p *packet) (numbers, bool) {
	s := t.of(p.seq)
	if s == nil {
		return numbers{}, false
	}
	n := s.number(p)
	if int16(n.seq-t.lastSeq) > 0 { // late ones too: all behind them may have been left out
		t.lastSeq, t.lastTS, t.lastAt = n.seq, n.ts, p.at
		if p.pic.idAt > 0 || p.deps[1] > 0 {
			t.lastID = n.id
		}
		if p.pic.tl0At > 0 {
			t.lastTL0 = n.tl0
		}
	}
	if int16(p.seq-t.high) <= 0 {
		return n, true
	}
	t.high, s.last = p.seq, n.seq
	if p.pic.codec == codecVP8 {
		t.hasLeft = false // what is left out next is another picture, also where its id has come round
	}
	if d := p.seq - s.first; d > 1<<14 { // keep first within half the number space, or comparison turns around
		s.first += 1 << 13
		s.out += 1 << 13
	}
	return n, true
}

// leave takes note that a packet of the current source is not sent: the next has the number that it would have had. One
// that comes late has had a number kept for it, as nobody knew what it was; then kept is true, and the receiver waits for
// something of that number.
func (t *timeline) leave(p *packet) (n numbers, kept bool) {
	if int16(p.seq-t.high) <= 0 {
		s := t.of(p.seq)
		if s == nil {
			return n, false
		}
		n = s.number(p)
		if int16(n.seq-t.lastSeq) > 0 {
			t.lastSeq = n.seq
		}
		return n, true
	}
	s := &t.seg
	if p.seq != s.first { // what is missing before it may still come
		t.most = pastThinned
		over := *s
		over.last = p.seq - 1 - s.seqOff
		t.keep(over)
	}
	t.high = p.seq
	s.first = p.seq + 1
	s.seqOff++
	s.out = s.first - s.seqOff
	s.last = s.out - 1
	// A decoder of VP8 takes a picture id that is missing for a picture that is; of VP9, what a picture refers to is told by
	// ids, and by frame numbers of AV1 (RFC 9628, section 4.2.1; RTP Payload Format For AV1, appendix A).
	if p.pic.codec == codecVP8 && (!t.hasLeft || t.left != p.pic.id) {
		t.left, t.hasLeft = p.pic.id, true
		s.idOff++
	}
	return n, false
}

func (s *segment) number(p *packet) numbers {
	return numbers{seq: p.seq - s.seqOff, ts: p.ts - s.tsOff, id: p.pic.id - s.idOff, tl0: p.pic.tl0 - s.tl0Off}
}

// find gives the segment that sent a sequence number of the slot, for retransmission, and the source's number of it.
func (t *timeline) find(seq uint16) (*segment, uint16, bool) {
	if s := &t.seg; s.holds(seq) {
		return s, seq + s.seqOff, true
	}
	for i := range t.past {
		if s := t.before(i); s.holds(seq) {
			return s, seq + s.seqOff, true
		}
	}
	return nil, 0, false
}

func (s *segment) holds(seq uint16) bool {
	return s.from != nil && int16(seq-s.out) >= 0 && int16(s.last-seq) >= 0
}
