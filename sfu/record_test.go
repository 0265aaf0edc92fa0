package sfu

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
	"time"
)

// recorded is a packet of a recording.
type recorded struct {
	at   time.Duration
	raw  []byte // may be cut off behind the beginning of its payload
	size int    // what it was
}

// recording reads a file of testdata/rtp, whose README says where they come from.
func recording(t testing.TB, name string) (packets []recorded) {
	t.Helper()
	b, err := os.ReadFile("testdata/rtp/" + name + ".rtpdump")
	if err != nil {
		t.Fatal(err)
	}
	b = b[bytes.IndexByte(b, '\n')+1+16:]
	for len(b) >= 8 {
		n := int(binary.BigEndian.Uint16(b))
		packets = append(packets, recorded{
			at:   time.Duration(binary.BigEndian.Uint32(b[4:])) * time.Millisecond,
			raw:  b[8:n],
			size: int(binary.BigEndian.Uint16(b[2:])),
		})
		b = b[n:]
	}
	return packets
}

// replay parses the packets of a recording as the layers of one uplink, in their order.
func replay(t testing.TB, name string, c codec, f func(l *layer, p *packet)) {
	t.Helper()
	layers := map[uint32]*layer{}
	for i, r := range recording(t, name) {
		ssrc := binary.BigEndian.Uint32(r.raw[8:])
		l := layers[ssrc]
		if l == nil {
			l = &layer{up: &uplink{video: true}, ssrc: ssrc, ring: newRing(videoRing), reading: reading{codec: c, dependency: 13}}
			layers[ssrc] = l
		}
		p := l.ring.put(copy(l.ring.in, r.raw), int64(r.at), l.reading)
		if p == nil {
			t.Fatalf("%s: packet %d is malformed: %x", name, i, r.raw)
		}
		l.describe(p)
		f(l, p)
	}
}

// What Chromium sends is understood: layers, where decoders can begin, and how high pictures are.
func TestRecordings(t *testing.T) {
	for _, c := range []struct {
		name     string
		codec    codec
		streams  int
		top      cut
		heights  []int // of the spatial layers or, with several streams, of these
		pictures bool  // end is known
	}{
		{"vp8-simulcast", codecVP8, 2, cut{0, 2}, []int{90, 180}, false},
		{"h264-simulcast", codecH264, 2, cut{0, 0}, []int{90, 180}, false},
		{"vp9-l2t3", codecVP9, 1, cut{1, 2}, []int{180, 360}, true},
		{"vp9-l2t3-key", codecVP9, 1, cut{1, 2}, []int{180, 360}, true},
		{"av1-l2t3", codecAV1, 1, cut{1, 2}, []int{180, 360}, true},
		{"av1-l2t3-key", codecAV1, 1, cut{1, 2}, []int{180, 360}, true},
		{"av1-l1t3", codecAV1, 1, cut{0, 2}, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var top cut
			heights := map[int]bool{}
			streams := map[*layer]bool{}
			keys, ups, ends, markers := 0, 0, 0, 0
			began := map[*layer]bool{}
			replay(t, c.name, c.codec, func(l *layer, p *packet) {
				streams[l] = true
				d := &p.pic
				if d.key {
					keys++
					began[l] = true
					for s := range uint8(spatialMost) {
						if l.lines[s].Load() > 0 {
							heights[l.height(s)] = true
						}
					}
				}
				if !began[l] {
					return
				}
				top = cut{max(top.sid, d.sid), max(top.tid, d.tid)}
				if (d.up || d.sync) && !d.key {
					ups++
				}
				if d.end {
					ends++
				}
				if p.marker {
					markers++
					if c.pictures && !d.end {
						t.Fatalf("packet %d ends a picture and no frame", p.seq)
					}
				}
			})
			if top != c.top || len(streams) != c.streams {
				t.Errorf("layers up to %+v in %d streams, want %+v in %d", top, len(streams), c.top, c.streams)
			}
			if keys < c.streams || top.tid > 0 && ups == 0 || c.pictures && ends != markers*(int(top.sid)+1) {
				t.Errorf("%d key frames, %d switches up, %d frames in %d pictures", keys, ups, ends, markers)
			}
			for _, h := range c.heights {
				if !heights[h] {
					t.Errorf("no picture of %d lines: %v", h, heights)
				}
			}
		})
	}
}
