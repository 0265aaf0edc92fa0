package sfu

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"atrium/signaling/protocol"
)

// waitRTCP looks at the RTCP of a slot until ok.
func (p *peer) waitRTCP(what, mid string, ok func([]rtcp.Packet) bool) {
	p.t.Helper()
	late := time.After(patience)
	for {
		p.pmu.Lock()
		got, more := append([]rtcp.Packet(nil), p.rtcps[mid]...), p.more
		p.pmu.Unlock()
		if ok(got) {
			return
		}
		select {
		case <-more:
		case <-late:
			p.t.Fatalf("slot %q never: %s (%d RTCP packets)", mid, what, len(got))
		}
	}
}

func TestSenderReportsAreCarriedThrough(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{audio: 1, video: 1})
	q := b.join(peerOptions{mic: true, camera: true})
	for _, source := range []protocol.Source{protocol.Mic, protocol.Camera} {
		mid := find(p.waitSlots("source", holds(q.user, source, true)), q.user, source, true)
		first := p.waitFor("packets", mid, atLeast(1))[0]
		rate := uint32(audioRate)
		if source == protocol.Camera {
			rate = videoRate
		}
		p.waitRTCP("a sender report", mid, func(got []rtcp.Packet) bool {
			named := false
			for _, r := range got {
				if d, ok := r.(*rtcp.SourceDescription); ok {
					named = named || d.Chunks[0].Items[0].Text == "slot0"
				}
			}
			for _, r := range got {
				sr, ok := r.(*rtcp.SenderReport)
				if !ok {
					continue
				}
				if sr.SSRC != first.SSRC {
					t.Fatalf("a report of %d in the slot of %d", sr.SSRC, first.SSRC)
				}
				if d := time.Now().UnixNano() - ntpToUnix(sr.NTPTime); d < -int64(time.Second) || d > int64(5*time.Second) {
					t.Fatalf("the report's clock is off by %v", time.Duration(d))
				}
				if d := int32(sr.RTPTime - first.Timestamp); d < -int32(rate) || d > int32(20*rate) {
					t.Fatalf("the report's timestamp is %d ticks from the first packet's", d)
				}
				return named
			}
			return false
		})
	}
}

func TestReceiversRequestsReachTheSender(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{video: 1})
	q := b.join(peerOptions{camera: true})
	mid := find(p.waitSlots("camera", holds(q.user, protocol.Camera, true)), q.user, protocol.Camera, true)
	first := p.waitFor("video", mid, atLeast(5))[0]
	before := q.camera.keyRequests()
	for range 50 {
		if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: first.SSRC}}); err != nil {
			t.Fatal(err)
		}
	}
	p.waitFor("another key frame", mid, func(got []*rtp.Packet) bool {
		keys := 0
		for _, pk := range got[1:] {
			if d, ok := parseVP8(pk.Payload); ok && d.key {
				keys++
			}
		}
		return keys > 0
	})
	if n := q.camera.keyRequests() - before; n < 1 || n > 10 {
		t.Errorf("50 requests became %d", n)
	}
}

func TestNACKIsAnswered(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{video: 1})
	q := b.join(peerOptions{camera: true})
	mid := find(p.waitSlots("camera", holds(q.user, protocol.Camera, true)), q.user, protocol.Camera, true)
	got := p.waitFor("video", mid, atLeast(20))
	lost := got[10]
	if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: lost.SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{lost.SequenceNumber})}}); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the packet again", mid, func(got []*rtp.Packet) bool {
		n := 0
		for _, pk := range got {
			if pk.SequenceNumber == lost.SequenceNumber && string(pk.Payload) == string(lost.Payload) {
				n++
			}
		}
		return n == 2
	})
	if b.m.resent.Load() != 1 {
		t.Errorf("%d retransmissions", b.m.resent.Load())
	}
}

// TestSimulcastOfferGivesOneLayer publishes two encodings as a browser does: by RID, without SSRCs in the offer.
func TestSimulcastOfferGivesOneLayer(t *testing.T) {
	b := newBed(t)
	p := b.prepare(peerOptions{})
	var tracks []*webrtc.TrackLocalStaticRTP
	for _, rid := range []string{"q", "f"} {
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: videoRate}, "video", "s", webrtc.WithRTPStreamID(rid))
		if err != nil {
			t.Fatal(err)
		}
		tracks = append(tracks, track)
	}
	tr, err := p.pc.AddTransceiverFromTrack(tracks[0], webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Sender().AddEncoding(tracks[1]); err != nil {
		t.Fatal(err)
	}
	p.negotiate()
	b.desk.wait(t, "up", p.user, 1)
	var midID, ridID uint8
	for _, x := range tr.Sender().GetParameters().HeaderExtensions {
		switch x.URI {
		case sdp.SDESMidURI:
			midID = uint8(x.ID)
		case sdp.SDESRTPStreamIDURI:
			ridID = uint8(x.ID)
		}
	}
	p.wg.Add(1)
	go func() {
		defer p.wg.Done()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for n := uint16(1); ; n++ {
			select {
			case <-p.stop:
				return
			case <-tick.C:
			}
			for i, track := range tracks {
				payload := []byte{0x90, 0x80, 0x80 | byte(n>>8), byte(n), 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(i)}
				if n%40 == 1 {
					copy(payload[4:], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 64 << i, 0, 48 << i, 0})
				}
				h := rtp.Header{Version: 2, SequenceNumber: n + uint16(1000*i), Timestamp: uint32(n) * 450, Marker: true}
				_ = h.SetExtension(midID, []byte(tr.Mid()))
				_ = h.SetExtension(ridID, []byte(track.RID()))
				_ = track.WriteRTP(&rtp.Packet{Header: h, Payload: payload})
			}
		}
	}()
	q := b.join(peerOptions{video: 1})
	mid := find(q.waitSlots("camera", holds(p.user, protocol.Camera, true)), p.user, protocol.Camera, true)
	got := q.waitFor("the higher layer", mid, func(got []*rtp.Packet) bool {
		high := 0
		for _, pk := range got {
			if pk.Payload[len(pk.Payload)-1] == 1 {
				high++
			}
		}
		return high > 50
	})
	changes := 0
	for i := 1; i < len(got); i++ {
		if got[i].SequenceNumber != got[i-1].SequenceNumber+1 {
			t.Fatalf("%d after %d", got[i].SequenceNumber, got[i-1].SequenceNumber)
		}
		if a, z := got[i-1].Payload[14], got[i].Payload[14]; a != z {
			changes++
			if d, _ := parseVP8(got[i].Payload); !d.key || a > z {
				t.Fatalf("layer %d after %d, key frame %v", z, a, d.key)
			}
		}
	}
	if changes > 1 {
		t.Errorf("%d changes of layer", changes)
	}
}
