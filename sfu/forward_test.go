package sfu

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/rtp"

	"atrium/signaling/protocol"
	"atrium/topology"
)

// wire is where a slot writes in these tests: the last packet, or a copy of all.
type wire struct {
	keep  bool
	count int
	last  rtp.Header
	all   []rtp.Packet
}

func (w *wire) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	w.count++
	w.last = *h
	if w.keep {
		w.all = append(w.all, rtp.Packet{Header: h.Clone(), Payload: bytes.Clone(payload)})
	}
	return len(payload), nil
}

func (w *wire) Write([]byte) (int, error) { return 0, nil }

// rig is a room with one sender and receivers whose slots write to wires; no transport.
func rig(video bool, receivers int, keep bool) (*layer, []*slot, []*wire) {
	f := &SFU{m: &metrics{}, start: time.Now(), log: slog.New(slog.DiscardHandler), sessions: map[place]*session{}}
	r := &room{f: f}
	kind, source := protocol.Audio, protocol.Mic
	if video {
		kind, source = protocol.Video, protocol.Camera
	}
	from := newSession(f, topology.Session{User: uuid.New()}, r)
	u := newUplink(from, section{mid: "0", kind: kind, source: source})
	u.subs.Store(new([]*slot))
	r.add(from, []*uplink{u}, nil)
	var slots []*slot
	var wires []*wire
	for range receivers {
		s := newSession(f, topology.Session{User: uuid.New()}, r)
		s.live.Store(true)
		t := newSlot(s, section{mid: "0", kind: kind, slot: true})
		w := &wire{keep: keep}
		t.w, t.ssrc, t.pt, t.hdr = w, 7, 96, rtp.Header{Version: 2, SSRC: 7, PayloadType: 96}
		slots, wires = append(slots, t), append(wires, w)
		r.add(s, nil, []*slot{t})
	}
	size := audioRing
	if video {
		size = videoRing
	}
	return &layer{up: u, ssrc: 1, ring: newRing(size)}, slots, wires
}

func (l *layer) arrive(t testing.TB, b []byte) {
	p := l.ring.put(copy(l.ring.in, b), l.up.s.f.now(), l.levelID, l.up.video)
	if p == nil {
		t.Fatal("malformed")
	}
	l.up.take(l, p)
}

func vp8Packet(t testing.TB, seq, pic uint16, key bool, size int) []byte {
	payload := make([]byte, size)
	copy(payload, []byte{0x90, 0xc0, 0x80 | byte(pic>>8), byte(pic), byte(pic), 0x11, 0, 0})
	if key {
		copy(payload[5:], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0})
	}
	return raw(t, rtp.Header{SequenceNumber: seq, Timestamp: uint32(seq) * 3000, Marker: true}, payload, 0)
}

func TestForwardAllocatesNothing(t *testing.T) {
	for _, video := range []bool{false, true} {
		l, slots, wires := rig(video, 10, false)
		seq := uint16(0)
		var b []byte
		next := func() {
			seq++
			b = b[:0]
			if video {
				b = vp8Packet(t, seq, seq&0x7fff, seq == 1, 1100)
			} else {
				b = raw(t, rtp.Header{SequenceNumber: seq, Timestamp: uint32(seq) * 960}, make([]byte, 120), 0)
			}
		}
		for range videoRing + 1 { // the ring has its memory
			next()
			l.arrive(t, b)
		}
		if video { // as after a switch: the descriptor is rewritten
			for _, s := range slots {
				s.line.seg.picOff = 5
			}
			next()
			l.arrive(t, b)
		}
		next()
		if n := testing.AllocsPerRun(1000, func() { l.arrive(t, b) }); n != 0 {
			t.Errorf("video %v: %v allocations per packet", video, n)
		}
		if wires[9].count < videoRing+1000 {
			t.Errorf("only %d packets were written", wires[9].count)
		}
	}
}

func TestSwitchedVideoWaitsForAKeyFrame(t *testing.T) {
	l, slots, wires := rig(true, 1, true)
	l.arrive(t, vp8Packet(t, 1, 1, false, 50))
	l.arrive(t, vp8Packet(t, 2, 2, true, 50))
	l.arrive(t, vp8Packet(t, 3, 3, false, 50))
	if n := len(wires[0].all); n != 2 {
		t.Fatalf("%d packets, want those from the key frame on", n)
	}
	slots[0].resync()
	l.arrive(t, vp8Packet(t, 4, 4, false, 50))
	if n := len(wires[0].all); n != 2 {
		t.Fatal("a delta frame after a switch")
	}
	if n := l.up.s.f.m.drops[dropNoKey].Load(); n != 2 {
		t.Errorf("%d dropped, want 2", n)
	}
}

func TestHigherLayerIsTakenAtItsKeyFrameAndLeftWhenItFallsSilent(t *testing.T) {
	low, _, wires := rig(true, 1, true)
	u := low.up
	high := &layer{up: u, ssrc: 2, ring: newRing(videoRing)}
	u.layers = []*layer{low, high}
	arriveKey := func(l *layer, seq uint16, width byte) {
		b := vp8Packet(t, seq, seq, true, 50)
		b[12+5+6], b[12+5+7] = width, 1
		l.arrive(t, b)
	}
	arriveKey(low, 1, 0)
	low.arrive(t, vp8Packet(t, 2, 2, false, 50))
	high.arrive(t, vp8Packet(t, 900, 900, false, 50)) // waits for its key frame
	low.arrive(t, vp8Packet(t, 3, 3, false, 50))
	arriveKey(high, 901, 200)
	low.arrive(t, vp8Packet(t, 4, 4, false, 50)) // not taken any more
	high.arrive(t, vp8Packet(t, 902, 902, false, 50))
	var seqs []uint16
	for _, p := range wires[0].all {
		seqs = append(seqs, p.SequenceNumber)
	}
	if fmt.Sprint(seqs) != "[1 2 3 4 5]" {
		t.Fatalf("sequence numbers %v", seqs)
	}
	now := u.s.f.now() + int64(2*time.Second)
	low.last.Store(now)
	u.chooseLayer(now)
	if u.want.Load() != low {
		t.Fatal("the silent layer is kept")
	}
}

func TestAudioLevelGoesByTheReceiversID(t *testing.T) {
	l, slots, wires := rig(false, 1, true)
	l.levelID = 3
	if err := slots[0].hdr.SetExtension(9, slots[0].level[:]); err != nil {
		t.Fatal(err)
	}
	h := rtp.Header{SequenceNumber: 1}
	_ = h.SetExtension(3, []byte{0x2a})
	l.arrive(t, raw(t, h, []byte("a"), 0))
	l.arrive(t, raw(t, rtp.Header{SequenceNumber: 2}, []byte("b"), 0))
	if got := wires[0].all[0].GetExtension(9); len(got) != 1 || got[0] != 0x2a {
		t.Errorf("level %x", got)
	}
	if wires[0].all[1].Extension {
		t.Error("an extension that did not come")
	}
}

func TestRetransmissionIsThePacketAgain(t *testing.T) {
	l, slots, wires := rig(true, 1, true)
	for i := range uint16(20) {
		l.arrive(t, vp8Packet(t, 100+i, i, i == 0, 60))
	}
	s, w := slots[0], wires[0]
	var again resender
	s.resend(&again, 105)
	if got := w.all[len(w.all)-1]; got.SequenceNumber != 105 || got.SSRC != 7 || !bytes.Equal(got.Payload, w.all[5].Payload) || got.Timestamp != w.all[5].Timestamp {
		t.Fatalf("%+v", got)
	}
	s.rtxSSRC, s.rtxPT = 8, 97
	for range 2 {
		s.resend(&again, 106)
	}
	got, prev := w.all[len(w.all)-1], w.all[len(w.all)-2]
	if got.SSRC != 8 || got.PayloadType != 97 || got.SequenceNumber != prev.SequenceNumber+1 || got.Payload[0] != 0 || got.Payload[1] != 106 || !bytes.Equal(got.Payload[2:], w.all[6].Payload) {
		t.Fatalf("%+v", got)
	}
	n := len(w.all)
	for range 10 * resendMost {
		s.resend(&again, 107)
	}
	if len(w.all)-n > 2*resendMost {
		t.Errorf("%d retransmissions at once", len(w.all)-n)
	}
	s.resend(&again, 5000) // never sent
}

func BenchmarkForward(b *testing.B) {
	for _, n := range []int{10, 50} {
		b.Run(fmt.Sprintf("1to%d", n), func(b *testing.B) {
			l, _, wires := rig(true, n, false)
			p := vp8Packet(b, 1, 1, true, 1100)
			b.ReportAllocs()
			for i := range b.N {
				p[2], p[3] = byte((i+1)>>8), byte(i+1)
				l.arrive(b, p)
			}
			if wires[n-1].count != b.N {
				b.Fatalf("%d of %d", wires[n-1].count, b.N)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/forwarded")
		})
	}
}

func TestAnOfferThatIsAnsweredTooLateAddsNothing(t *testing.T) {
	l, slots, _ := rig(false, 1, false)
	s, r := slots[0].s, l.up.s.room
	r.leave(s)
	r.add(s, []*uplink{newUplink(s, section{mid: "1", kind: protocol.Audio, source: protocol.Mic})}, nil)
	if len(r.sessions) != 1 || len(r.uplinks) != 1 {
		t.Errorf("%d sessions and %d uplinks in the room, want the sender's", len(r.sessions), len(r.uplinks))
	}
}
