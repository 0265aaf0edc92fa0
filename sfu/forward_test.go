package sfu

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"net"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"atrium/sfu/offer"
	"atrium/signaling/protocol"
	"atrium/topology"
)

// wire is the receiver's end of a slot: it decrypts what the slot left in a batch, and keeps the last packet or all.
type wire struct {
	to    *dest
	in    *srtp.Context
	keep  bool
	count int
	all   []rtp.Packet
}

func (w *wire) collect(t testing.TB, b *batch) {
	t.Helper()
	for i := range b.msgs {
		m := &b.msgs[i]
		if m.to != w.to {
			continue
		}
		w.count += m.count
		if !w.keep {
			continue
		}
		b.packets(m, func(p []byte) {
			if len(p) > 1 && isRTCP(p) {
				w.count--
				return
			}
			raw, err := w.in.DecryptRTP(nil, p, nil)
			if err != nil {
				t.Fatal(err)
			}
			var pk rtp.Packet
			if err := pk.Unmarshal(raw); err != nil {
				t.Fatal(err)
			}
			w.all = append(w.all, pk)
		})
	}
}

// contexts are the two ends of one direction.
func contexts(t testing.TB, profile srtp.ProtectionProfile) (in, out *srtp.Context) {
	t.Helper()
	keyLen, _ := profile.KeyLen()
	saltLen, _ := profile.SaltLen()
	var ends [2]*srtp.Context
	for i := range ends {
		var err error
		if ends[i], err = srtp.CreateContext(bytes.Repeat([]byte{7}, keyLen), bytes.Repeat([]byte{9}, saltLen), profile); err != nil {
			t.Fatal(err)
		}
	}
	return ends[0], ends[1]
}

func loopback(t testing.TB) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// rig is a room with one sender and receivers who are reached at a socket that nobody reads.
type rigged struct {
	t     testing.TB
	l     *layer
	b     *batch
	slots []*slot
	wires []*wire
}

func rig(t testing.TB, video bool, receivers int, keep bool) *rigged {
	t.Helper()
	f := &SFU{m: &metrics{}, start: time.Now(), log: slog.New(slog.DiscardHandler), sessions: map[place]*session{}}
	f.engine = &engine{sock: newSocket(loopback(t), f.m, f.start)}
	nobody := loopback(t).LocalAddr().(*net.UDPAddr).AddrPort()
	r := newRoom(f, uuid.Nil)
	kind, source := protocol.Audio, protocol.Mic
	if video {
		kind, source = protocol.Video, protocol.Camera
	}
	from := newSession(f, topology.Session{User: uuid.New()}, r)
	u := newUplink(from, &offer.Section{Mid: "0", Kind: kind, Source: source})
	u.subs.Store(new([]*slot))
	r.add(from, []*uplink{u}, nil)
	g := &rigged{t: t, b: f.engine.sock.in}
	for range receivers {
		s := newSession(f, topology.Session{User: uuid.New()}, r)
		s.live.Store(true)
		x := newSlot(s, &offer.Section{Mid: "0", Kind: kind, Slot: true}, 7, 0)
		in, out := contexts(t, srtp.ProtectionProfileAeadAes128Gcm)
		to := &dest{addr: nobody}
		f.engine.sock.resolve(to)
		s.media.to.Store(to)
		s.media.keys(nil, out)
		x.bound, x.hdr = true, header{ssrc: 7, pt: 96}
		x.codecs.Store(math.MaxUint32)
		x.opusPT = 96
		g.slots, g.wires = append(g.slots, x), append(g.wires, &wire{keep: keep, in: in, to: to})
		r.add(s, nil, []*slot{x})
	}
	size, c := audioRing, codecOpus
	if video {
		size, c = videoRing, codecVP8
	}
	g.l = &layer{up: u, ssrc: 1, ring: newRing(size), reading: reading{codec: c}}
	return g
}

// arrive is a packet of the sender, decrypted.
func (g *rigged) arrive(packet []byte) { g.arriveAt(g.l, packet) }

func (g *rigged) arriveAt(l *layer, packet []byte) {
	p := l.ring.put(copy(l.ring.in, packet), l.up.s.f.now(), l.reading)
	if p == nil {
		g.t.Fatal("malformed")
	}
	l.describe(p)
	l.up.take(g.b, l, p)
	g.flush()
}

func (g *rigged) flush() {
	for _, w := range g.wires {
		w.collect(g.t, g.b)
	}
	g.b.flush()
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
		g := rig(t, video, 10, false)
		for _, s := range g.slots {
			s.s.media.agreed()
			s.hdr.twccID = 5
			s.s.media.down.pace.set(1e9)
		}
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
			g.arrive(b)
		}
		if video { // as after a switch: the descriptor is rewritten
			for _, s := range g.slots {
				s.line.seg.idOff = 5
			}
			next()
			g.arrive(b)
		}
		next()
		if n := testing.AllocsPerRun(1000, func() { g.arrive(b) }); n != 0 {
			t.Errorf("video %v: %v allocations per packet", video, n)
		}
		if g.wires[9].count < videoRing+1000 {
			t.Errorf("only %d packets were written", g.wires[9].count)
		}
	}
}

func TestSwitchedVideoWaitsForAKeyFrame(t *testing.T) {
	g := rig(t, true, 1, true)
	l, slots, wires := g.l, g.slots, g.wires
	g.arrive(vp8Packet(t, 1, 1, false, 50))
	g.arrive(vp8Packet(t, 2, 2, true, 50))
	g.arrive(vp8Packet(t, 3, 3, false, 50))
	if n := len(wires[0].all); n != 2 {
		t.Fatalf("%d packets, want those from the key frame on", n)
	}
	slots[0].resync()
	g.arrive(vp8Packet(t, 4, 4, false, 50))
	if n := len(wires[0].all); n != 2 {
		t.Fatal("a delta frame after a switch")
	}
	if n := l.up.s.f.m.drops[dropNoKey].Load(); n != 2 {
		t.Errorf("%d dropped, want 2", n)
	}
}

func TestHigherLayerIsTakenAtItsKeyFrameAndLeftWhenItFallsSilent(t *testing.T) {
	g := rig(t, true, 1, true)
	low, wires := g.l, g.wires
	u := low.up
	high := &layer{up: u, ssrc: 2, ring: newRing(videoRing), reading: reading{codec: codecVP8}}
	u.layers = []*layer{low, high}
	arriveKey := func(l *layer, seq uint16, width byte) {
		b := vp8Packet(t, seq, seq, true, 50)
		b[12+5+6], b[12+5+7] = width, 1
		g.arriveAt(l, b)
	}
	arriveKey(low, 1, 0)
	g.arriveAt(low, vp8Packet(t, 2, 2, false, 50))
	g.arriveAt(high, vp8Packet(t, 900, 900, false, 50)) // waits for its key frame
	g.arriveAt(low, vp8Packet(t, 3, 3, false, 50))
	arriveKey(high, 901, 200)
	g.arriveAt(low, vp8Packet(t, 4, 4, false, 50)) // not taken any more
	g.arriveAt(high, vp8Packet(t, 902, 902, false, 50))
	var seqs []uint16
	for _, p := range wires[0].all {
		seqs = append(seqs, p.SequenceNumber)
	}
	if fmt.Sprint(seqs) != "[1 2 3 4 5]" {
		t.Fatalf("sequence numbers %v", seqs)
	}
	now := u.s.f.now() + int64(2*time.Second)
	low.last.Store(now)
	u.s.room.tick(now)
	if g.slots[0].want != low {
		t.Fatal("the silent layer is kept")
	}
}

func TestAudioLevelGoesByTheReceiversID(t *testing.T) {
	g := rig(t, false, 1, true)
	l, slots, wires := g.l, g.slots, g.wires
	l.reading.levelID, slots[0].levelID = 3, 9
	h := rtp.Header{SequenceNumber: 1}
	_ = h.SetExtension(3, []byte{0x2a})
	g.arrive(raw(t, h, []byte("a"), 0))
	g.arrive(raw(t, rtp.Header{SequenceNumber: 2}, []byte("b"), 0))
	if got := wires[0].all[0].GetExtension(9); len(got) != 1 || got[0] != 0x2a {
		t.Errorf("level %x", got)
	}
	if wires[0].all[1].Extension {
		t.Error("an extension that did not come")
	}
}

func TestRetransmissionIsThePacketAgain(t *testing.T) {
	g := rig(t, true, 1, true)
	slots, wires := g.slots, g.wires
	for i := range uint16(20) {
		g.arrive(vp8Packet(t, 100+i, i, i == 0, 60))
	}
	s, w := slots[0], wires[0]
	s.s.media.down.repeats = repeatBurst // the share grows with the time since the start, which was a moment ago
	resend := func(seq uint16) {
		s.resend(g.b, seq)
		g.flush()
	}
	resend(105)
	if got := w.all[len(w.all)-1]; got.SequenceNumber != 105 || got.SSRC != 7 || !bytes.Equal(got.Payload, w.all[5].Payload) || got.Timestamp != w.all[5].Timestamp {
		t.Fatalf("%+v", got)
	}
	s.rtxSSRC, s.rtxPT = 8, 97
	resend(107)
	resend(106)
	resend(106) // it is on its way
	got, prev := w.all[len(w.all)-1], w.all[len(w.all)-2]
	if got.SSRC != 8 || got.PayloadType != 97 || got.SequenceNumber != prev.SequenceNumber+1 || got.Payload[0] != 0 || got.Payload[1] != 106 || !bytes.Equal(got.Payload[2:], w.all[6].Payload) {
		t.Fatalf("%+v", got)
	}
	// No NACK makes the SFU a packet gun, nor does it fill a way that is full: a receiver's retransmissions have a share.
	s.s.media.down.repeatsAt = s.s.f.now()
	s.s.media.down.repeats = 1000
	n := len(w.all)
	for range 10 {
		for seq := uint16(100); seq < 120; seq++ {
			s.repeated = nil
			resend(seq)
		}
	}
	if sent := len(w.all) - n; sent < 5 || sent > 150 {
		t.Errorf("%d retransmissions for a share of 1,000 bytes", sent)
	}
	resend(5000) // never sent
}

func BenchmarkForward(b *testing.B) {
	for _, n := range []int{10, 50} {
		b.Run(fmt.Sprintf("1to%d", n), func(b *testing.B) {
			g := rig(b, true, n, false)
			p := vp8Packet(b, 1, 1, true, 1100)
			b.ReportAllocs()
			for i := range b.N {
				p[2], p[3] = byte((i+1)>>8), byte(i+1)
				g.arrive(p)
			}
			if g.wires[n-1].count != b.N {
				b.Fatalf("%d of %d", g.wires[n-1].count, b.N)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/forwarded")
		})
	}
}

func TestAnOfferThatIsAnsweredTooLateAddsNothing(t *testing.T) {
	g := rig(t, false, 1, false)
	s, r := g.slots[0].s, g.l.up.s.room
	r.leave(s)
	r.add(s, []*uplink{newUplink(s, &offer.Section{Mid: "1", Kind: protocol.Audio, Source: protocol.Mic})}, nil)
	if len(r.sessions) != 1 || len(r.uplinks) != 1 {
		t.Errorf("%d sessions and %d uplinks in the room, want the sender's", len(r.sessions), len(r.uplinks))
	}
}
