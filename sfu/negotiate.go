package sfu

import (
	"atrium/sfu/offer"
	"atrium/signaling/protocol"
)

// offer answers an offer: the first begins the transport, a later one restarts ICE or brings more slots. deliver is
// given the answer before anything of the offer is told in SLOTS.
func (s *session) offer(raw string, deliver func(answer string)) *protocol.Error {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if !s.track(1) { // so that the end waits for this
		return protocol.Errorf(protocol.InvalidRequest, protocol.TypeSDPOffer, "the session is ending")
	}
	defer s.untrack()
	o, bad := offer.Read(raw, s.roles, offer.Limits{Audio: s.f.audioSlots, Video: s.f.videoSlots})
	if bad != nil {
		return bad
	}
	ours, bad := s.media.accept(o)
	if bad != nil {
		return bad
	}
	s.answers++
	local := &offer.Local{ID: s.number, Version: s.answers, Ufrag: ours.Ufrag, Pwd: ours.Pwd, Fingerprint: s.f.engine.print, Candidates: s.f.engine.candidates()}
	uplinks, slots := s.add(o, local)
	s.roles = o.Roles()
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
			if i >= len(s.roles) {
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
