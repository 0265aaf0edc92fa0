package sfu

import (
	"testing"

	"github.com/pion/rtp"

	"atrium/sfu/offer"
	"atrium/signaling/protocol"
)

func TestH264Units(t *testing.T) {
	sps := []byte{0x67, 0x42, 0xc0, 0x15, 0x8c, 0x8d, 0x40, 0xa0, 0xcb, 0xcf, 0x35, 0x06, 0x06, 0x06, 0x07, 0x84, 0x42, 0x35} // 320x180
	stap := append([]byte{0x78, 0, byte(len(sps))}, sps...)
	stap = append(stap, 0, 4, 0x68, 0xce, 0x3c, 0x80)
	for _, c := range []struct {
		name     string
		in       []byte
		key, idr bool
	}{
		{"slice", []byte{0x41, 0x9a, 0}, false, false},
		{"IDR slice", []byte{0x65, 0xb8, 0}, false, true},
		{"parameters", sps, true, false},
		{"aggregate of parameters", stap, true, false},
		{"aggregate of parameters and an IDR slice", append(stap[:len(stap):len(stap)], 0, 2, 0x65, 0xb8), true, true},
		{"first fragment of an IDR slice", []byte{0x7c, 0x85, 0xb8}, false, true},
		{"second fragment of it", []byte{0x7c, 0x05, 0xb8}, false, false},
		{"fragment of parameters", append([]byte{0x7c, 0x87}, sps[1:]...), true, false},
	} {
		d, ok := parseH264(c.in)
		if !ok || d.key != c.key || d.idr != c.idr {
			t.Errorf("%s: %+v %v", c.name, d, ok)
		}
		if size := sizeH264(c.in); c.key && size != (dimensions{320, 180}) {
			t.Errorf("%s: %+v", c.name, size)
		}
	}
	for _, bad := range [][]byte{{}, {0x78}, {0x78, 0, 9, 1}, {0x78, 0, 0, 1}, {0x7c, 0x85}, {0x79, 0, 0, 1}, {0x7d, 0x85, 0, 0}, {0x60, 1}} {
		if d, ok := parseH264(bad); ok {
			t.Errorf("%x taken: %+v", bad, d)
		}
	}
}

// An IDR picture with its parameters in another packet is one beginning, not two; one without any is one too.
func TestH264BeginsOnceInAPicture(t *testing.T) {
	l := &layer{up: &uplink{video: true}}
	for i, c := range []struct {
		ts      uint32
		payload []byte
		key     bool
	}{
		{1, []byte{0x41, 0x9a, 0}, false},
		{2, []byte{0x67, 0x42, 0xc0, 0x15}, true},
		{2, []byte{0x68, 0xce, 0x3c}, false},
		{2, []byte{0x7c, 0x85, 0xb8}, false},
		{3, []byte{0x41, 0x9a, 0}, false},
		{4, []byte{0x7c, 0x85, 0xb8}, true},
		{4, []byte{0x7c, 0x05, 0xb8}, false},
	} {
		p := &packet{ts: c.ts, buf: c.payload, end: len(c.payload)}
		p.pic, _ = parseH264(c.payload)
		if l.describe(p); p.pic.key != c.key {
			t.Errorf("packet %d: %+v", i, p.pic)
		}
	}
}

// Each offer tells a slot its formats again. What feeds it goes on under its own; what was stopped meanwhile begins anew.
func TestAFurtherOfferKeepsThePayloadType(t *testing.T) {
	g := rig(t, true, 1, true)
	s, w := g.slots[0], g.wires[0]
	g.l.codec, g.l.reading.codec = offer.H264, codecH264
	section := offer.Section{Mid: "0", Kind: protocol.Video, Slot: true, Agreed: offer.Agreed{Formats: []offer.Format{
		{Codec: offer.VP8, PT: 100, RTX: 101}, {Codec: offer.H264, PT: 102, RTX: 103}}}}
	seq := uint16(0)
	arrive := func(unit ...byte) {
		seq++
		g.arrive(raw(t, rtp.Header{SequenceNumber: seq, Timestamp: uint32(seq) * 3000, Marker: true}, unit, 0))
	}
	key, delta := []byte{0x67, 0x42, 0xc0, 0x15}, []byte{0x41, 0x9a, 0}
	s.negotiated(&section)
	arrive(key...)
	s.negotiated(&section)
	arrive(delta...)
	for i, p := range w.all {
		if p.PayloadType != 102 || s.rtxPT != 103 {
			t.Errorf("packet %d has payload type %d, retransmissions %d", i, p.PayloadType, s.rtxPT)
		}
	}
	stopped := section
	stopped.Off = true
	s.negotiated(&stopped)
	arrive(delta...)
	s.negotiated(&section)
	arrive(delta...)
	if n := len(w.all); n != 2 {
		t.Fatalf("%d packets, want 2: what comes after a pause begins with a key frame", n)
	}
	arrive(key...)
	if n := len(w.all); n != 3 || w.all[2].SequenceNumber != w.all[1].SequenceNumber+1 || w.all[2].PayloadType != 102 {
		t.Errorf("after a pause: %+v", w.all[2:])
	}
	section.Formats = section.Formats[:1]
	s.negotiated(&section)
	if arrive(delta...); len(w.all) != 3 {
		t.Error("a codec that is not agreed on any more")
	}
}

func TestVP9Descriptor(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		want picture
	}{
		{"bare key frame", []byte{0x0c, 9}, picture{size: 1, start: true, end: true, key: true, up: true}},
		{"bare delta frame", []byte{0x4c, 9}, picture{size: 1, start: true, end: true}},
		{"7 bits", []byte{0xcc, 0x55, 9}, picture{size: 2, start: true, end: true, idAt: 1, id: 0x55}},
		{"key picture, or a layer that begins in another", []byte{0xa8, 0x92, 0x34, 0x03, 0x77, 9}, picture{size: 5, start: true, sid: 1, idAt: 1, wide: true, id: 0x1234, tl0At: 4, tl0: 0x77}},
		{"delta, switching point", []byte{0xe8, 0x92, 0x34, 0x54, 0x77, 9}, picture{size: 5, start: true, up: true, sid: 2, tid: 2, idAt: 1, wide: true, id: 0x1234, tl0At: 4, tl0: 0x77}},
		{"flexible, two references", []byte{0xf4, 0x92, 0x34, 0x20, 0x03, 0x08, 9}, picture{size: 6, end: true, tid: 1, idAt: 1, wide: true, id: 0x1234}},
		{"structure", []byte{0x0e, 0x38, 1, 64, 0, 180, 2, 128, 1, 104, 1, 0x04, 1, 9}, picture{size: 1, start: true, end: true, key: true, up: true}},
	} {
		c.want.codec = codecVP9
		if got, ok := parseVP9(c.in); !ok || got != c.want {
			t.Errorf("%s: %+v %v, want %+v", c.name, got, ok, c.want)
		}
		if sizes, ok := sizesVP9(c.in, &c.want); c.name == "structure" && (!ok || sizes != [spatialMost]dimensions{{320, 180}, {640, 360}}) {
			t.Errorf("sizes %+v", sizes)
		}
	}
	for _, bad := range [][]byte{{}, {0x0c}, {0x80}, {0x80, 0x80}, {0x20}, {0x20, 0}, {0x70, 0, 1, 1, 1, 9}, {0x02}, {0x02, 0x10}, {0x02, 0x08}, {0x02, 0x08, 1}, {0x02, 0x08, 1, 0x0c}} {
		if d, ok := parseVP9(bad); ok {
			t.Errorf("%x taken: %+v", bad, d)
		}
	}
}

// lines of three temporal layers, as Chromium describes them.
var structureL1T3 = []byte{0x85, 0x00, 0x79, 0x80, 0xa2, 0x14, 0xea, 0xa8, 0x60, 0x41, 0x4d, 0x14, 0x10, 0x20, 0x84, 0x27, 0x01, 0xdf, 0x01, 0x0d}

func TestDependencyDescriptor(t *testing.T) {
	var x dependencies
	if _, ok := x.read([]byte{0xc6, 0, 1}); ok {
		t.Error("a template of no structure")
	}
	d, ok := x.read(structureL1T3)
	if want := (described{start: true, structure: true, number: 0x79, up: true}); !ok || d != want || x.count != 5 || x.targets != 3 || x.chains != 1 {
		t.Fatalf("%+v of %+v", d, x)
	}
	if x.sizes[0] != (dimensions{480, 270}) {
		t.Errorf("%+v", x.sizes)
	}
	for i, want := range []described{
		{start: true, end: true, number: 1, up: true},
		{start: true, end: true, number: 1, up: true},
		{start: true, end: true, number: 1, tid: 1},
		{start: true, end: true, number: 1, tid: 2},
		{start: true, end: true, number: 1, tid: 2},
	} {
		if d, ok := x.read([]byte{0xc0 | byte(5+i), 0, 1}); !ok || d != want {
			t.Errorf("template %d: %+v %v, want %+v", i, d, ok, want)
		}
	}
	// Indications of its own: no switch for the highest target. 0 0 1 0 0, then D S S.
	if d, ok := x.read([]byte{0xc6, 0, 2, 0b00100_111, 0b010_00000}); !ok || d.up {
		t.Errorf("%+v %v", d, ok)
	}
	before := x
	for n := 3; n < len(structureL1T3)-4; n++ {
		if d, ok := x.read(structureL1T3[:n]); ok && d.structure {
			t.Errorf("a structure of %d bytes", n)
		}
	}
	if x != before {
		t.Error("a structure that is cut off changed the one before")
	}
	if _, ok := x.read([]byte{0xca, 0, 1}); ok {
		t.Error("a template that the structure has not")
	}
}

func FuzzH264(f *testing.F) {
	f.Add([]byte{0x78, 0, 4, 0x67, 0x42, 0xc0, 0x15, 0, 2, 0x65, 0xb8})
	f.Add([]byte{0x67, 0x42, 0xc0, 0x15, 0x8c, 0x8d, 0x40, 0xa0, 0xcb, 0xcf, 0x35, 0x06, 0x06, 0x06, 0x07, 0x84, 0x42, 0x35})
	f.Add([]byte{0x67, 100, 0, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10})
	f.Add([]byte{0x7c, 0x85, 0xb8})
	f.Fuzz(func(t *testing.T, p []byte) {
		d, ok := parseH264(p)
		size := sizeH264(p)
		if (size.width == 0) != (size.height == 0) {
			t.Fatalf("%+v", size)
		}
		if ok && size.height > 0 && !d.key {
			t.Fatalf("%+v of a packet that brings no parameters", size)
		}
	})
}

func FuzzVP9(f *testing.F) {
	f.Add([]byte{0xa8, 0x92, 0x34, 0x03, 0x77, 9}, uint16(5), uint8(6))
	f.Add([]byte{0xf4, 0x92, 0x34, 0x20, 0x03, 0x08, 9}, uint16(0x7fff), uint8(0))
	f.Add([]byte{0x0e, 0x38, 1, 64, 0, 180, 2, 128, 1, 104, 1, 0x04, 1, 9}, uint16(0), uint8(0))
	f.Fuzz(func(t *testing.T, p []byte, id uint16, tl0 uint8) {
		d, ok := parseVP9(p)
		if !ok {
			return
		}
		if int(d.size) >= len(p) || d.sid > 7 || d.tid > 7 {
			t.Fatalf("%+v of %d bytes", d, len(p))
		}
		sizesVP9(p, &d)
		q := append([]byte(nil), p...)
		d.rewrite(q, id, tl0)
		e, ok := parseVP9(q)
		mask := uint16(0x7f)
		if d.wide {
			mask = 0x7fff
		}
		if d.idAt > 0 && e.id != id&mask || d.tl0At > 0 && e.tl0 != tl0 {
			t.Fatalf("wrote %d/%d, read %d/%d", id, tl0, e.id, e.tl0)
		}
		e.id, e.tl0 = d.id, d.tl0
		if !ok || e != d {
			t.Fatalf("%+v became %+v", d, e)
		}
	})
}

func FuzzDependencyDescriptor(f *testing.F) {
	f.Add(structureL1T3, []byte{0xc6, 0, 1})
	f.Add(structureL1T3, []byte{0xc6, 0, 2, 0b00100_111, 0b010_00000})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var x dependencies
		for _, b := range [][]byte{first, second, first} {
			d, ok := x.read(b)
			if !ok {
				continue
			}
			if d.sid >= spatialMost || d.tid >= templatesMost || x.count > templatesMost || x.targets > targetsMost || !x.known {
				t.Fatalf("%+v of %+v", d, x)
			}
		}
	})
}
