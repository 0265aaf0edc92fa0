package sfu

import (
	"math"
	"time"

	"atrium/sfu/estimate"
)

const (
	assumed     = 10_000_000             // bits a second, until the receiver's feedback says otherwise
	padMost     = 255                    // bytes of padding in a packet (RFC 3550, section 5.1)
	repeatShare = 0.25                   // of what can be sent: for retransmissions …
	repeatBurst = 24 << 10               // … saved up to so many bytes: a key frame
	repeatLeast = 20 * time.Millisecond  // between two retransmissions of a packet: a round trip …
	repeatMost  = 250 * time.Millisecond // … of these bounds
	noticed     = 150 * time.Millisecond
	overloaded  = 1.3 // what is sent, of what can be: it is stopped at once, not at the next key frame
)

// downlink is what is known of the way to a member. Guarded by transport.outMu.
type downlink struct {
	est     *estimate.Estimator // nil: no transport-wide feedback was agreed on, and nothing is known
	prober  *estimate.Prober
	cuts    int // of est, when the room last looked
	rate    float64
	wish    float64 // with what the next layer would fit
	refTime int64   // of the last feedback, in 64 ms, unwrapped
	probing bool    // the pacer does it
	pace    pace

	repeats   float64 // bytes that may be sent again now
	repeatsAt int64
}

// agreed: the receiver gives transport-wide feedback.
func (t *transport) agreed() {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	if d := &t.down; d.est == nil {
		d.est = estimate.New(assumed)
		d.prober = estimate.NewProber(d.est)
		d.pace.set(assumed) // until it has told something: who has just come may have a narrow way and many slots
	}
}

// sent notes a packet that got a transport-wide number. t.outMu is held.
func (d *downlink) sent(seq uint16, size int, now int64) {
	if d.est != nil {
		d.est.Sent(seq, size, now)
		d.prober.Sent(size, now)
		d.pace.sent(size, now)
	}
}

// repace follows the estimate. t.outMu is held.
func (d *downlink) repace() {
	over := paceFree
	if d.est.Tight() {
		over = paceTight
	}
	d.pace.set(over * d.est.Rate())
}

// left notes when numbered packets went out that had waited in this machine.
func (t *transport) left(first, last uint16, at int64) {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	if e := t.down.est; e != nil {
		e.Left(first, last, at)
	}
}

// heard takes a transport-wide feedback message. True: the room should look at once at what the member is sent.
func (t *transport) heard(m *wideFeedback, now int64) (look bool) {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	d := &t.down
	if d.est == nil {
		return false
	}
	d.refTime += int64(int32(uint32(int64(m.reference)-d.refTime)<<8) >> 8) // 24 bits that wrap
	at := d.refTime * int64(64*time.Millisecond)
	m.each(func(seq uint16, came bool, delta time.Duration) {
		if !came {
			if sent, size, ok := d.est.Lost(seq); ok {
				d.prober.Lost(sent, size)
			}
			return
		}
		at += int64(delta)
		if sent, size, ok := d.est.Arrived(seq, at); ok {
			d.prober.Arrived(sent, size, at)
		}
	})
	d.est.Feedback(now)
	d.prober.Feedback(now)
	d.repace()
	rate := d.est.Rate()
	look = d.est.Cuts() != d.cuts || d.rate < d.wish && rate >= d.wish
	return look
}

// budget is what the member can be sent, in bits a second. cut: what it is sent is far more. late: so long a queue stands on
// the way that people notice.
func (t *transport) budget(now int64) (bits float64, cut, late bool) {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	d := &t.down
	if d.est == nil {
		return math.Inf(1), false, false
	}
	d.est.Tick(now)
	d.repace()
	d.cuts, d.rate = d.est.Cuts(), d.est.Rate()
	return d.rate, d.est.Congested() && d.est.Sending(now) > overloaded*d.rate, d.est.Queue()+d.pace.late(now) > noticed
}

// wish says with how much the member would get its next layer, and begins a probe when it is time for one.
func (t *transport) wish(now int64, bits float64) {
	if t.wishes(now, bits) {
		t.s.f.pacer.add(t)
	}
}

func (t *transport) wishes(now int64, bits float64) (begins bool) {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	d := &t.down
	if d.est == nil {
		return false
	}
	d.wish = bits
	d.prober.Wish(bits)
	begins = d.prober.Start(now) && !d.probing
	d.probing = d.probing || begins
	return begins
}

// due is how many bytes a probe is to send now beside the media. What is held back is the best of them.
func (t *transport) due(now int64) (bytes int) {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	d := &t.down
	if !d.probing {
		return 0
	}
	select {
	case <-t.s.stop:
		d.probing = false
		return 0
	default:
	}
	bytes = d.prober.Due(now)
	d.probing = d.prober.Probing()
	if len(d.pace.waiting) > 0 {
		d.pace.refund(bytes)
	}
	return bytes
}

// probe sends what a probe is to send beside the media.
func (t *transport) probe(b *batch) {
	t.outMu.Lock()
	due := t.down.prober.Due(b.at)
	t.outMu.Unlock()
	if due <= 0 {
		return
	}
	sent := t.s.room.pad(b, t.s, due)
	t.outMu.Lock()
	t.down.pace.refund(sent)
	t.outMu.Unlock()
}

// pad sends about so many bytes to a member that it does not miss: its last packets again, by RTX, which mends what it has
// lost, or padding.
func (r *room) pad(b *batch, s *session, bytes int) (sent int) {
	r.mu.Lock()
	slots := append([]*slot(nil), s.member.video...)
	r.mu.Unlock()
	for _, padding := range []bool{false, true} {
		for _, t := range slots {
			if sent < bytes {
				sent += t.pad(b, bytes-sent, padding)
			}
		}
	}
	return sent
}

const padAgain = 16 // of a slot's last packets, again at once

// pad gives how many bytes were sent.
func (t *slot) pad(b *batch, bytes int, padding bool) (sent int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.bound || t.rtxSSRC == 0 || t.rtxPT == 0 || t.off {
		return 0
	}
	if !padding {
		if t.cur == nil {
			return 0
		}
		for i := uint16(0); i < padAgain && sent < bytes; i++ {
			b.room()
			sent += t.repeat(b, t.line.lastSeq-i)
		}
		return sent
	}
	for sent < bytes {
		b.room()
		h := t.hdr
		h.ssrc, h.pt, h.seq, h.ts, h.marker, h.levelID, h.dep = t.rtxSSRC, t.rtxPT, t.rtxSeq, t.line.lastTS, false, 0, nil
		h.padding = uint8(min(max(bytes-sent, 50), padMost))
		t.rtxSeq++
		to, ok := t.s.media.begin(b, &h)
		if !ok {
			return bytes // there is no way to the member
		}
		clear(to[:h.padding])
		to[h.padding-1] = h.padding
		if t.s.media.end(b, &h, int(h.padding)) != nil {
			return bytes
		}
		sent += int(h.padding) + overhead
	}
	return sent
}

// mayRepeat says whether there is room for a retransmission; didRepeat follows it.
func (t *transport) mayRepeat(now int64) bool {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	d := &t.down
	bits := float64(assumed)
	if d.est != nil {
		bits = min(d.est.Rate(), assumed)
	}
	d.repeats = min(d.repeats+bits/8*repeatShare*float64(now-d.repeatsAt)/float64(time.Second), repeatBurst)
	d.repeatsAt = now
	return d.repeats > 0
}

func (t *transport) didRepeat(size int) {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	t.down.repeats -= float64(size)
}

// roundTrip is how long a retransmission takes to show in what the receiver asks for.
func (t *transport) roundTrip() time.Duration {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	if t.down.est == nil {
		return repeatLeast
	}
	return min(max(t.down.est.RoundTrip(), repeatLeast), repeatMost)
}
