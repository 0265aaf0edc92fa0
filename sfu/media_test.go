package sfu

import (
	"bytes"
	"testing"

	"github.com/google/uuid"
	"github.com/pion/rtp"

	"atrium/signaling/protocol"
)

func atLeast(n int) func([]*rtp.Packet) bool {
	return func(got []*rtp.Packet) bool { return len(got) >= n }
}

func TestMediaArrivesByteForByte(t *testing.T) {
	b := newBed(t)
	peers := make([]*peer, 3)
	for i := range peers {
		peers[i] = b.join(peerOptions{mic: true, camera: true, audio: 4, video: 4})
	}
	for _, p := range peers {
		b.desk.wait(t, "flowing", p.user, 1)
	}
	for _, p := range peers {
		for _, q := range peers {
			if p == q {
				continue
			}
			slots := p.waitSlots("microphone of another", holds(q.user, protocol.Mic, true))
			p.waitSlots("camera of another", holds(q.user, protocol.Camera, true))
			mid := find(slots, q.user, protocol.Mic, true)
			for _, pk := range p.waitFor("audio", mid, atLeast(20)) {
				if !q.mic.wasSent(pk.Payload) {
					t.Fatalf("audio that was not sent: %q", pk.Payload)
				}
			}
			slots = p.waitSlots("camera of another", holds(q.user, protocol.Camera, true))
			mid = find(slots, q.user, protocol.Camera, true)
			got := p.waitFor("video", mid, atLeast(20))
			if d, ok := parseVP8(got[0].Payload); !ok || !d.key {
				t.Fatalf("video begins without a key frame: %x", got[0].Payload)
			}
			for _, pk := range got {
				if !q.camera.wasSent(pk.Payload) {
					t.Fatalf("video that was not sent: %q", pk.Payload)
				}
			}
			continuous(t, got)
		}
		// One's own media never comes back.
		for _, s := range p.waitSlots("anything", func(s []protocol.Slot) bool { return len(s) == 8 }) {
			if s.UserID != nil && *s.UserID == p.user {
				t.Fatalf("own media in slot %s", s.Mid)
			}
		}
	}
}

func TestMicrophoneAndCameraShareAStream(t *testing.T) {
	b := newBed(t)
	var others []uuid.UUID
	p := b.join(peerOptions{audio: 4, video: 4})
	for range 3 {
		others = append(others, b.join(peerOptions{mic: true, camera: true}).user)
	}
	mids := map[string]int{}
	for i, s := range p.waitSlots("all", func(s []protocol.Slot) bool {
		for _, u := range others {
			if !holds(u, protocol.Mic, true)(s) || !holds(u, protocol.Camera, true)(s) {
				return false
			}
		}
		return true
	}) {
		mids[s.Mid] = i % 4
	}
	for _, u := range others {
		slots := p.waitSlots("all", holds(u, protocol.Mic, true))
		mic, camera := find(slots, u, protocol.Mic, true), find(slots, u, protocol.Camera, true)
		if mids[mic] != mids[camera] {
			t.Errorf("%s: microphone in %s, camera in %s", u, mic, camera)
		}
		p.waitFor("audio", mic, atLeast(1))
		p.waitFor("video", camera, atLeast(1))
	}
	streams := map[string]string{}
	for _, tr := range p.pc.GetTransceivers() {
		if track := tr.Receiver().Track(); track != nil && track.StreamID() != "" {
			streams[tr.Mid()] = track.StreamID()
		}
	}
	for _, u := range others {
		slots := p.waitSlots("all", holds(u, protocol.Mic, true))
		if a, v := streams[find(slots, u, protocol.Mic, true)], streams[find(slots, u, protocol.Camera, true)]; a == "" || a != v {
			t.Errorf("%s: streams %q and %q", u, a, v)
		}
	}
}

func TestSlotIsUsedAgainWithoutNegotiation(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{audio: 1, video: 1})
	first := b.join(peerOptions{mic: true, camera: true})
	slots := p.waitSlots("the first", func(s []protocol.Slot) bool {
		return holds(first.user, protocol.Mic, true)(s) && holds(first.user, protocol.Camera, true)(s)
	})
	audio, video := slots[0].Mid, slots[1].Mid
	p.waitFor("audio of the first", audio, atLeast(20))
	p.waitFor("video of the first", video, atLeast(20))

	second := b.join(peerOptions{mic: true, camera: true}) // waits: there is no slot
	b.desk.wait(t, "flowing", second.user, 1)
	first.ws.Close()
	first.leave()
	b.EndSession(b.zone, first.user, "left")
	b.desk.wait(t, "down", first.user, 1)
	p.waitSlots("the second", func(s []protocol.Slot) bool {
		return holds(second.user, protocol.Mic, true)(s) && holds(second.user, protocol.Camera, true)(s)
	})
	var asked [2]int
	for i, mid := range []string{audio, video} {
		src := []*source{second.mic, second.camera}[i]
		got := p.waitFor("the second", mid, func(got []*rtp.Packet) bool {
			n := 0
			for _, pk := range got {
				if src.counterSent(pk, i == 1) {
					n++
				}
			}
			return n >= 20
		})
		continuous(t, got)
		if i == 1 {
			pictures(t, got)
		}
		if got[0].SSRC != got[len(got)-1].SSRC || got[0].PayloadType != got[len(got)-1].PayloadType {
			t.Error("SSRC or payload type changed with the source")
		}
		asked[i] = src.keyRequests()
	}
	if asked[1] == 0 {
		t.Error("no key frame was asked for at the switch")
	}
}

// counterSent says whether a received packet is this source's, whatever its picture numbers.
func (s *source) counterSent(p *rtp.Packet, video bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := content(p, video)
	for sent := range s.sent {
		if len(sent) >= len(c) && sent[len(sent)-len(c):] == c {
			return true
		}
	}
	return false
}

// pictures checks that picture ids advance by one per frame and that a change of source begins with a key frame.
func pictures(t *testing.T, got []*rtp.Packet) {
	t.Helper()
	last := picture{}
	for i, pk := range got {
		d, ok := parseVP8(pk.Payload)
		if !ok {
			t.Fatalf("packet %d is no VP8", i)
		}
		if i > 0 && d.start && (d.id != (last.id+1)&0x7fff || d.tl0 != last.tl0+1) {
			t.Fatalf("packet %d: picture %d/%d after %d/%d", i, d.id, d.tl0, last.id, last.tl0)
		}
		last = d
	}
}

func TestLateJoinGetsAKeyFrameSoon(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{mic: true, camera: true, audio: 2, video: 2})
	b.desk.wait(t, "flowing", p.user, 1)
	q := b.join(peerOptions{audio: 2, video: 2})
	slots := q.waitSlots("camera", holds(p.user, protocol.Camera, true))
	got := q.waitFor("video", find(slots, p.user, protocol.Camera, true), atLeast(5))
	if d, ok := parseVP8(got[0].Payload); !ok || !d.key {
		t.Fatal("no key frame first")
	}
}

func TestSilentSourceIsNotActive(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{audio: 1})
	q := b.join(peerOptions{mic: true})
	slots := p.waitSlots("active", holds(q.user, protocol.Mic, true))
	mid := find(slots, q.user, protocol.Mic, true)
	p.waitFor("audio", mid, atLeast(3))
	q.mic.pause(true)
	p.waitSlots("not active", holds(q.user, protocol.Mic, false))
	q.mic.pause(false)
	p.waitSlots("active again", holds(q.user, protocol.Mic, true))
}

func TestMuteDropsAudioAndUnmuteGoesOnWithoutAGap(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{audio: 1})
	q := b.join(peerOptions{mic: true})
	slots := p.waitSlots("active", holds(q.user, protocol.Mic, true))
	mid := find(slots, q.user, protocol.Mic, true)
	p.waitFor("audio", mid, atLeast(5))
	b.Mute(b.zone, q.user, true)
	p.waitSlots("muted", holds(q.user, protocol.Mic, false))
	muted := counterOf(last(p.waitFor("audio", mid, atLeast(5))))
	b.Mute(b.zone, q.user, false)
	p.waitSlots("unmuted", holds(q.user, protocol.Mic, true))
	got := p.waitFor("audio after", mid, func(got []*rtp.Packet) bool { return counterOf(last(got)) > muted+20 })
	continuous(t, got)
	// A new session of a muted user is muted too.
	b.Mute(b.zone, q.user, true)
	r := b.join(peerOptions{user: q.user, mic: true})
	q.wantClose(protocol.CloseReplaced)
	b.desk.wait(t, "flowing", r.user, 2)
	p.waitSlots("muted in the new session", holds(q.user, protocol.Mic, false))
}

func last(got []*rtp.Packet) *rtp.Packet { return got[len(got)-1] }

func TestViewChoosesWhoIsInTheSlots(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{video: 1})
	first := b.join(peerOptions{camera: true})
	p.waitSlots("the first camera", holds(first.user, protocol.Camera, true))
	second := b.join(peerOptions{camera: true})
	b.desk.wait(t, "flowing", second.user, 1)
	p.send(protocol.TypeView, protocol.View{Pinned: []uuid.UUID{second.user}})
	mid := find(p.waitSlots("who is pinned", holds(second.user, protocol.Camera, true)), second.user, protocol.Camera, true)
	p.waitFor("the pinned one's picture", mid, func(got []*rtp.Packet) bool {
		for _, pk := range got {
			if bytes.Contains(pk.Payload, []byte(second.user.String())) {
				return true
			}
		}
		return false
	})
	p.send(protocol.TypeView, protocol.View{Sizes: map[uuid.UUID]int{second.user: 0}})
	p.waitSlots("the other, when it is not shown", holds(first.user, protocol.Camera, true))
}
