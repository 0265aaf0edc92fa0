package sfu

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"atrium/signaling/protocol"
)

// Who offers a codec in its slots is sent it, under its own payload type; who does not has the source in no slot, and its
// slots are others'.
func TestPicturesGoToThoseWhoDecodeThem(t *testing.T) {
	b := newBed(t)
	sender := b.join(peerOptions{camera: true, h264: true})
	b.desk.wait(t, "flowing", sender.user, 1)
	plain := b.join(peerOptions{video: 1, only: webrtc.MimeTypeVP8})
	able := b.join(peerOptions{video: 2})

	mid := find(able.waitSlots("H264", holds(sender.user, protocol.Camera, true)), sender.user, protocol.Camera, true)
	got := able.waitFor("H264", mid, atLeast(20))
	if d, ok := parseH264(got[0].Payload); !ok || !d.key {
		t.Errorf("begins without parameters: %x", got[0].Payload)
	}
	for _, pk := range got {
		if !sender.camera.wasSent(pk.Payload) {
			t.Fatalf("what was not sent: %x", pk.Payload)
		}
	}
	continuous(t, got)

	other := b.join(peerOptions{camera: true})
	slots := plain.waitSlots("VP8", holds(other.user, protocol.Camera, true))
	if find(slots, sender.user, protocol.Camera, true) != "" {
		t.Error("a picture in the slot of one who cannot decode it")
	}
	for _, pk := range plain.waitFor("VP8", find(slots, other.user, protocol.Camera, true), atLeast(20)) {
		if bytes.Contains(pk.Payload, []byte("h264 ")) {
			t.Fatal("H264 for one who did not offer it")
		}
	}

	// One slot carries one after the other, each under its payload type, on one numbering.
	alone := b.join(peerOptions{video: 1})
	mid = find(alone.waitSlots("H264", holds(sender.user, protocol.Camera, true)), sender.user, protocol.Camera, true)
	first := last(alone.waitFor("H264", mid, atLeast(20)))
	alone.send(protocol.TypeView, protocol.View{Pinned: []uuid.UUID{other.user}})
	got = alone.waitFor("VP8 in the same slot", mid, func(got []*rtp.Packet) bool {
		return slices.ContainsFunc(got, func(pk *rtp.Packet) bool { return bytes.Contains(pk.Payload, []byte("vp8 ")) })
	})
	if last(got).PayloadType == first.PayloadType || last(got).SSRC != first.SSRC {
		t.Errorf("payload types %d and %d, SSRCs %d and %d", first.PayloadType, last(got).PayloadType, first.SSRC, last(got).SSRC)
	}
	continuous(t, got)
}

// A sender may go on in another codec that was agreed on: those who decode it see it go on, the others have it no more.
func TestCodecChangesWithinAStream(t *testing.T) {
	b := newBed(t)
	sender := b.join(peerOptions{camera: true})
	plain := b.join(peerOptions{video: 1, only: webrtc.MimeTypeVP8})
	able := b.join(peerOptions{video: 1})
	mid := find(able.waitSlots("VP8", holds(sender.user, protocol.Camera, true)), sender.user, protocol.Camera, true)
	plain.waitSlots("VP8", holds(sender.user, protocol.Camera, true))
	able.waitFor("two seconds of VP8", mid, func(got []*rtp.Packet) bool {
		return len(got) > 0 && last(got).Timestamp-got[0].Timestamp > 2.2*videoRate
	})
	sender.camera.become(webrtc.MimeTypeH264)
	got := able.waitFor("H264", mid, func(got []*rtp.Packet) bool {
		return bytes.Contains(last(got).Payload, []byte("h264 ")) && bytes.Contains(got[len(got)-10].Payload, []byte("h264 "))
	})
	continuous(t, got)
	if first := got[0]; first.SSRC != last(got).SSRC || first.PayloadType == last(got).PayloadType {
		t.Errorf("SSRCs %d and %d, payload types %d and %d", first.SSRC, last(got).SSRC, first.PayloadType, last(got).PayloadType)
	}
	plain.waitSlots("nobody", func(s []protocol.Slot) bool { return s[0].UserID == nil })
}

func TestAStoppedSlotMakesNothingUndecodable(t *testing.T) {
	m := &member{video: []*slot{{}, {}}}
	u := &uplink{video: true}
	u.codec.Store(codecVP8.bit())
	m.video[0].codecs.Store(codecVP8.bit() | codecAV1.bit())
	if !m.decodes(u) {
		t.Error("a slot that was stopped forbids what the other takes")
	}
	u.codec.Store(codecVP9.bit())
	if m.decodes(u) {
		t.Error("a codec that no slot offers")
	}
	u.codec.Store(codecAV1.bit())
	m.video[1].codecs.Store(codecVP8.bit())
	if m.decodes(u) {
		t.Error("a codec that one slot does not offer")
	}
}
