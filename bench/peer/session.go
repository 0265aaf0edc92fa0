package peer

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/pion/webrtc/v4"
)

// session is this peer's session with the SFU, from PROMOTE_TO_SFU to the end of the link. All fields are owned by Peer.run.
type session struct {
	promote promotePayload
	ctx     context.Context // ends the dialling
	cancel  context.CancelFunc
	link    *socket
	pc      *webrtc.PeerConnection
	camera  *webrtc.RTPTransceiver // nil: it has no layers
	id      string                 // of the session, to take it over on another link
	relay   bool
	again   bool // this is the second try, with the relay

	inlets    map[string]*inlet // downlink slots by mid
	slots     []Slot            // as SLOTS has them; nil: none came yet
	delivered map[string]uuid.UUID
	early     []webrtc.ICECandidateInit
	answered  bool
	connected bool
	reported  bool // SFU_CONNECTED was sent
	left      bool // SFU_DISCONNECTED manual was sent: the SFU ends the session when the last member has left
	relinked  bool
	timer     *time.Timer
	local     string
	remote    string
}

const (
	linkTimeout = 10 * time.Second
	// releaseTimeout is when a session that was left is ended from here: the SFU forwards 10 s at most after a demotion.
	releaseTimeout = 12 * time.Second
	// closeReleased is the code of a session that ended because the zone left the SFU.
	closeReleased = 1000
)

func (s *session) stop() {
	s.cancel()
	if s.timer != nil {
		s.timer.Stop()
	}
}

// promoted begins a session, or begins it anew. Peer-to-peer media goes on (make before break).
func (p *Peer) promoted(m promotePayload) {
	if m.Zone != p.zone.ID {
		return
	}
	p.event(Event{Type: EventPromote})
	if s := p.session; s != nil && s.connected && !s.left {
		// The server has not heard of it, or what it heard is out of date: say it again.
		if s.reported {
			p.send(typeSFUConnected, sfuConnectedPayload{Zone: p.zone.ID})
		}
		return
	}
	p.begin(m, len(p.troubled) > 0 || p.opts.ForceRelay, false)
}

func (p *Peer) begin(m promotePayload, relay, again bool) {
	p.endSession("begun anew")
	s := &session{promote: m, relay: relay, again: again, delivered: make(map[string]uuid.UUID)}
	s.ctx, s.cancel = context.WithTimeout(p.ctx, linkTimeout)
	p.session = s
	p.dialLink(s)
	s.timer = p.after(p.opts.ICEPatience, func() {
		if p.session != s || s.connected {
			return
		}
		if !s.again && p.turn != nil {
			p.begin(s.promote, true, true) // the token may be shown again; this time the relay helps
			return
		}
		s.timer = p.after(linkTimeout-p.opts.ICEPatience, func() {
			if p.session == s && !s.connected {
				p.sessionFailed(s, "no connection to the SFU in time")
			}
		})
	})
}

// offerSFU makes the one offer of the link: microphone, camera, and the slots.
func (p *Peer) offerSFU(s *session, audio, video int) error {
	pc, err := p.api.NewPeerConnection(p.configuration(s.relay))
	if err != nil {
		return fmt.Errorf("peer: connection to the SFU: %w", err)
	}
	s.pc = pc
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		p.post(func() { p.sessionState(s, state) })
	})
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		msg := candidatePayload{To: "sfu"}
		if c != nil {
			init := c.ToJSON()
			msg.Candidate = &init
		}
		p.post(func() {
			if p.session == s {
				p.linkSend(s, typeICECandidate, msg)
			}
		})
	})
	sendonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
	recvonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	inactive := make(map[int]bool) // sections to be offered inactive
	for i, kind := range []Kind{Audio, Video} {
		if (kind == Audio && p.opts.Muted) || (kind == Video && p.opts.NoCamera) {
			inactive[i] = true
			codec := webrtc.RTPCodecTypeAudio
			if kind == Video {
				codec = webrtc.RTPCodecTypeVideo
			}
			if _, err := pc.AddTransceiverFromKind(codec, sendonly); err != nil {
				return fmt.Errorf("peer: add %s: %w", kind, err)
			}
			continue
		}
		if kind == Video && len(p.layers) > 0 {
			if s.camera, err = p.addLayers(pc); err != nil {
				return err
			}
			continue
		}
		t, err := pc.AddTransceiverFromTrack(p.tracks[kind], sendonly)
		if err != nil {
			return fmt.Errorf("peer: add %s: %w", kind, err)
		}
		p.watch(t.Sender(), WaySFU, uuid.Nil, kind)
	}
	for i := range audio + video {
		codec := webrtc.RTPCodecTypeAudio
		if i >= audio {
			codec = webrtc.RTPCodecTypeVideo
		}
		if _, err := pc.AddTransceiverFromKind(codec, recvonly); err != nil {
			return fmt.Errorf("peer: add slot %d: %w", i, err)
		}
	}
	desc, err := pc.CreateOffer(nil)
	if err != nil {
		return fmt.Errorf("peer: offer to the SFU: %w", err)
	}
	// The mids are given by CreateOffer. Which inlet a track belongs to is read by its transceiver's.
	s.inlets = make(map[string]*inlet)
	told := func(in *inlet) { p.post(func() { p.slotDelivered(s, in) }) }
	for i, t := range pc.GetTransceivers() {
		if i < 2 {
			continue
		}
		kind := Audio
		if t.Kind() == webrtc.RTPCodecTypeVideo {
			kind = Video
		}
		in := newInlet(kind, WaySFU, t.Mid(), uuid.Nil, told)
		in.armed.Store(false)
		s.inlets[t.Mid()] = in
	}
	inlets := s.inlets
	pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		for _, t := range pc.GetTransceivers() {
			if t.Receiver() == receiver && inlets[t.Mid()] != nil {
				p.receive(pc, track, receiver, inlets[t.Mid()])
				return
			}
		}
	})
	if err := pc.SetLocalDescription(desc); err != nil {
		return fmt.Errorf("peer: offer to the SFU: %w", err)
	}
	p.linkSend(s, typeSDPOffer, sdpPayload{To: "sfu", SDP: encodeSDP(inactivate(desc.SDP, inactive))})
	return nil
}

// inactivate offers sections as inactive. Pion has no transceiver that begins so; it sees them as sendonly, and the answer
// that calls them inactive is good for both.
func inactivate(sdp string, sections map[int]bool) string {
	if len(sections) == 0 {
		return sdp
	}
	var out []string
	section := -1
	for line := range strings.SplitSeq(strings.TrimSuffix(sdp, "\r\n"), "\r\n") {
		if strings.HasPrefix(line, "m=") {
			section++
		}
		if sections[section] {
			if strings.HasPrefix(line, "a=ssrc") || strings.HasPrefix(line, "a=msid:") {
				continue
			}
			if line == "a=sendonly" {
				line = "a=inactive"
			}
		}
		out = append(out, line)
	}
	return strings.Join(out, "\r\n") + "\r\n"
}

func (p *Peer) answeredSFU(s *session, m sdpPayload) error {
	if s.pc == nil || s.answered {
		return nil
	}
	sdp, err := decodeSDP(m.SDP)
	if err != nil {
		return err
	}
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
		return fmt.Errorf("peer: answer of the SFU: %w", err)
	}
	s.answered = true
	p.openLayers(s.camera)
	for _, c := range s.early {
		if err := s.pc.AddICECandidate(c); err != nil {
			return fmt.Errorf("peer: candidate of the SFU: %w", err)
		}
	}
	s.early = nil
	return nil
}

// slotted takes a SLOTS: the whole list, each time. A slot that was given to another member has to deliver again.
func (p *Peer) slotted(s *session, m slotsPayload) {
	slots := make([]Slot, 0, len(m.Slots))
	for _, x := range m.Slots {
		in := s.inlets[x.Mid]
		if in == nil {
			p.fault("SLOTS", fmt.Errorf("peer: the SFU names a slot %q that was not offered", x.Mid))
			continue
		}
		slot := Slot{Mid: x.Mid, Kind: in.kind, Active: x.Active}
		if x.User != nil {
			slot.User = *x.User
		}
		if x.Source != nil {
			slot.Source = *x.Source
		}
		slots = append(slots, slot)
		if slot.User != *in.from.Load() {
			in.from.Store(&slot.User)
			delete(s.delivered, x.Mid)
			in.armed.Store(slot.User != uuid.Nil)
		}
	}
	s.slots = slots
	p.checkPromotion()
	p.checkDemotion()
}

func (p *Peer) slotDelivered(s *session, in *inlet) {
	user := *in.from.Load()
	if p.session != s || user == uuid.Nil {
		return
	}
	s.delivered[in.mid] = user
	p.event(Event{Type: EventDelivered, User: user, Kind: in.kind, Way: WaySFU})
	p.checkPromotion()
}

// delivers says whether every active slot (of a member; uuid.Nil: of all) has delivered.
func (s *session) delivers(user uuid.UUID) bool {
	for _, slot := range s.slots {
		if slot.Active && slot.User != uuid.Nil && (user == uuid.Nil || slot.User == user) && s.delivered[slot.Mid] != slot.User {
			return false
		}
	}
	return true
}

func (p *Peer) sessionState(s *session, state webrtc.PeerConnectionState) {
	if p.session != s {
		return
	}
	switch state {
	case webrtc.PeerConnectionStateConnected:
		s.connected = true
		s.timer.Stop()
		s.local, s.remote = candidates(s.pc)
		p.event(Event{Type: EventSFUUp, Local: s.local, Remote: s.remote})
		p.checkPromotion()
	case webrtc.PeerConnectionStateFailed:
		p.sessionFailed(s, "the connection to the SFU failed")
	case webrtc.PeerConnectionStateClosed:
		if !s.left {
			// The link usually says why in the same moment; give it that long.
			p.after(500*time.Millisecond, func() {
				if p.session == s {
					p.sessionFailed(s, "the SFU closed the connection")
				}
			})
		}
	}
}

// sessionFailed tells the server, which answers with a fresh PROMOTE_TO_SFU when it is time.
func (p *Peer) sessionFailed(s *session, why string) {
	if p.session != s {
		return
	}
	p.endSession(why)
	p.send(typeSFUDisconnected, sfuDisconnectedPayload{Zone: s.promote.Zone, Reason: "error"})
	p.event(Event{Type: EventSFUDisconnected, Reason: "error: " + why})
}

// endSession closes link and connection.
func (p *Peer) endSession(why string) {
	s := p.session
	if s == nil {
		return
	}
	p.session = nil
	s.stop()
	if s.link != nil {
		p.hangUp(s.link)
	}
	if s.pc != nil {
		p.release(s.pc)
	}
	p.event(Event{Type: EventSFUClosed, Reason: why})
}
