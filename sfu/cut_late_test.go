package sfu

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/pion/rtp"
)

func TestLatePacketOfALayerThatIsLeftOutIsFilled(t *testing.T) {
	g := rig(t, true, 1, true)
	s, l := g.slots[0], g.l
	l.up.s.room.activate(l.up, 0)
	s.aim(l, cut{0, 0}, 0, false, false, 0)
	layered := func(seq, id uint16, tid byte, key bool) []byte {
		b := vp8Packet(t, seq, id, key, 50)
		b[12+1] |= 0x20
		return append(b[:12+5:12+5], append([]byte{tid << 6}, b[12+5:]...)...)
	}
	g.arrive(layered(1, 1, 0, true))
	g.arrive(layered(2, 2, 2, false))
	g.arrive(layered(4, 3, 0, false)) // 3 is late: of which layer it is nobody knows
	g.arrive(layered(3, 2, 2, false))
	g.arrive(layered(5, 4, 0, false))
	want := []struct {
		seq     uint16
		padding byte
	}{{1, 0}, {3, 0}, {2, 1}, {4, 0}}
	all := g.wires[0].all
	if len(all) != len(want) {
		t.Fatalf("%d packets", len(all))
	}
	for i, w := range want {
		if p := all[i]; p.SequenceNumber != w.seq || p.PaddingSize != w.padding || (len(p.Payload) == 0) != (w.padding > 0) {
			t.Errorf("packet %d: %d, padding %d, %d bytes", i, p.SequenceNumber, p.PaddingSize, len(p.Payload))
		}
	}
}

// layeredVP9 is a packet that is a frame of its own: two spatial layers, of which the upper ends the picture.
func layeredVP9(t testing.TB, seq, id uint16, sid byte, key bool) []byte {
	return partVP9(t, seq, id, sid, key, true, true)
}

func partVP9(t testing.TB, seq, id uint16, sid byte, key, begins, ends bool) []byte {
	first := byte(0xa0) // I L
	for bit, on := range map[byte]bool{0x40: !key, 0x08: begins, 0x04: ends} {
		if on {
			first |= bit
		}
	}
	payload := []byte{first, 0x80 | byte(id>>8), byte(id), sid<<1 | sid, byte(id), 1, 2, 3}
	return raw(t, rtp.Header{SequenceNumber: seq, Timestamp: uint32(id) * 3000, Marker: sid == 1 && ends}, payload, 0)
}

func spatialRig(t testing.TB) (*rigged, *slot, *wire) {
	g := rig(t, true, 1, true)
	g.l.reading = reading{codec: codecVP9}
	g.l.up.s.room.activate(g.l.up, 0)
	s := g.slots[0]
	s.s.media.down.repeats = repeatBurst
	s.rtxSSRC, s.rtxPT = 8, 97
	return g, s, g.wires[0]
}

// sentAs is how a packet went out: its number, its marker, whether it is a filler.
type sentAs struct {
	seq            uint16
	marker, filler bool
}

func (w *wire) went(from int) (list []sentAs) {
	for _, p := range w.all[from:] {
		list = append(list, sentAs{p.SequenceNumber, p.Marker, len(p.Payload) == 0})
	}
	return list
}

// The end of a picture is marked where it is cut, also when that packet is sent again: without it a decoder waits for the rest.
func TestTheEndOfACutPictureIsMarkedAgain(t *testing.T) {
	g, s, w := spatialRig(t)
	again := func(seq uint16, marker bool) {
		t.Helper()
		s.repeated = nil
		s.resend(g.b, seq)
		g.flush()
		if q := w.all[len(w.all)-1]; q.SSRC != 8 || q.Payload[1] != byte(seq) || q.Marker != marker {
			t.Errorf("packet %d is sent again as %+v", seq, q.Header)
		}
	}
	s.aim(g.l, cut{0, 0}, 0, false, false, 0)
	for id := range uint16(4) {
		g.arrive(layeredVP9(t, 100+2*id, id, 0, id == 0))
		g.arrive(layeredVP9(t, 101+2*id, id, 1, id == 0))
	}
	for seq := uint16(100); seq < 104; seq++ {
		again(seq, true)
	}
	s.aim(g.l, whole, 0, false, false, 0)
	g.arrive(layeredVP9(t, 108, 4, 0, true))
	g.arrive(layeredVP9(t, 109, 4, 1, true))
	again(103, true)
	again(104, false)
	again(105, true)
}

// What comes late belongs to a picture that was cut as it was then, not as pictures are now.
func TestLatePacketsAreCutAsTheirPictureWas(t *testing.T) {
	g, s, w := spatialRig(t)
	s.aim(g.l, whole, 0, false, false, 0)
	g.arrive(layeredVP9(t, 100, 0, 0, true))
	g.arrive(layeredVP9(t, 101, 0, 1, true))
	// 102 and 103, a picture of both layers, come late.
	s.aim(g.l, cut{0, 0}, 0, false, false, 0)
	g.arrive(layeredVP9(t, 104, 2, 0, false))
	g.arrive(layeredVP9(t, 105, 2, 1, false))
	g.arrive(layeredVP9(t, 103, 1, 1, false))
	g.arrive(layeredVP9(t, 102, 1, 0, false))
	if got, want := w.went(0), []sentAs{{100, false, false}, {101, true, false}, {104, true, false}, {103, true, false}, {102, false, false}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	// The other way round: 107 is of a layer that was not wanted then.
	g.arrive(layeredVP9(t, 106, 3, 0, false))
	s.aim(g.l, whole, 0, false, false, 0)
	n := len(w.all)
	g.arrive(layeredVP9(t, 108, 4, 0, true))
	g.arrive(layeredVP9(t, 109, 4, 1, true))
	g.arrive(layeredVP9(t, 107, 3, 1, false))
	if got, want := w.went(n), []sentAs{{107, false, false}, {108, true, false}, {106, false, true}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A key picture brings the layers that are wanted whatever of it is late; where that cannot be, it ends with the layer below.
func TestAKeyPictureIsWholeThoughSomeOfItIsLate(t *testing.T) {
	packets := [][]byte{
		partVP9(t, 100, 0, 0, true, true, true), partVP9(t, 101, 0, 1, true, true, false), partVP9(t, 102, 0, 1, true, false, true),
		layeredVP9(t, 103, 1, 0, false), layeredVP9(t, 104, 1, 1, false),
	}
	for _, c := range []struct {
		name  string
		order []int
		want  []sentAs
	}{
		{"the upper layer's first packet", []int{0, 2, 1, 3, 4}, []sentAs{{100, false, false}, {102, true, false}, {101, false, false}, {103, false, false}, {104, true, false}}},
		{"the upper layer", []int{0, 3, 1, 2}, []sentAs{{100, false, false}, {103, true, false}, {101, false, false}, {102, true, false}}},
		{"the upper layer, and the next picture has it", []int{0, 3, 4, 1, 2}, []sentAs{{100, false, false}, {103, true, false}, {101, false, false}, {102, true, false}}},
	} {
		g, s, w := spatialRig(t)
		s.aim(g.l, whole, 0, false, false, 0)
		for _, i := range c.order {
			g.arrive(packets[i])
		}
		if got := w.went(0); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	// The first packet of all is late, when a layer is to be added.
	g, s, w := spatialRig(t)
	s.aim(g.l, cut{0, 0}, 0, false, false, 0)
	g.arrive(layeredVP9(t, 98, 65534, 0, true))
	s.aim(g.l, whole, 0, false, false, 0)
	n := len(w.all)
	for _, i := range []int{1, 2, 0, 3, 4} {
		b := packets[i]
		binary.BigEndian.PutUint32(b[4:], binary.BigEndian.Uint32(b[4:])+65536*3000)
		g.arrive(b)
	}
	if got, want := w.went(n), []sentAs{{100, true, false}, {101, true, false}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
