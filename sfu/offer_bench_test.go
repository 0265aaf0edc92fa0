package sfu

import (
	"testing"

	"github.com/google/uuid"

	"atrium/topology"
)

// BenchmarkOffer answers an offer with three uplinks' worth of sections and all the slots there are.
func BenchmarkOffer(b *testing.B) {
	bed := newBed(b)
	p := bed.prepare(peerOptions{mic: true, camera: true, audio: 24, video: 24})
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		s, _, _ := bed.admit(topology.Session{Zone: bed.zone, User: uuid.New()}, "", 0)
		if bad := s.offer(offer.SDP, func(string) {}); bad != nil {
			b.Fatal(bad)
		}
		s.end(ending{})
		<-s.done
	}
}
