package sfu

import (
	"encoding/binary"
	"strconv"
	"sync"
	"sync/atomic"

	"atrium/sfu/offer"
	"atrium/signaling/protocol"
)

const repeatsMany = 64 // retransmissions of a slot that are remembered

// repeated is a retransmission.
type repeated struct {
	seq uint16
	at  int64
}

// slot is one recvonly section of a member: a place that the SFU fills with whom it chooses. Its SSRC, payload type and
// numbering stay the same whoever is in it.
type slot struct {
	// Static after construction.
	s     *session
	mid   string
	nth   int // index k: audio slot k and video slot k share a stream
	video bool

	codecs atomic.Uint32 // that it can be filled with, by their bits

	hungry int64 // since when there is no room for its lowest layer; 0: there is. Guarded by room.mu.

	// Guarded by mu.
	mu       sync.Mutex
	off      bool
	bound    bool    // a format was agreed on
	src      *uplink // who is chosen; nil: nobody
	want     *layer  // of a video slot: what it takes, or changes to at its next key frame; nil: what comes first
	most     int     // the height up to which it changes to a larger layer by itself
	paused   bool    // the receiver can be sent nothing of it
	cur      *layer  // who feeds it; nil: a switch is due
	cut      cutter  // how much of cur is taken
	fresh    bool    // nothing of cur was sent yet
	held     held
	line     timeline
	agreed   offer.Agreed
	hdr      header // ssrc, pt and extension ids; the rest is each packet's
	levelID  uint8
	rtxPT    uint8
	opusPT   uint8
	redPT    uint8 // of sound with redundancy; 0: the receiver takes none
	rtxSSRC  uint32
	rtxSeq   uint16
	packets  uint32
	octets   uint32
	keyAsked int64                  // when the slot last asked
	keyOf    *layer                 // and whom
	repeated *[repeatsMany]repeated // nil: none yet
	again    packet                 // memory of retransmissions, made at the first
}

func newSlot(s *session, sec *offer.Section, ssrc, rtx uint32) *slot {
	t := &slot{s: s, mid: sec.Mid, nth: sec.Nth, video: sec.Kind == protocol.Video, hdr: header{ssrc: ssrc}, rtxSSRC: rtx}
	t.line = timeline{rate: audioRate, minGap: audioRate / 50}
	if t.video {
		t.line = timeline{rate: videoRate, minGap: videoRate / 30}
	}
	return t
}

// negotiated takes what the slot's section agreed on. It is called with every answered offer.
func (t *slot) negotiated(sec *offer.Section) {
	a := sec.Agreed
	t.mu.Lock()
	defer t.mu.Unlock()
	t.agreed, t.off = a, sec.Off
	codecs := uint32(0)
	for _, f := range a.Formats {
		codecs |= codecNamed(f.Codec.Name).bit()
	}
	t.codecs.Store(codecs)
	t.bound = len(a.Formats) > 0
	if t.off || t.cur != nil && codecs&t.cur.reading.codec.bit() == 0 {
		t.cur = nil
	}
	if !t.bound {
		return
	}
	t.hdr.pt, t.rtxPT = a.Formats[0].PT, a.Formats[0].RTX
	if t.cur != nil {
		t.takeFormat(t.cur)
	}
	t.opusPT, t.redPT = 0, 0
	if f := a.Of(offer.Opus); f != nil {
		t.opusPT, t.hdr.pt = f.PT, f.PT
	}
	if f := a.Of(offer.RED); f != nil {
		t.redPT = f.PT
	}
	t.levelID, t.hdr.depID = a.IDs.Level, a.IDs.Dependency
	if t.hdr.twccID = a.IDs.Wide; t.hdr.twccID != 0 {
		t.s.media.agreed()
	}
}

// takeFormat takes the payload types under which the receiver is sent the codec of a layer. Called with the lock held.
func (t *slot) takeFormat(l *layer) {
	if f := t.agreed.Of(l.codec); f != nil {
		t.hdr.pt, t.rtxPT = f.PT, f.RTX
	}
}

// stream is how the slot's packets are announced.
func (t *slot) stream() offer.Stream {
	st := offer.Stream{ID: t.streamID(), Track: "audio" + strconv.Itoa(t.nth), SSRC: t.hdr.ssrc}
	if t.video {
		st.Track, st.RTX = "video"+strconv.Itoa(t.nth), t.rtxSSRC
	}
	return st
}

// streamID is the CNAME as well: audio slot k and video slot k play in step.
func (t *slot) streamID() string { return "slot" + strconv.Itoa(t.nth) }

// setSource puts someone (or nobody) into the slot. Called by the room.
func (t *slot) setSource(u *uplink) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.src, t.cur, t.want, t.most, t.paused = u, nil, nil, 0, false
	t.cut.want = whole
}

// aim makes l the layer that the slot takes from its next key frame on, up to a cut; up to that, what it takes now goes on
// unless it is to stop. True: it was paused or resumed. Called by the room.
func (t *slot) aim(l *layer, c cut, most int, pause, stop bool, now int64) (changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed = t.paused != pause
	t.paused, t.most = pause, most
	if pause || stop && t.cur != l {
		t.cur = nil
	}
	if pause {
		return changed
	}
	t.cut.want = c
	if t.want == l && !changed {
		return changed
	}
	t.want = l
	if l != nil && t.cur != l {
		t.askKey(l, now)
	}
	return changed
}

// askKey asks for the key frame that the slot waits for. To grow larger is not urgent: else many receivers that do so one
// after the other would make a layer of key frames alone. Called with the lock held.
func (t *slot) askKey(l *layer, now int64) {
	every := keyInterval
	if t.cur == l || t.cur != nil && t.cur.up == l.up && t.cur.pixels.Load() < l.pixels.Load() {
		every = growInterval
	}
	if now-t.keyAsked > int64(every) || t.keyOf != l {
		t.keyAsked, t.keyOf = now, l
		l.requestKey(now)
	}
}

// requestKey asks for a key frame of what the slot takes: the receiver has lost a picture, or has just come.
func (t *slot) requestKey(now int64) {
	t.mu.Lock()
	l := t.cur
	if l == nil {
		l = t.want
	}
	t.mu.Unlock()
	if l != nil && t.video {
		l.requestKey(now)
	}
}

// enters says whether a packet of a layer that does not feed the slot is the one with which it begins to. Called with the
// lock held.
func (t *slot) enters(l *layer, p *packet) bool {
	if !t.video {
		return true
	}
	if t.want == nil || t.want.gone.Load() {
		t.want = l
	}
	if w := t.want; w != l {
		// A key frame of a larger layer that may be sent: the layers of a source begin one after the other.
		if !p.pic.key || l.pixels.Load() <= w.pixels.Load() || l.height(whole.sid) > t.most {
			return false
		}
		t.want = l
	}
	if !p.pic.key {
		t.askKey(l, p.at)
		t.s.f.m.drop(dropNoKey)
		return false
	}
	return true
}

// resync lets the slot's numbering go on without a gap after packets that were held back. Called on unmute.
func (t *slot) resync() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cur = nil
}

// forward writes one packet of a layer into b, if the slot takes from it. transport.inMu of the layer's session is held.
func (t *slot) forward(b *batch, l *layer, p *packet) {
	b.room()
	t.mu.Lock()
	if t.src != l.up || !t.bound || t.off || t.paused || !t.s.live.Load() {
		t.mu.Unlock()
		return
	}
	if t.cur != l {
		if t.codecs.Load()&l.reading.codec.bit() == 0 || !t.enters(l, p) {
			t.mu.Unlock()
			return
		}
		t.takeFormat(l)
		t.line.begin(l, p)
		t.cur, t.fresh, t.held.from = l, true, nil
		t.cut.begin(p)
	}
	if t.video && (t.held.on || b.at < t.s.media.down.pace.gate.Load()) && t.hold(l, p, b.at) {
		t.mu.Unlock()
		return
	}
	sent, first := t.send(b, l, p)
	t.mu.Unlock()
	if sent && first {
		t.sendReport(b, l)
	}
}

// send writes a packet of the layer that feeds the slot, or leaves it out. first: it is the first of it. t.mu is held.
func (t *slot) send(b *batch, l *layer, p *packet) (sent, first bool) {
	if t.video && !t.cut.takes(p) {
		t.leave(b, l, p)
		return false, false
	}
	m := t.s.f.m
	n, ok := t.line.pass(p)
	if !ok {
		m.drop(dropLate)
		return false, false
	}
	first, t.fresh = t.fresh, false
	if p.pic.key {
		t.held.keyTS, t.held.keySent = p.ts, true
	}
	h := &t.hdr
	h.seq, h.ts = n.seq, n.ts
	h.marker = p.marker || t.video && t.cut.last(p) || first && !t.video // RFC 7587, section 4.1: the start of a talkspurt
	if h.levelID = 0; p.hasLevel {
		h.levelID, h.level = t.levelID, p.level
	}
	h.dep, h.frame = p.dependency(), n.id
	if !t.video {
		h.pt = t.soundPT(p)
	}
	sent = t.write(b, h, p, n)
	t.packets++
	t.octets += uint32(p.end - p.off)
	if !sent {
		m.drop(dropWrite)
		return false, first
	}
	m.packets.Add(1)
	m.bytes.Add(uint64(p.end - p.off))
	return true, first
}

// leave takes note of a packet of the layer that feeds the slot which is above what the slot takes of it. t.mu is held.
func (t *slot) leave(b *batch, l *layer, p *packet) {
	if t.cut.grows() && p.pic.start && p.pic.sid == t.cut.now.sid+1 {
		t.askKey(l, p.at)
	}
	if n, kept := t.line.leave(p); kept {
		// Its number would be asked for, again and again: padding fills it.
		h := t.hdr
		h.seq, h.ts, h.marker, h.levelID, h.dep, h.padding = n.seq, n.ts, false, 0, nil, 1
		if to, ok := t.s.media.begin(b, &h); ok {
			to[0] = 1
			_ = t.s.media.end(b, &h, 1)
		}
	}
	t.s.f.m.drop(dropLayer)
}

// write puts a packet with the slot's numbers into b. The ring's copy is everyone's, so it is the copy in b whose picture
// numbers are changed. t.mu is held.
func (t *slot) write(b *batch, h *header, p *packet, n numbers) bool {
	to, ok := t.s.media.begin(b, h)
	if !ok {
		return false
	}
	payload := to[:copy(to, t.part(p))]
	if p.primary > 0 && t.redPT != 0 {
		relabelRED(payload, t.opusPT)
	}
	if n.id != p.pic.id || n.tl0 != p.pic.tl0 {
		p.pic.rewrite(payload, n.id, n.tl0)
	}
	return t.s.media.end(b, h, len(payload)) == nil
}

// soundPT is the payload type under which a receiver is sent a packet of sound.
func (t *slot) soundPT(p *packet) uint8 {
	if p.primary > 0 && t.redPT != 0 {
		return t.redPT
	}
	return t.opusPT
}

// part of a packet's payload that the receiver is sent: of sound with redundancy for one who takes none, the sound.
func (t *slot) part(p *packet) []byte {
	if p.primary > 0 && t.redPT == 0 {
		return p.payload()[p.primary:]
	}
	return p.payload()
}

// resend answers a NACK from the source's ring. Retransmissions have a share of what the receiver can be sent, else loss by a
// full queue would fill it even more. False: enough for now.
func (t *slot) resend(b *batch, seq uint16) bool {
	b.room()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.bound {
		return false
	}
	now := t.s.f.now()
	if t.repeated == nil {
		t.repeated = new([repeatsMany]repeated)
	}
	r := &t.repeated[seq%repeatsMany]
	if r.seq == seq && now-r.at < int64(t.s.media.roundTrip()) {
		return true // it is on its way
	}
	if !t.s.media.mayRepeat(now) {
		t.s.f.m.drop(dropRepeat)
		return false
	}
	if size := t.repeat(b, seq); size > 0 {
		*r = repeated{seq, now}
		t.s.media.didRepeat(size)
		t.s.f.m.resent.Add(1)
	}
	return true
}

// repeat writes a packet of a picture that was sent once more: by RTX (RFC 4588) where it was agreed, else as it was. It gives its
// size; 0: that cannot be. t.mu is held.
func (t *slot) repeat(b *batch, seq uint16) (size int) {
	rtx := t.rtxSSRC != 0 && t.rtxPT != 0
	seg, from, ok := t.line.find(seq)
	p := &t.again
	switch {
	case !rtx && (!t.video || t.hdr.twccID != 0): // nobody asks for sound
		return 0 // of another transport-wide number: a second packet under one SRTP index (RFC 3711, section 9.1)
	case !ok || seg.run != t.line.seg.run: // from before a switch: the key frame after it makes it superfluous
		return 0
	case !seg.from.ring.copyTo(p, from):
		return 0
	}
	n := seg.number(p)
	h := t.hdr
	h.seq, h.ts, h.marker, h.levelID = n.seq, n.ts, p.marker || t.cut.last(p), 0
	h.dep, h.frame = p.dependency(), n.id
	if rtx {
		h.ssrc, h.pt, h.seq = t.rtxSSRC, t.rtxPT, t.rtxSeq
		t.rtxSeq++
	}
	to, ok := t.s.media.begin(b, &h)
	if !ok {
		return 0
	}
	if rtx {
		binary.BigEndian.PutUint16(to, n.seq)
		size = 2
	}
	payload := to[size : size+copy(to[size:], p.payload())]
	p.pic.rewrite(payload, n.id, n.tl0)
	if size += len(payload); t.s.media.end(b, &h, size) != nil {
		return 0
	}
	return size + overhead
}
