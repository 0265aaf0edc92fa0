package peer

import (
	"testing"
	"time"

	"github.com/pion/rtp"
)

// vp8 makes a packet; a frame of two packets is first+last over two calls.
func vp8(seq uint16, first, key, last bool) *rtp.Packet {
	d, tag := byte(0x80), byte(0x11)
	if first {
		d |= 0x10
	}
	if key {
		tag = 0x10
	}
	return &rtp.Packet{
		Header:  rtp.Header{SequenceNumber: seq, Marker: last},
		Payload: []byte{d, 0x80, 0x81, byte(seq), tag, 0, 0, 0x9d, 0x01, 0x2a},
	}
}

func TestFrames(t *testing.T) {
	type in struct {
		seq              uint16
		first, key, last bool
		at               time.Duration
		decoded, needKey bool
	}
	ms := time.Millisecond
	for name, packets := range map[string][]in{
		"begins at a key frame": {
			{1, true, false, true, 0, false, true},
			{2, true, true, false, 0, false, false},
			{3, false, false, true, 0, true, false},
			{4, true, false, true, 0, true, false},
		},
		"reordered, over the sequence number's end": {
			{65535, true, true, false, 0, false, false},
			{1, true, false, true, 0, false, false},
			{0, false, false, true, 5 * ms, true, false},
			{2, true, false, true, 9 * ms, true, false},
		},
		"a loss that is never repaired needs a key frame": {
			{1, true, true, true, 0, true, false},
			{3, true, false, true, 0, false, false},
			{4, true, false, true, 400 * ms, false, true},
			{5, true, true, true, 500 * ms, true, false},
		},
		"a loss that is repaired does not": {
			{1, true, true, true, 0, true, false},
			{3, true, false, true, 0, false, false},
			{2, true, false, true, 100 * ms, true, false},
		},
		"a half frame is none": {
			{1, true, true, true, 0, true, false},
			{2, true, false, false, 0, false, false},
			{3, true, false, true, 0, true, false},
			{3, true, false, true, 0, false, false}, // doubled
		},
		"far ahead begins anew": {
			{1, true, true, true, 0, true, false},
			{1000, true, false, true, 0, false, true},
			{1001, true, true, true, 0, true, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, start := newFrames(), time.Now()
			for i, p := range packets {
				decoded, needKey := f.push(vp8(p.seq, p.first, p.key, p.last), start.Add(p.at))
				if decoded != p.decoded || needKey != p.needKey {
					t.Errorf("packet %d (%d): decoded %v, needs a key frame %v", i, p.seq, decoded, needKey)
				}
			}
		})
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(uint16(1), uint16(400), []byte{0x90, 0x80, 0x81, 0x01, 0x10}, true)
	f.Fuzz(func(t *testing.T, a, b uint16, payload []byte, last bool) {
		fr := newFrames()
		for i, seq := range []uint16{a, b, a + 1, b + 1} {
			fr.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Marker: last}, Payload: payload}, time.Unix(int64(i), 0))
		}
	})
}
