package sfu

import (
	"encoding/binary"
	"testing"

	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

// Whatever is left out, lost, late: what is sent has no gap but where something may still come, which then has its number,
// and retransmission finds the packet that was sent under a number.
func TestThinnedTimelineProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &timeline{rate: videoRate, minGap: 3000}
		src := &layer{}
		base := rapid.Uint16().Draw(t, "seq")
		n := rapid.IntRange(1, 100).Draw(t, "packets")
		left := make([]bool, n) // what the cut leaves out
		order := make([]int, 0, n)
		for i := range n {
			left[i] = i > 0 && rapid.Bool().Draw(t, "left")
			order = append(order, i)
		}
		for i := 1; i < n-1; i++ { // some are late
			if rapid.IntRange(0, 4).Draw(t, "late") == 0 {
				k := min(n-1, i+rapid.IntRange(1, 5).Draw(t, "by"))
				p := order[i]
				copy(order[i:], order[i+1:k+1])
				order[k] = p
			}
		}
		out := map[uint16]int{}
		l.begin(src, sent(base, 0, 0))
		high := -1
		for _, i := range order {
			p := sent(base+uint16(i), uint32(i)*3000, 0)
			if left[i] {
				if num, kept := l.leave(p); kept {
					if i >= high {
						t.Fatalf("packet %d is in its order and has a number of its own", i)
					}
					out[num.seq] = -1 // filled
				}
			} else {
				num, ok := l.pass(p)
				if !ok {
					t.Fatalf("packet %d does not pass", i)
				}
				if k, twice := out[num.seq]; twice {
					t.Fatalf("%d for packets %d and %d", num.seq, k, i)
				}
				out[num.seq] = i
				if s, from, ok := l.find(num.seq); !ok || s.from != src || from != p.seq {
					t.Fatalf("%d: found %d %v, want %d", num.seq, from, ok, p.seq)
				}
			}
			high = max(high, i)
		}
		last := -1 // when all has come there is no gap, and the order is the sender's
		for k := range len(out) {
			i, ok := out[base+uint16(k)]
			if !ok {
				t.Fatalf("gap at %d of %d", k, len(out))
			}
			if i >= 0 && i < last {
				t.Fatalf("packet %d after %d", i, last)
			}
			last = max(last, i)
		}
		next := sent(7, 7, 0) // of another source: its number is the first that nobody has had
		l.begin(&layer{}, next)
		if num, _ := l.pass(next); num.seq != base+uint16(len(out)) {
			t.Fatalf("%d after %d", num.seq, base+uint16(len(out))-1)
		}
	})
}

func TestLeftOutPicturesLeaveNoGapInTheirIDs(t *testing.T) {
	l := &timeline{rate: videoRate, minGap: 3000}
	pictured := func(seq, id uint16) *packet {
		p := sent(seq, uint32(id)*3000, 0)
		p.pic = picture{codec: codecVP8, idAt: 2, wide: true, id: id}
		return p
	}
	l.begin(&layer{}, pictured(10, 100))
	mustPass(t, l, pictured(10, 100))
	l.leave(pictured(11, 101)) // a picture of two packets
	l.leave(pictured(12, 101))
	// 13 is lost for now
	if n := mustPass(t, l, pictured(14, 102)); n.id != 101 || n.seq != 12 {
		t.Errorf("%+v", n)
	}
	if n := mustPass(t, l, pictured(13, 102)); n.id != 101 || n.seq != 11 {
		t.Errorf("%+v", n)
	}
	if _, ok := l.pass(pictured(12, 101)); ok {
		t.Error("what was left out passes")
	}
	l.begin(&layer{}, pictured(900, 7))
	if n := mustPass(t, l, pictured(900, 7)); n.id != 102 || n.seq != 13 {
		t.Errorf("%+v", n)
	}
}

// Ids of 7 bits come round: the same one left out again is another picture.
func TestLeftOutPicturesOfShortIDs(t *testing.T) {
	l := &timeline{rate: videoRate, minGap: 3000}
	pictured := func(seq, id uint16) *packet {
		p := sent(seq, uint32(seq)*3000, 0)
		p.pic = picture{codec: codecVP8, idAt: 2, id: id & 0x7f}
		return p
	}
	l.begin(&layer{}, pictured(0, 0))
	mustPass(t, l, pictured(0, 0))
	last := uint16(0)
	for seq := uint16(1); seq < 300; seq++ {
		if seq%128 == 5 {
			l.leave(pictured(seq, seq))
			continue
		}
		n := mustPass(t, l, pictured(seq, seq))
		if n.id&0x7f != (last+1)&0x7f {
			t.Fatalf("picture %d after %d", n.id&0x7f, last)
		}
		last = n.id & 0x7f
	}
}

// thin sends one stream of a recording to a receiver, who is sent no more than a cut says.
func thin(t *testing.T, name string, c codec, to cut) ([]rtp.Packet, []picture) {
	t.Helper()
	got, pics, _ := thinned(t, name, c, map[int]cut{0: to})
	return got, pics
}

// thinned changes the cut before some packets, and tells which packet became which.
func thinned(t *testing.T, name string, c codec, cuts map[int]cut) (got []rtp.Packet, pics []picture, origins []int) {
	t.Helper()
	g := rig(t, true, 1, true)
	l, s := g.l, g.slots[0]
	l.reading = reading{codec: c, dependency: 13}
	s.hdr.depID = 13
	l.up.s.room.activate(l.up, 0)
	s.aim(l, cuts[0], 0, false, false, 0)
	n := 0
	var ssrc *layer
	replay(t, name, c, func(from *layer, p *packet) {
		if ssrc == nil {
			ssrc = from
		}
		if from != ssrc {
			return
		}
		if to, ok := cuts[n]; ok {
			s.aim(l, to, 0, false, false, 0)
		}
		g.arrive(p.buf)
		for len(origins) < len(g.wires[0].all) {
			origins = append(origins, n)
		}
		n++
	})
	x := &layer{up: &uplink{video: true}, reading: l.reading, ring: newRing(videoRing)}
	for _, p := range g.wires[0].all {
		raw, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		q := x.ring.put(copy(x.ring.in, raw), 0, x.reading)
		x.describe(q)
		pics = append(pics, q.pic)
	}
	return g.wires[0].all, pics, origins
}

func highest(pics []picture) (c cut) {
	for _, d := range pics {
		c = cut{max(c.sid, d.sid), max(c.tid, d.tid)}
	}
	return c
}

// With Chromium's streams: what is sent up to a cut is of its layers alone, without a gap, and ends its pictures.
func TestCutsOfRecordings(t *testing.T) {
	for _, c := range []struct {
		name  string
		codec codec
		cuts  []cut
	}{
		{"vp8-simulcast", codecVP8, []cut{{0, 0}, {0, 1}, whole}},
		{"vp9-l2t3", codecVP9, []cut{{0, 0}, {0, 2}, {1, 1}, whole}},
		{"vp9-l2t3-key", codecVP9, []cut{{0, 0}, {0, 2}, {1, 1}, whole}},
		{"av1-l2t3", codecAV1, []cut{{0, 0}, {0, 2}, {1, 1}, whole}},
		{"av1-l2t3-key", codecAV1, []cut{{0, 0}, {0, 2}, {1, 1}, whole}},
		{"av1-l1t3", codecAV1, []cut{{0, 0}, {0, 1}, whole}},
		{"h264-simulcast", codecH264, []cut{whole}},
	} {
		all := 0
		for i := len(c.cuts) - 1; i >= 0; i-- {
			to := c.cuts[i]
			got, pics := thin(t, c.name, c.codec, to)
			if len(got) < 10 || !pics[0].key {
				t.Fatalf("%s %+v: %d packets, from %+v on", c.name, to, len(got), pics[0])
			}
			if to == whole {
				all = len(got)
			} else if top := highest(pics); top != to || len(got) >= all {
				t.Errorf("%s %+v: layers up to %+v, %d of %d packets", c.name, to, top, len(got), all)
			}
			for k := 1; k < len(got); k++ {
				p, q, d, e := got[k-1], got[k], pics[k-1], pics[k]
				if q.SequenceNumber != p.SequenceNumber+1 {
					t.Fatalf("%s %+v: %d after %d", c.name, to, q.SequenceNumber, p.SequenceNumber)
				}
				if (q.Timestamp != p.Timestamp) != p.Marker {
					t.Fatalf("%s %+v: packet %d: marker %v, timestamps %d and %d", c.name, to, p.SequenceNumber, p.Marker, p.Timestamp, q.Timestamp)
				}
				if c.codec == codecVP8 && e.start && (e.id != (d.id+1)&0x7fff || e.tid == 0 && e.tl0 != d.tl0+1) {
					t.Fatalf("%s %+v: picture %d/%d after %d/%d", c.name, to, e.id, e.tl0, d.id, d.tl0)
				}
			}
		}
	}
}

// Up again: temporal layers where the stream allows it, spatial layers with a key picture only. Down: at the next picture.
func TestCutsChangeWhereADecoderCanFollow(t *testing.T) {
	for _, c := range []struct {
		name     string
		codec    codec
		low      cut
		down, up int
	}{
		{"vp8-simulcast", codecVP8, cut{0, 0}, 20, 40},
		{"vp9-l2t3", codecVP9, cut{0, 0}, 80, 130},
		{"vp9-l2t3-key", codecVP9, cut{0, 1}, 80, 130},
		{"av1-l2t3", codecAV1, cut{0, 0}, 80, 130},
		{"av1-l2t3-key", codecAV1, cut{0, 0}, 80, 130},
		{"av1-l1t3", codecAV1, cut{0, 0}, 40, 80},
	} {
		got, pics, from := thinned(t, c.name, c.codec, map[int]cut{0: whole, c.down: c.low, c.up: whole})
		low, reached, keyAt := 0, c.low, uint32(0)
		for k, d := range pics {
			if k > 0 && got[k].SequenceNumber != got[k-1].SequenceNumber+1 {
				t.Fatalf("%s: %d after %d", c.name, got[k].SequenceNumber, got[k-1].SequenceNumber)
			}
			if d.key {
				keyAt = got[k].Timestamp
			}
			switch {
			case from[k] < c.down+6: // the picture in which the cut was lowered is sent whole
			case from[k] < c.up:
				low++
				if d.sid > c.low.sid || d.tid > c.low.tid {
					t.Errorf("%s: packet %d is of %d/%d while less is wanted", c.name, from[k], d.sid, d.tid)
				}
			default:
				inKey := got[k].Timestamp == keyAt
				if d.sid > reached.sid {
					if !inKey {
						t.Errorf("%s: spatial layer %d is taken with packet %d, which is of no key picture", c.name, d.sid, from[k])
					}
					reached.sid = d.sid
				}
				if d.tid > reached.tid && c.codec == codecVP8 {
					if !d.sync || d.tid != reached.tid+1 {
						t.Errorf("%s: temporal layer %d is taken with packet %d, which needs others of it", c.name, d.tid, from[k])
					}
					reached.tid = d.tid
				}
			}
		}
		if top := highest(pics[len(pics)-12:]); low == 0 || top != highest(pics) {
			t.Errorf("%s: %d packets while less was wanted; at the end %+v of %+v", c.name, low, top, highest(pics))
		}
	}
}

func TestThinningAllocatesNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		codec codec
	}{{"vp8-simulcast", codecVP8}, {"vp9-l2t3", codecVP9}, {"av1-l2t3", codecAV1}, {"h264-simulcast", codecH264}} {
		g := rig(t, true, 10, false)
		g.l.reading = reading{codec: c.codec, dependency: 13}
		g.l.up.s.room.activate(g.l.up, 0)
		for _, s := range g.slots {
			s.hdr.depID = 13
			s.aim(g.l, cut{0, 1}, 0, false, false, 0)
		}
		var stream [][]byte
		first := uint32(0)
		for _, r := range recording(t, c.name) {
			ssrc := binary.BigEndian.Uint32(r.raw[8:])
			if first == 0 {
				first = ssrc
			}
			if ssrc == first {
				stream = append(stream, r.raw)
			}
		}
		seq, ts, last := uint16(0), uint32(0), uint32(0)
		play := func() { // again and again, on one numbering
			for _, b := range stream {
				if at := binary.BigEndian.Uint32(b[4:]); at != last {
					last, ts = at, ts+3000
				}
				seq++
				binary.BigEndian.PutUint16(b[2:], seq)
				kept := binary.BigEndian.Uint32(b[4:])
				binary.BigEndian.PutUint32(b[4:], ts)
				g.arrive(b)
				binary.BigEndian.PutUint32(b[4:], kept)
			}
		}
		for range 2 + videoRing/len(stream) {
			play()
		}
		before := g.wires[9].count
		if n := testing.AllocsPerRun(3, play); n != 0 {
			t.Errorf("%s: %v allocations in %d packets", c.name, n, len(stream))
		}
		if g.wires[9].count == before {
			t.Errorf("%s: nothing was written", c.name)
		}
	}
}

func BenchmarkThin(b *testing.B) {
	for _, c := range []struct {
		name string
		cut  cut
	}{{"whole", whole}, {"half", cut{0, 1}}} {
		b.Run(c.name, func(b *testing.B) {
			g := rig(b, true, 50, false)
			g.l.up.s.room.activate(g.l.up, 0)
			for _, s := range g.slots {
				s.aim(g.l, c.cut, 0, false, false, 0)
			}
			p := vp8Packet(b, 1, 1, true, 1100)
			p[12+1] |= 0x20
			b.ReportAllocs()
			for i := range b.N {
				p[2], p[3] = byte((i+1)>>8), byte(i+1)
				binary.BigEndian.PutUint32(p[4:], uint32(i)*3000)
				p[12+5] = []byte{0x20, 0xa0, 0x60, 0x80}[i%4]
				p[12+6] = byte(min(i, 1)) // a key frame, and then none
				g.arrive(p)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*50), "ns/packet")
		})
	}
}
