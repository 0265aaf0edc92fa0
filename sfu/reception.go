package sfu

import (
	"encoding/binary"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

const (
	lostMost     = 64                     // packets that are asked for again at once; more is an outage, which a key frame mends
	askAgain     = 100 * time.Millisecond // between two requests for a packet
	askMost      = 10                     // requests for one packet
	reportEvery  = time.Second
	wideMost     = 512 // packets that one transport-wide feedback speaks of: with the longest deltas it fits into a packet
	feedbackSSRC = 1   // RFC 3550 wants one of the sender's own; the SFU sends no media of its own, and this is as good as any
)

// reception is what the SFU tells a client about a stream that it sends: how much of it came (RFC 3550, section 6.4.1) and
// what it should send again (RFC 4585, section 6.2.1). Guarded by transport.inMu.
type reception struct {
	started  bool
	highest  uint32 // sequence number with the number of wraps above it
	base     uint32
	received uint32
	jitter   float64
	transit  int64

	expectedThen, receivedThen uint32 // at the last report
	reported                   int64

	lost []lost // that are waited for, in order
	news bool   // some of them have not been asked for
}

type lost struct {
	seq   uint16
	asked int64
	times int
}

// note counts a packet.
func (r *reception) note(p *packet, clock uint32) {
	if !r.started {
		r.started, r.base, r.highest = true, uint32(p.seq), uint32(p.seq)
		r.received = 1
		return
	}
	r.received++
	d := int16(p.seq - uint16(r.highest))
	if d <= 0 {
		for i := range r.lost {
			if r.lost[i].seq == p.seq {
				r.lost = append(r.lost[:i], r.lost[i+1:]...)
				break
			}
		}
		return
	}
	if d > lostMost {
		r.lost = r.lost[:0]
	} else {
		for seq := uint16(r.highest) + 1; seq != p.seq; seq++ {
			if len(r.lost) < lostMost {
				r.lost, r.news = append(r.lost, lost{seq: seq}), true
			}
		}
	}
	r.highest += uint32(d)
	transit := p.at/1000*int64(clock)/1_000_000 - int64(p.ts)
	if r.transit != 0 {
		x := float64(int32(transit - r.transit))
		if x < 0 {
			x = -x
		}
		r.jitter += (x - r.jitter) / 16
	}
	r.transit = transit
}

// ask gives the sequence numbers that are to be requested now.
func (r *reception) ask(now int64) (seqs []uint16) {
	r.news = false
	kept := r.lost[:0]
	for _, x := range r.lost {
		if x.times == 0 || now-x.asked >= int64(askAgain) {
			if x.times == askMost {
				continue
			}
			x.times++
			x.asked = now
			seqs = append(seqs, x.seq)
		}
		kept = append(kept, x)
	}
	r.lost = kept
	return seqs
}

// report gives the block of a receiver report.
func (r *reception) report(ssrc uint32, sr senderReport, now int64) rtcp.ReceptionReport {
	expected := r.highest - r.base + 1
	b := rtcp.ReceptionReport{SSRC: ssrc, LastSequenceNumber: r.highest, Jitter: uint32(r.jitter)}
	if expected > r.received {
		b.TotalLost = min(expected-r.received, 1<<23-1)
	}
	if e, n := expected-r.expectedThen, r.received-r.receivedThen; e > n && e > 0 {
		b.FractionLost = uint8(min((e-n)*256/e, 255))
	}
	r.expectedThen, r.receivedThen, r.reported = expected, r.received, now
	if sr.at != 0 {
		b.LastSenderReport = uint32(sr.stamp >> 16)
		b.Delay = uint32((now - sr.at) * 65536 / int64(time.Second))
	}
	return b
}

// arrived notes a transport-wide sequence number, and tells of those so far where they are many. t.inMu is held.
func (t *transport) arrived(b *batch, ssrc uint32, seq uint16, at int64) {
	if t.twccIn == nil {
		t.twccIn = twcc.NewRecorder(feedbackSSRC)
	}
	t.twccIn.Record(ssrc, seq, at/1000)
	if t.twccIn.PacketsHeld() >= wideMost {
		t.tellWide(b)
	}
}

// tellWide sends the transport-wide feedback that is due. t.inMu is held.
func (t *transport) tellWide(b *batch) {
	for _, p := range t.twccIn.BuildFeedbackPacket() {
		t.writeRTCP(b, p)
	}
}

// askLost requests what is missing: with the read that showed it, and again from time to time. t.inMu is held.
func (l *layer) askLost(b *batch, now int64) {
	if !l.up.video {
		l.reception.lost, l.reception.news = l.reception.lost[:0], false // no one waits for audio; Opus carries its own repair
		return
	}
	if seqs := l.reception.ask(now); len(seqs) > 0 {
		l.up.s.media.writeRTCP(b, &rtcp.TransportLayerNack{SenderSSRC: feedbackSSRC, MediaSSRC: l.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)})
	}
}

// tick sends what a client is told from time to time: transport-wide feedback, further requests, and reports. Called by the
// SFU's one ticker.
func (t *transport) tick(b *batch, now int64) {
	t.inMu.Lock()
	defer t.inMu.Unlock()
	if t.closed || len(t.streams) == 0 {
		return
	}
	var reports []rtcp.ReceptionReport
	for _, st := range t.streams {
		l := st.layer
		if st.rtx {
			continue
		}
		if len(l.reception.lost) > 0 {
			l.askLost(b, now)
		}
		if r := &l.reception; r.started && now-r.reported >= int64(reportEvery) && len(reports) < 31 {
			l.mu.Lock()
			sr := l.sr
			l.mu.Unlock()
			reports = append(reports, r.report(l.ssrc, sr, now))
		}
	}
	if len(reports) > 0 {
		t.writeRTCP(b, &rtcp.ReceiverReport{SSRC: feedbackSSRC, Reports: reports})
	}
	if t.twccIn != nil && t.twccIn.PacketsHeld() > 0 {
		t.tellWide(b)
	}
}

// restore makes of a retransmission (RFC 4588, section 4) the packet that it repeats, in the ring's place for the next.
// False: padding, one that came already or comes too late, or of another codec than the stream has now. t.inMu is held.
func (l *layer) restore(p []byte) (n int, ok bool) {
	head := 12 + 4*int(p[0]&0x0f)
	if p[0]&0x10 != 0 {
		if len(p) < head+4 {
			return 0, false
		}
		head += 4 + 4*int(binary.BigEndian.Uint16(p[head+2:]))
	}
	end := len(p)
	if p[0]&0x20 != 0 {
		end -= int(p[end-1])
	}
	if end < head+3 {
		return 0, false
	}
	seq := binary.BigEndian.Uint16(p[head:])
	if l.ring.past(seq) {
		return 0, false
	}
	f, rtx := l.up.agreed.Format(p[1] & 0x7f)
	if !rtx || l.codec != nil && f.Codec != l.codec {
		return 0, false
	}
	to := l.ring.in[:packetBytes]
	n = copy(to, p[:head])
	n += copy(to[n:], p[head+2:end])
	to[0] &^= 0x20
	to[1] = p[1]&0x80 | f.PT
	binary.BigEndian.PutUint16(to[2:], seq)
	binary.BigEndian.PutUint32(to[8:], l.ssrc)
	return n, true
}
