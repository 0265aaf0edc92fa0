package sfu

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

func sent(seq uint16, ts uint32, at time.Duration) *packet {
	return &packet{seq: seq, ts: ts, at: int64(at), valid: true}
}

func pictured(seq uint16, pic uint16, tl0 uint8, at time.Duration) *packet {
	p := sent(seq, uint32(seq)*3000, at)
	p.pic = picture{codec: codecVP8, idAt: 2, wide: true, id: pic, tl0At: 4, tl0: tl0}
	return p
}

func audioLine() *timeline { return &timeline{rate: audioRate, minGap: 960} }

func mustPass(t *testing.T, l *timeline, p *packet) numbers {
	t.Helper()
	n, ok := l.pass(p)
	if !ok {
		t.Fatalf("packet %d does not pass", p.seq)
	}
	return n
}

func TestFirstSourceKeepsItsNumbers(t *testing.T) {
	l := audioLine()
	p := sent(65535, 1<<32-1, 0)
	l.begin(&layer{}, p)
	if n := mustPass(t, l, p); n.seq != 65535 || n.ts != 1<<32-1 {
		t.Fatalf("%+v", n)
	}
	if n := mustPass(t, l, sent(0, 959, 20*time.Millisecond)); n.seq != 0 || n.ts != 959 {
		t.Fatalf("%+v", n)
	}
}

func TestSwitchGoesOnWithTheNextNumberAndTheTimeThatPassed(t *testing.T) {
	l := audioLine()
	p := sent(100, 1000, 0)
	l.begin(&layer{}, p)
	mustPass(t, l, p)
	q := sent(9000, 77, 250*time.Millisecond)
	l.begin(&layer{}, q)
	if n := mustPass(t, l, q); n.seq != 101 || n.ts != 1000+12000 {
		t.Fatalf("%+v", n)
	}
	// Sooner than a packet lasts: the timestamp advances by one packet all the same.
	r := sent(5, 5, 250*time.Millisecond)
	l.begin(&layer{}, r)
	if n := mustPass(t, l, r); n.seq != 102 || n.ts != 13000+960 {
		t.Fatalf("%+v", n)
	}
}

func TestLayersOfACameraAreJoinedByTheirReports(t *testing.T) {
	u := &uplink{}
	second := int64(time.Second)
	low := &layer{up: u, sr: senderReport{at: 1, ntp: 100 * second, rtp: 5000}}
	high := &layer{up: u, sr: senderReport{at: 1, ntp: 101 * second, rtp: 1 << 31}}
	l := &timeline{rate: videoRate, minGap: 3000}
	p := sent(1, 5000+2*videoRate, 0) // taken at 102 s
	l.begin(low, p)
	first := mustPass(t, l, p)
	// Taken 100 ms later; its packets took 80 ms more.
	q := sent(700, 1<<31+videoRate+9000, 180*time.Millisecond)
	l.begin(high, q)
	if n := mustPass(t, l, q); n.ts-first.ts != 9000 {
		t.Errorf("%d ticks later, want 9,000", n.ts-first.ts)
	}
	// The same picture once more, in the other size: time does not go back, nor stand still.
	r := sent(2, 5000+2*videoRate+9000, 200*time.Millisecond)
	l.begin(low, r)
	if n := mustPass(t, l, r); n.ts-first.ts != 9000+90 {
		t.Errorf("%d ticks later, want 9,090", n.ts-first.ts)
	}
}

func TestPacketsFromBeforeTheSwitchDoNotPass(t *testing.T) {
	l := audioLine()
	p := sent(100, 1000, 0)
	l.begin(&layer{}, p)
	mustPass(t, l, p)
	if _, ok := l.pass(sent(99, 40, 0)); ok {
		t.Error("a packet from before the segment passes")
	}
	if n := mustPass(t, l, sent(103, 3880, 0)); n.seq != 103 {
		t.Fatalf("%+v", n) // loss on the uplink stays a gap: the receiver asks for it
	}
	if n := mustPass(t, l, sent(102, 2920, 0)); n.seq != 102 || l.lastSeq != 103 {
		t.Fatalf("%+v, highest %d", n, l.lastSeq)
	}
}

// A number that was kept for a late packet is that packet's, also where all behind it was left out and the source changes.
func TestANumberIsGivenOnce(t *testing.T) {
	for name, late := range map[string]func(l *timeline) (numbers, bool){
		"sent":     func(l *timeline) (numbers, bool) { return l.pass(sent(11, 3000, 0)) },
		"left out": func(l *timeline) (numbers, bool) { return l.leave(sent(11, 3000, 0)) },
	} {
		l := &timeline{rate: videoRate, minGap: 3000}
		p := sent(10, 0, 0)
		l.begin(&layer{}, p)
		mustPass(t, l, p)
		l.leave(sent(12, 3000, 0))
		if n, ok := late(l); !ok || n.seq != 11 {
			t.Fatalf("%s: %+v %v", name, n, ok)
		}
		q := sent(900, 77, time.Second)
		l.begin(&layer{}, q)
		if n := mustPass(t, l, q); n.seq != 12 {
			t.Errorf("%s: %d after 11", name, n.seq)
		}
	}
}

func TestLongSegmentsWrap(t *testing.T) {
	l := audioLine()
	p := sent(65000, 0, 0)
	l.begin(&layer{}, p)
	for i := range 200_000 {
		p = sent(uint16(65000+i), uint32(i*960), time.Duration(i)*20*time.Millisecond)
		if n := mustPass(t, l, p); n.seq != p.seq || n.ts != p.ts {
			t.Fatalf("packet %d: %+v", i, n)
		}
	}
}

func TestPictureNumbersGoOn(t *testing.T) {
	l := &timeline{rate: videoRate, minGap: 3000}
	p := pictured(1, 0x7fff, 255, 0)
	l.begin(&layer{}, p)
	if n := mustPass(t, l, p); n.id != 0x7fff || n.tl0 != 255 {
		t.Fatalf("%+v", n)
	}
	q := pictured(500, 12, 7, time.Second)
	l.begin(&layer{}, q)
	n := mustPass(t, l, q)
	if n.id&0x7fff != 0 || n.tl0 != 0 {
		t.Fatalf("%+v", n)
	}
	if n = mustPass(t, l, pictured(501, 13, 8, time.Second)); n.id&0x7fff != 1 || n.tl0 != 1 {
		t.Fatalf("%+v", n)
	}
}

func TestRetransmissionFindsPastSegments(t *testing.T) {
	l := audioLine()
	a, b := &layer{}, &layer{}
	for i := range 10 {
		p := sent(uint16(50+i), 0, 0)
		if i == 0 {
			l.begin(a, p)
		}
		mustPass(t, l, p)
	}
	for i := range 10 {
		p := sent(uint16(7000+i), 0, 0)
		if i == 0 {
			l.begin(b, p)
		}
		mustPass(t, l, p)
	}
	if s, from, ok := l.find(52); !ok || s.from != a || from != 52 {
		t.Errorf("52: %v %d %v", s, from, ok)
	}
	if s, from, ok := l.find(62); !ok || s.from != b || from != 7002 {
		t.Errorf("62: %v %d %v", s, from, ok)
	}
	for _, seq := range []uint16{49, 70, 30000} {
		if _, _, ok := l.find(seq); ok {
			t.Errorf("%d was never sent", seq)
		}
	}
}

// Whatever sources come, in whatever order and loss, a slot's numbers are unique, a switch leaves no gap, and
// retransmission finds the packet that was sent under a number.
func TestTimelineProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := audioLine()
		type origin struct {
			from *layer
			seq  uint16
		}
		out := map[uint16]origin{}
		at := time.Duration(0)
		for range rapid.IntRange(1, pastSegments).Draw(t, "segments") {
			src := &layer{}
			seq, ts := rapid.Uint16().Draw(t, "seq"), rapid.Uint32().Draw(t, "ts")
			before, started := l.lastSeq, l.started
			for i := range rapid.IntRange(1, 40).Draw(t, "packets") {
				at += time.Duration(rapid.IntRange(0, 50).Draw(t, "ms")) * time.Millisecond
				p := sent(seq, ts, at)
				if i == 0 {
					l.begin(src, p)
				}
				n, ok := l.pass(p)
				if !ok {
					t.Fatalf("packet %d does not pass", seq)
				}
				if i == 0 && started && n.seq != before+1 {
					t.Fatalf("%d after %d at a switch", n.seq, before)
				}
				if o, double := out[n.seq]; double {
					t.Fatalf("%d twice: %v", n.seq, o)
				}
				out[n.seq] = origin{src, seq}
				step := uint16(rapid.IntRange(1, 3).Draw(t, "step")) // loss
				seq, ts = seq+step, ts+960*uint32(step)
			}
		}
		for seq, o := range out {
			s, from, ok := l.find(seq)
			if !ok || s.from != o.from || from != o.seq {
				t.Fatalf("%d: found %d %v, want %d", seq, from, ok, o.seq)
			}
		}
	})
}

func raw(t testing.TB, h rtp.Header, payload []byte, padding byte) []byte {
	t.Helper()
	p := rtp.Packet{Header: h, Payload: payload}
	p.Header.Version = 2
	if padding > 0 {
		p.Header.Padding, p.Header.PaddingSize = true, padding
	}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	h := rtp.Header{SequenceNumber: 7, Timestamp: 9, Marker: true, CSRC: []uint32{1, 2}}
	if err := h.SetExtension(3, []byte{0x42}); err != nil {
		t.Fatal(err)
	}
	p := packet{buf: raw(t, h, []byte("payload"), 5)}
	if !p.parse(reading{codec: codecOpus, levelID: 3}) || p.seq != 7 || p.ts != 9 || !p.marker || string(p.payload()) != "payload" || !p.hasLevel || p.level != 0x42 {
		t.Fatalf("%+v", p)
	}
	h = rtp.Header{}
	if err := h.SetExtensionWithProfile(3, make([]byte, 20), rtp.ExtensionProfileTwoByte); err != nil {
		t.Fatal(err)
	}
	_ = h.SetExtensionWithProfile(5, []byte{0x17}, rtp.ExtensionProfileTwoByte)
	p = packet{buf: raw(t, h, []byte("x"), 0)}
	if !p.parse(reading{codec: codecOpus, levelID: 5}) || !p.hasLevel || p.level != 0x17 {
		t.Fatalf("%+v", p)
	}
	for _, bad := range [][]byte{nil, make([]byte, 11), append([]byte{0x40}, make([]byte, 20)...), {0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 9}, {0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200}} {
		if q := (packet{buf: bad}); q.parse(reading{codec: codecOpus, levelID: 1}) {
			t.Errorf("%x taken", bad)
		}
	}
	padding := packet{buf: raw(t, rtp.Header{}, nil, 20)}
	if !padding.parse(reading{codec: codecVP8, levelID: 0}) || padding.end != padding.off {
		t.Errorf("padding: %+v", padding)
	}
}

func TestRingKeepsTheLast(t *testing.T) {
	r := newRing(8)
	for i := range 20 {
		b := raw(t, rtp.Header{SequenceNumber: uint16(65530 + i)}, []byte{byte(i)}, 0)
		if p := r.put(copy(r.in, b), 0, reading{codec: codecOpus}); p == nil || p.payload()[0] != byte(i) {
			t.Fatalf("packet %d: %+v", i, p)
		}
	}
	var p packet
	for i := range 20 {
		ok := r.copyTo(&p, uint16(65530+i))
		if ok != (i >= 12) || ok && p.payload()[0] != byte(i) {
			t.Errorf("packet %d: %v %x", i, ok, p.payload())
		}
	}
	r.release()
	if r.copyTo(&p, 13) { // 65530 + 19
		t.Error("kept after release")
	}
}

func TestVP8Descriptor(t *testing.T) {
	key := []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01}
	cases := []struct {
		name string
		in   []byte
		want picture
	}{
		{"bare key frame", append([]byte{0x10}, key...), picture{size: 1, start: true, key: true, up: true}},
		{"bare delta frame", []byte{0x10, 0x01, 9}, picture{size: 1, start: true}},
		{"continuation", []byte{0x00, 0x00, 9}, picture{size: 1}},
		{"second partition", []byte{0x11, 0x00, 9}, picture{size: 1}},
		{"7 bits", []byte{0x90, 0x80, 0x55, 0x01}, picture{size: 3, start: true, idAt: 2, id: 0x55}},
		{"15 bits, TL0, TID, Y", []byte{0x90, 0xe0, 0x92, 0x34, 0x77, 0x60, 0x01}, picture{size: 6, start: true, idAt: 2, wide: true, id: 0x1234, tl0At: 4, tl0: 0x77, tid: 1, sync: true}},
		{"key index only", []byte{0x90, 0x10, 0x05, 0x01}, picture{size: 3, start: true}},
	}
	for _, c := range cases {
		c.want.codec = codecVP8
		got, ok := parseVP8(c.in)
		if !ok || got != c.want {
			t.Errorf("%s: %+v %v, want %+v", c.name, got, ok, c.want)
		}
	}
	if d, _ := parseVP8(cases[0].in); sizeVP8(cases[0].in, &d) != (dimensions{640, 480}) {
		t.Error("size of a key frame")
	}
	for _, bad := range [][]byte{{}, {0x90}, {0x80, 0x80}, {0x80, 0x80, 0x80}, {0x80, 0x40}, {0x80, 0x20, 0x00}, {0x10}} {
		if d, ok := parseVP8(bad); ok {
			t.Errorf("%x taken: %+v", bad, d)
		}
	}
}

func FuzzVP8(f *testing.F) {
	f.Add([]byte{0x90, 0xe0, 0x92, 0x34, 0x77, 0x20, 0x01}, uint16(5), uint8(6))
	f.Add([]byte{0x90, 0x80, 0x55, 0x01}, uint16(0x7fff), uint8(0))
	f.Add([]byte{0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01}, uint16(0), uint8(0))
	f.Fuzz(func(t *testing.T, p []byte, pic uint16, tl0 uint8) {
		d, ok := parseVP8(p)
		if !ok {
			return
		}
		if d.size < 1 || int(d.size) >= len(p) {
			t.Fatalf("descriptor of %d bytes in %d", d.size, len(p))
		}
		q := bytes.Clone(p)
		d.rewrite(q, pic, tl0)
		if !bytes.Equal(q[d.size:], p[d.size:]) {
			t.Fatal("rewriting touched the frame")
		}
		e, ok := parseVP8(q)
		if !ok || e.size != d.size || e.key != d.key || e.start != d.start || e.wide != d.wide {
			t.Fatalf("%+v became %+v", d, e)
		}
		mask := uint16(0x7f)
		if d.wide {
			mask = 0x7fff
		}
		if d.idAt > 0 && e.id != pic&mask || d.tl0At > 0 && e.tl0 != tl0 {
			t.Fatalf("wrote %d/%d, read %d/%d", pic, tl0, e.id, e.tl0)
		}
	})
}

func FuzzRTP(f *testing.F) {
	h := rtp.Header{SequenceNumber: 7}
	_ = h.SetExtension(3, []byte{0x42})
	f.Add(raw(f, h, []byte("payload"), 5), uint8(3), false)
	f.Add(raw(f, rtp.Header{}, []byte{0x90, 0x80, 0x55, 0x01}, 0), uint8(0), true)
	f.Fuzz(func(t *testing.T, b []byte, id uint8, video bool) {
		p := packet{buf: b}
		if !p.parse(reading{codec: map[bool]codec{true: codecVP8, false: codecOpus}[video], levelID: id}) {
			return
		}
		var q rtp.Packet
		if err := q.Unmarshal(b); err != nil {
			return // Pion is stricter about extensions that are not looked at here
		}
		if q.SequenceNumber != p.seq || q.Timestamp != p.ts || q.Marker != p.marker || !bytes.Equal(q.Payload, p.payload()) {
			t.Fatalf("%+v, want %+v", p, q)
		}
	})
}

func TestNTP(t *testing.T) {
	now := time.Unix(1_900_000_000, 123_456_789).UnixNano()
	if d := ntpToUnix(unixToNTP(now)) - now; d > 1 || d < -1 {
		t.Errorf("off by %d ns", d)
	}
	if binary.BigEndian.Uint32(binary.BigEndian.AppendUint64(nil, unixToNTP(0))) != ntpEpoch {
		t.Error("epoch")
	}
}
