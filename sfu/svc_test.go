package sfu

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"atrium/signaling/protocol"
)

const dependencyURI = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"

// A client that sends AV1 in one stream of two spatial layers, as Chromium does, and one that shows it large, then small.
func TestSpatialLayersFollowTheView(t *testing.T) {
	b := newBed(t)
	sender := b.prepare(peerOptions{only: webrtc.MimeTypeAV1})
	track := sender.track(webrtc.MimeTypeAV1, "video", videoRate)
	tr, err := sender.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		t.Fatal(err)
	}
	sender.negotiate()
	b.desk.wait(t, "up", sender.user, 1)
	id := uint8(0)
	for _, x := range tr.Sender().GetParameters().HeaderExtensions {
		if x.URI == dependencyURI {
			id = uint8(x.ID)
		}
	}
	if id == 0 {
		t.Fatal("no dependency descriptor was agreed on")
	}
	sender.wg.Add(1)
	go func() { // the recording, again and again
		defer sender.wg.Done()
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		seq, ts, last := uint16(0), uint32(0), uint32(0)
		stream := recording(t, "av1-l2t3-key")
		for i := 0; ; i++ {
			select {
			case <-sender.stop:
				return
			case <-tick.C:
			}
			var p rtp.Packet
			if p.Unmarshal(stream[i%len(stream)].raw) != nil {
				return
			}
			if p.Timestamp != last {
				last, ts = p.Timestamp, ts+3000
			}
			seq++
			h := rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: ts, Marker: p.Marker}
			_ = h.SetExtensionWithProfile(id, p.GetExtension(13), rtp.ExtensionProfileTwoByte)
			_ = track.WriteRTP(&rtp.Packet{Header: h, Payload: p.Payload})
		}
	}()
	q := b.join(peerOptions{video: 1, only: webrtc.MimeTypeAV1})
	mid := find(q.waitSlots("camera", holds(sender.user, protocol.Camera, true)), sender.user, protocol.Camera, true)
	// What the receiver's own reading of the descriptors says of the last packets.
	layers := func(got []*rtp.Packet) (list []uint8) {
		var x dependencies
		for _, p := range got {
			ids := p.GetExtensionIDs()
			for _, id := range ids {
				if d, ok := x.read(p.GetExtension(id)); ok {
					list = append(list, d.sid)
				}
			}
		}
		return list
	}
	ends := func(n int, in func(sid uint8) bool) func([]*rtp.Packet) bool {
		return func(got []*rtp.Packet) bool {
			list := layers(got)
			for i := range n {
				if len(list) < n || !in(list[len(list)-1-i]) {
					return false
				}
			}
			return true
		}
	}
	both := q.waitFor("both layers", mid, ends(1, func(sid uint8) bool { return sid == 1 }))
	if len(layers(both)) != len(both) {
		t.Fatalf("%d of %d packets are described", len(layers(both)), len(both))
	}
	q.send(protocol.TypeView, protocol.View{Sizes: map[uuid.UUID]int{sender.user: 180}})
	q.waitFor("the lower layer alone", mid, ends(20, func(sid uint8) bool { return sid == 0 }))
	q.send(protocol.TypeView, protocol.View{Sizes: map[uuid.UUID]int{sender.user: 360}})
	continuous(t, q.waitFor("both again", mid, ends(1, func(sid uint8) bool { return sid == 1 })))
}
