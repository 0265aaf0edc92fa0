package sfu

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"atrium/sfu/offer"
)

func TestReceptionCountsAndAsksForWhatIsMissing(t *testing.T) {
	var r reception
	at := int64(0)
	note := func(seq uint16) {
		at += int64(5 * time.Millisecond)
		r.note(&packet{seq: seq, ts: uint32(seq) * 450, at: at}, videoRate)
	}
	for _, seq := range []uint16{65533, 65534, 1, 65535, 2} { // 65535 is late, 0 is lost
		note(seq)
	}
	if got := fmt.Sprint(r.ask(at)); got != "[0]" {
		t.Errorf("asks for %s, want [0]", got)
	}
	if got := r.ask(at + int64(askAgain)/2); len(got) != 0 {
		t.Errorf("asks for %v again at once", got)
	}
	times := 1
	for now := at; now < at+int64(100*askAgain); now += int64(askAgain) {
		times += len(r.ask(now + int64(askAgain)))
	}
	if times != askMost {
		t.Errorf("asked %d times, want %d", times, askMost)
	}
	b := r.report(9, senderReport{at: at - int64(time.Second), stamp: 0x0001_0002_0003_0004}, at)
	if b.SSRC != 9 || b.LastSequenceNumber != 1<<16|2 || b.TotalLost != 1 || b.FractionLost != 256/6 {
		t.Errorf("%+v", b)
	}
	if b.LastSenderReport != 0x0002_0003 || b.Delay != 65536 {
		t.Errorf("sender report %x, %d units ago", b.LastSenderReport, b.Delay)
	}
	note(1000) // an outage: a key frame mends it
	if got := r.ask(at); len(got) != 0 {
		t.Errorf("asks for %d packets after an outage", len(got))
	}
}

// A retransmission (RFC 4588) becomes the packet that it repeats, once.
func TestRetransmissionOfTheSenderIsRestored(t *testing.T) {
	g := rig(t, true, 1, true)
	l := g.l
	l.up.agreed = offer.Agreed{Formats: []offer.Format{{Codec: offer.VP8, PT: 96, RTX: 97}}}
	original := vp8Packet(t, 300, 5, true, 40)
	var p rtp.Packet
	if err := p.Unmarshal(original); err != nil {
		t.Fatal(err)
	}
	again := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 97, SSRC: 5, SequenceNumber: 9, Timestamp: p.Timestamp, Marker: p.Marker},
		Payload: append([]byte{300 >> 8, 300 & 0xff}, p.Payload...)}
	_ = again.SetExtension(4, []byte("1"))
	raw, err := again.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	n, ok := l.restore(raw)
	if !ok || !l.put(g.b, n, 1) {
		t.Fatal("not restored")
	}
	var got rtp.Packet
	if err := got.Unmarshal(g.b.arrived[0].p.buf); err != nil {
		t.Fatal(err)
	}
	if got.SequenceNumber != 300 || got.PayloadType != 96 || got.SSRC != l.ssrc || got.Timestamp != p.Timestamp || !got.Marker || string(got.Payload) != string(p.Payload) {
		t.Errorf("%s", &got)
	}
	if _, ok := l.restore(raw); ok {
		t.Error("the same again was taken")
	}
	again.Payload = nil
	again.PaddingSize, again.Padding = 20, true
	if raw, err = again.Marshal(); err != nil {
		t.Fatal(err)
	}
	if _, ok := l.restore(raw); ok {
		t.Error("padding was taken for a packet")
	}
	g.b.arrived = g.b.arrived[:0]
}

// feedback takes what waits to be written to the sender, as the sender reads it, and flushes it.
func (g *rigged) feedback(t *testing.T, in *srtp.Context) (all []rtcp.Packet) {
	t.Helper()
	for i := range g.b.msgs {
		g.b.packets(&g.b.msgs[i], func(p []byte) {
			raw, err := in.DecryptRTCP(nil, p, nil)
			if err != nil {
				t.Fatal(err)
			}
			packets, err := rtcp.Unmarshal(raw)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, packets...)
		})
	}
	g.flush()
	return all
}

// What a read shows to be missing is asked for with that read, unless the same read brings it.
func TestWhatIsMissingIsAskedForAtOnce(t *testing.T) {
	g := rig(t, true, 0, true)
	l := g.l
	m := l.up.s.media
	in, out := contexts(t, srtp.ProtectionProfileAeadAes128Gcm)
	m.keys(nil, out)
	to := &dest{addr: loopback(t).LocalAddr().(*net.UDPAddr).AddrPort()}
	g.b.sock.resolve(to)
	m.to.Store(to)
	read := func(seqs ...uint16) (asked []uint16) {
		t.Helper()
		for _, seq := range seqs {
			if !l.put(g.b, copy(l.ring.in, vp8Packet(t, seq, seq, seq == 600, 40)), 1) {
				t.Fatal("malformed")
			}
		}
		g.b.hand()
		for _, p := range g.feedback(t, in) {
			if nack, ok := p.(*rtcp.TransportLayerNack); ok && nack.MediaSSRC == l.ssrc {
				for _, pair := range nack.Nacks {
					asked = append(asked, pair.PacketList()...)
				}
			}
		}
		return asked
	}
	for _, c := range []struct {
		read []uint16
		want string
	}{
		{[]uint16{600, 602}, "[601]"},
		{[]uint16{603}, "[]"},
		{[]uint16{606, 604, 605, 607}, "[]"},
		{[]uint16{610, 609}, "[608]"},
	} {
		if got := fmt.Sprint(read(c.read...)); got != c.want {
			t.Errorf("with %v: asks for %s, want %s", c.read, got, c.want)
		}
	}
	l.up.video = false // nobody waits for sound
	if got := read(615); len(got) != 0 || len(l.reception.lost) != 0 {
		t.Errorf("asks for %v", got)
	}
}

// However long the tick was away, what it tells a sender fits into packets.
func TestFeedbackOfManyPacketsIsSent(t *testing.T) {
	g := rig(t, true, 0, true)
	l := g.l
	m := l.up.s.media
	in, out := contexts(t, srtp.ProtectionProfileAeadAes128Gcm)
	theirs, mine := contexts(t, srtp.ProtectionProfileAeadAes128Gcm)
	m.keys(theirs, out)
	m.verified = true
	l.codec = offer.VP8
	l.up.agreed = offer.Agreed{Formats: []offer.Format{{Codec: offer.VP8, PT: 96}}}
	m.streams[1] = &stream{layer: l}
	m.routes.ids.Wide = 5
	to := &dest{addr: loopback(t).LocalAddr().(*net.UDPAddr).AddrPort()}
	g.b.sock.resolve(to)
	m.to.Store(to)
	told, reports := map[uint16]bool{}, 0
	look := func() {
		for _, p := range g.feedback(t, in) {
			switch p := p.(type) {
			case *rtcp.TransportLayerCC:
				for k := range p.PacketStatusCount {
					told[p.BaseSequenceNumber+k] = true
				}
			case *rtcp.ReceiverReport:
				reports++
			}
		}
	}
	const packets = 2000
	for seq := range uint16(packets) {
		h := rtp.Header{SequenceNumber: seq, Timestamp: uint32(seq) * 3000, SSRC: 1, PayloadType: 96}
		_ = h.SetExtension(5, []byte{byte(seq >> 8), byte(seq)})
		b, err := mine.EncryptRTP(nil, raw(t, h, []byte{0x10, 1, 2}, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		m.receive(g.b, b, int64(seq)*int64(100*time.Millisecond)) // far apart: the longest way of telling
		g.b.arrived = g.b.arrived[:0]
		look()
	}
	m.tick(g.b, int64(packets*100*time.Millisecond))
	look()
	if len(told) != packets || reports != 1 {
		t.Errorf("of %d packets %d were told of, and %d reports came", packets, len(told), reports)
	}
}

// A packet is taken once, by whichever way it comes first, and what comes by an old number takes no later one's place.
func TestAPacketIsTakenOnce(t *testing.T) {
	g := rig(t, true, 1, true)
	l, s, w := g.l, g.slots[0], g.wires[0]
	m := l.up.s.media
	l.codec = offer.VP8
	l.up.agreed = offer.Agreed{Formats: []offer.Format{{Codec: offer.VP8, PT: 96, RTX: 97}, {Codec: offer.H264, PT: 102, RTX: 103}}}
	in, out := contexts(t, srtp.ProtectionProfileAeadAes128Gcm)
	m.keys(in, nil)
	m.verified = true
	m.streams[1], m.streams[5] = &stream{layer: l}, &stream{layer: l, rtx: true}
	s.s.media.down.repeats = repeatBurst
	receive := func(p *rtp.Packet) {
		t.Helper()
		b, err := p.Marshal()
		if err == nil {
			b, err = out.EncryptRTP(nil, b, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		m.receive(g.b, b, 1)
		g.b.hand()
		g.flush()
	}
	plain := func(seq uint16) *rtp.Packet {
		var p rtp.Packet
		if err := p.Unmarshal(vp8Packet(t, seq, seq, seq == 600, 40)); err != nil {
			t.Fatal(err)
		}
		p.SSRC, p.PayloadType = 1, 96
		return &p
	}
	n := uint16(0)
	again := func(seq uint16, pt uint8) *rtp.Packet {
		n++
		p := plain(seq)
		p.SSRC, p.PayloadType, p.SequenceNumber = 5, pt, n
		p.Payload = append([]byte{byte(seq >> 8), byte(seq)}, p.Payload...)
		return p
	}
	for _, seq := range []uint16{600, 601, 603} {
		receive(plain(seq))
	}
	receive(again(602, 103)) // of another codec's stream
	receive(again(602, 97))
	receive(plain(602)) // it was late only
	receive(again(602, 97))
	receive(again(603-videoRing, 97))
	var got []uint16
	for _, p := range w.all {
		got = append(got, p.SequenceNumber)
	}
	if fmt.Sprint(got) != "[600 601 603 602]" {
		t.Errorf("%v", got)
	}
	if s.resend(g.b, 603); len(g.b.msgs) == 0 {
		t.Error("an old number has taken the place of a later one")
	}
	g.flush()
}

// A retransmission without a stream of its own is the same packet, byte for byte: else two would be encrypted under one index.
func TestWhatCannotBeRepeatedAsItWasIsNot(t *testing.T) {
	g := rig(t, true, 1, true)
	s, w := g.slots[0], g.wires[0]
	s.s.media.agreed()
	s.s.media.down.repeats = repeatBurst
	s.hdr.twccID = 5
	for seq := range uint16(3) {
		g.arrive(vp8Packet(t, 100+seq, seq, seq == 0, 40))
	}
	s.resend(g.b, 101)
	g.flush()
	if n := len(w.all); n != 3 {
		t.Errorf("sent again as %+v", w.all[3:])
	}
	s.rtxSSRC, s.rtxPT = 8, 97
	s.resend(g.b, 101)
	g.flush()
	if n := len(w.all); n != 4 || w.all[3].SSRC != 8 {
		t.Errorf("not sent again: %+v", w.all[3:])
	}
}
