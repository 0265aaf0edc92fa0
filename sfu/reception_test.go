package sfu

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtp"

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
