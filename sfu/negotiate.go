package sfu

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"atrium/sfu/offer"
	"atrium/signaling/protocol"
)

var errGather = errors.New("sfu: candidates were not gathered in time")

// offer answers an offer: the first begins the transport, a later one restarts ICE or brings more slots. deliver is
// given the answer before anything of the offer is told in SLOTS.
func (s *session) offer(raw string, deliver func(answer string)) *protocol.Error {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if !s.track(1) { // so that the end waits for this
		return protocol.Errorf(protocol.InvalidRequest, protocol.TypeSDPOffer, "the session is ending")
	}
	defer s.untrack()
	o, bad := offer.Read(raw, s.sections, offer.Limits{Audio: s.f.audioSlots, Video: s.f.videoSlots})
	if bad != nil {
		return bad
	}
	local, err := s.connectBy(o)
	if err != nil {
		s.log.Error("an offer was not answered", "error", err)
		return protocol.Errorf(protocol.ServerError, protocol.TypeSDPOffer, "the SFU cannot take a session now")
	}
	uplinks, slots := s.add(o, local)
	s.sections = o.Sections
	s.mu.Lock()
	for _, u := range uplinks {
		s.uplinks[u.mid] = u
	}
	for i := range o.Sections {
		if u := s.uplinks[o.Sections[i].Mid]; u != nil {
			u.offered.Store(o.Sections[i].Sends)
		}
	}
	s.media.setRoutes(o.Sections, s.uplinks)
	s.mu.Unlock()
	deliver(o.Answer(local))
	s.room.add(s, uplinks, slots)
	// After the room knows the uplinks: a mute of this moment finds them there or is found here.
	if s.f.isMuted(s.top.Zone, s.top.User) {
		s.room.mute(s.top.User, true)
	}
	s.mu.Lock()
	s.answered = true
	s.mu.Unlock()
	s.slotsChanged()
	return nil
}

// add makes the uplinks and slots that an offer adds, and has all slots know what was agreed on. The answer is to name them.
func (s *session) add(o *offer.Offer, local *offer.Local) (uplinks []*uplink, slots []*slot) {
	local.Streams = make(map[string]offer.Stream, o.Audio+o.Video)
	for i := range o.Sections {
		sec := &o.Sections[i]
		if !sec.Slot {
			if i >= len(s.sections) {
				u := newUplink(s, sec)
				u.subs.Store(new([]*slot))
				uplinks = append(uplinks, u)
			}
			continue
		}
		t := s.slots[sec.Mid]
		if t == nil {
			t = s.newSlot(sec)
			s.slots[sec.Mid] = t
			slots = append(slots, t)
		}
		t.negotiated(sec)
		local.Streams[sec.Mid] = t.stream()
	}
	return uplinks, slots
}

// connectBy has Pion do ICE and DTLS, by an offer of one section.
func (s *session) connectBy(o *offer.Offer) (*offer.Local, error) {
	pc := s.pc.Load()
	if pc == nil {
		var err error
		if pc, err = s.newPeerConnection(); err != nil {
			return nil, err
		}
	}
	raw := "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=inactive\r\na=rtcp-mux\r\na=setup:actpass\r\n" +
		"a=ice-ufrag:" + o.Ufrag + "\r\na=ice-pwd:" + o.Pwd + "\r\na=fingerprint:" + o.Fingerprints[0].String() + "\r\na=rtpmap:111 opus/48000/2\r\n"
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: raw}); err != nil {
		return nil, err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return nil, err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return nil, err
	}
	timer := time.NewTimer(gatherWithin)
	defer timer.Stop()
	select {
	case <-gathered:
	case <-timer.C:
		return nil, errGather
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(pc.LocalDescription().SDP); err != nil {
		return nil, err
	}
	s.answers++
	l := &offer.Local{ID: s.number, Version: s.answers}
	for _, a := range append(d.Attributes, d.MediaDescriptions[0].Attributes...) {
		switch a.Key {
		case "ice-ufrag":
			l.Ufrag = a.Value
		case "ice-pwd":
			l.Pwd = a.Value
		case "fingerprint":
			l.Fingerprint = a.Value
		case "candidate":
			l.Candidates = append(l.Candidates, strings.TrimSpace(a.Value))
		}
	}
	if l.Pwd == "" || l.Fingerprint == "" {
		return nil, fmt.Errorf("sfu: an answer without ICE: %q", pc.LocalDescription().SDP)
	}
	s.pc.Store(pc)
	return l, nil
}

func (s *session) newPeerConnection() (*webrtc.PeerConnection, error) {
	pc, err := s.f.engine.newPeerConnection(s.media)
	if err != nil {
		return nil, err
	}
	pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { s.wakeup() })
	pc.SCTP().Transport().OnStateChange(func(state webrtc.DTLSTransportState) {
		if state == webrtc.DTLSTransportStateConnected {
			s.media.verify()
		}
	})
	return pc, nil
}
