package sfu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/pion/rtp"
)

const (
	recordedRED  = 63 // payload types of Chromium's
	recordedOpus = 111
)

// Who takes redundancy gets what came, its blocks under the receiver's payload type of Opus; who does not gets the sound.
func TestRedundantSoundIsPassedOrStripped(t *testing.T) {
	g := rig(t, false, 2, true)
	g.l.reading = reading{codec: codecOpus, levelID: 1, opus: recordedOpus, red: recordedRED}
	takes, plain := g.slots[0], g.slots[1]
	takes.redPT, takes.opusPT, takes.levelID = 120, 109, 4
	plain.opusPT, plain.levelID = 97, 4
	var payloads [][]byte
	alone := map[int]bool{}
	for _, r := range recording(t, "opus-red") {
		var p rtp.Packet
		if err := p.Unmarshal(r.raw); err != nil {
			t.Fatal(err)
		}
		alone[len(payloads)] = len(p.Payload) == 0 // padding
		payloads = append(payloads, p.Payload)
		g.arrive(r.raw)
	}
	redundant := 0
	for i, sent := range payloads {
		a, b := g.wires[0].all[i], g.wires[1].all[i]
		if alone[i] {
			if len(a.Payload) > 0 || len(b.Payload) > 0 {
				t.Fatalf("packet %d: %+v and %+v", i, a, b)
			}
			continue
		}
		if a.PayloadType != 120 || b.PayloadType != 97 || a.GetExtension(4) == nil || b.GetExtension(4) == nil {
			t.Fatalf("packet %d: %+v and %+v", i, a.Header, b.Header)
		}
		if n, ok := parseRED(a.Payload, 109); !ok || !bytes.Equal(a.Payload[n:], b.Payload) || len(a.Payload) != len(sent) || !bytes.HasSuffix(sent, b.Payload) {
			t.Fatalf("packet %d: %x and %x of %x", i, a.Payload, b.Payload, sent)
		} else if n > 5 {
			redundant++
			// The block before the last is the sound of the packet before.
			if i > 0 && !alone[i-1] && !bytes.Equal(a.Payload[n-len(g.wires[1].all[i-1].Payload):n], g.wires[1].all[i-1].Payload) {
				t.Fatalf("packet %d does not repeat the one before it", i)
			}
		}
	}
	if redundant < len(payloads)/2 {
		t.Errorf("%d of %d packets have redundancy", redundant, len(payloads))
	}
	// A sender that stops sending it for a while, and one whose blocks are something else.
	plainPacket := raw(t, rtp.Header{SequenceNumber: 60000, PayloadType: recordedOpus}, []byte("sound"), 0)
	l := &layer{ring: newRing(8), reading: g.l.reading}
	if p := l.ring.put(copy(l.ring.in, plainPacket), 0, l.reading); p == nil || p.primary != 0 || string(p.payload()) != "sound" {
		t.Errorf("%+v", p)
	}
	for _, bad := range [][]byte{{recordedOpus + 1, 1}, {0x80 | recordedOpus, 0, 0}, {0x80 | recordedOpus, 0, 0, 9, recordedOpus, 1}, {0x80 | 96, 0, 0, 0, recordedOpus}} {
		b := raw(t, rtp.Header{PayloadType: recordedRED}, bad, 0)
		if p := l.ring.put(copy(l.ring.in, b), 0, l.reading); p != nil {
			t.Errorf("%x taken: %+v", bad, p)
		}
	}
}

func FuzzRED(f *testing.F) {
	f.Add([]byte{0x80 | recordedOpus, 0, 4, 1, recordedOpus, 9, 7, 8}, uint8(5))
	f.Add([]byte{recordedOpus}, uint8(127))
	f.Fuzz(func(t *testing.T, p []byte, opus uint8) {
		opus &= 0x7f
		n, ok := parseRED(p, recordedOpus)
		if !ok {
			return
		}
		q := bytes.Clone(p)
		relabelRED(q, opus)
		if m, ok := parseRED(q, opus); !ok || m != n || !bytes.Equal(p[n:], q[n:]) {
			t.Fatalf("%x became %x", p, q)
		}
	})
}

func BenchmarkSound(b *testing.B) {
	for _, c := range []struct{ sent, taken bool }{{false, false}, {true, true}, {true, false}} {
		b.Run(fmt.Sprintf("redundancy sent %v taken %v", c.sent, c.taken), func(b *testing.B) {
			g := rig(b, false, 50, false)
			payload, pt := make([]byte, 80), uint8(recordedOpus)
			if c.sent {
				g.l.reading.opus, g.l.reading.red = recordedOpus, recordedRED
				payload, pt = append([]byte{0x80 | recordedOpus, 0, 0, 80, recordedOpus}, make([]byte, 160)...), recordedRED
			}
			for _, s := range g.slots {
				s.opusPT = 111
				if c.taken {
					s.redPT = 63
				}
			}
			p := raw(b, rtp.Header{PayloadType: pt}, payload, 0)
			b.ReportAllocs()
			for i := range b.N {
				binary.BigEndian.PutUint16(p[2:], uint16(i))
				binary.BigEndian.PutUint32(p[4:], uint32(i)*960)
				g.arrive(p)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*50), "ns/forwarded")
		})
	}
}
