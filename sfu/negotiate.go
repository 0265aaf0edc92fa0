package sfu

import (
	"errors"
	"fmt"
	"time"

	"github.com/pion/webrtc/v4"

	"atrium/signaling/protocol"
)

var errGather = errors.New("sfu: candidates were not gathered in time")

// offer answers an offer: the first makes the PeerConnection, a later one restarts ICE or brings more slots. deliver is
// given the answer before anything of the offer is told in SLOTS.
func (s *session) offer(raw string, deliver func(answer string)) *protocol.Error {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if !s.track(1) { // so that the end waits for this
		return protocol.Errorf(protocol.InvalidRequest, protocol.TypeSDPOffer, "the session is ending")
	}
	defer s.untrack()
	p, bad := readOffer(raw, s.sections, s.f.audioSlots, s.f.videoSlots)
	if bad != nil {
		return bad
	}
	pc, first := s.pc.Load(), false
	if pc == nil {
		var err error
		if pc, err = s.newPeerConnection(); err != nil {
			s.log.Error("no PeerConnection", "error", err)
			return protocol.Errorf(protocol.ServerError, protocol.TypeSDPOffer, "the SFU cannot take a session now")
		}
		first = true
	}
	n, err := s.answer(pc, p)
	if err != nil {
		s.log.Info("an offer was not answered", "error", err)
		if first {
			_ = pc.GracefulClose()
		} else {
			_ = pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeRollback})
		}
		return badSDP("the offer cannot be answered: %v", err)
	}
	s.sections = p.sections
	s.mu.Lock()
	for _, u := range n.uplinks {
		s.uplinks[u.mid] = u
	}
	for _, sec := range p.sections {
		if u := s.uplinks[sec.mid]; u != nil {
			u.offered.Store(sec.sends)
		}
	}
	s.media.setRoutes(p.sections, s.uplinks)
	s.mu.Unlock()
	if first {
		s.pc.Store(pc)
	}
	deliver(n.sdp)
	s.setOff(p.sections)
	s.room.add(s, n.uplinks, n.slots)
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

// negotiated is what an answered offer brought.
type negotiated struct {
	sdp     string
	uplinks []*uplink
	slots   []*slot
}

func (s *session) answer(pc *webrtc.PeerConnection, p *plan) (*negotiated, error) {
	n := &negotiated{}
	for i, sec := range p.sections {
		if i < len(s.sections) {
			continue
		}
		if !sec.slot {
			u := newUplink(s, sec)
			u.subs.Store(new([]*slot))
			n.uplinks = append(n.uplinks, u)
			continue
		}
		// In the offer's order and before SetRemoteDescription: that is how Pion matches them to the sections.
		t := newSlot(s, sec)
		if _, err := pc.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
			return nil, fmt.Errorf("slot %s: %w", sec.mid, err)
		}
		n.slots = append(n.slots, t)
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: p.sdp}); err != nil {
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
	n.sdp, err = finishAnswer(pc.LocalDescription().SDP, p.sections)
	return n, err
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

// setOff stops or resumes the slots that a further offer made inactive or recvonly.
func (s *session) setOff(sections []section) {
	off := make(map[string]bool, len(sections))
	for _, sec := range sections {
		off[sec.mid] = sec.off
	}
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	for _, t := range s.member.order {
		t.mu.Lock()
		t.off = off[t.mid]
		t.mu.Unlock()
	}
}
