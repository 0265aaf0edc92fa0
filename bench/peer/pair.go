package peer

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/pion/webrtc/v4"
)

// pair is the peer-to-peer connection to another member. Whenever it has to begin anew (relay, glare, the other page was
// reloaded) a new pair takes its place: a new PeerConnection has a new fingerprint, by which the other side knows.
// All fields are owned by Peer.run.
type pair struct {
	user      uuid.UUID
	pc        *webrtc.PeerConnection
	initiator bool // this side offered
	offering  bool // an offer is out, no answer has come
	relay     bool // made with TURN servers
	connected bool
	failed    bool // ICE_FAILED was sent for it
	print     string
	inlets    [2]*inlet // by Kind
	got       [2]bool   // delivered, by Kind
	early     []webrtc.ICECandidateInit
	began     time.Time
	timer     *time.Timer
	local     string // candidate types, once connected
	remote    string
}

const (
	// earlyCandidates bounds the candidates kept for a description that has not come.
	earlyCandidates = 64
	// otherSide is how long the side that answered waits for the other's new offer before it offers itself.
	otherSide = 1500 * time.Millisecond
)

func (pr *pair) stop() {
	if pr.timer != nil {
		pr.timer.Stop()
	}
}

// newPair makes the connection to a member, with this side's two tracks in it.
func (p *Peer) newPair(user uuid.UUID, initiator bool) (*pair, error) {
	p.dropPair(user, "begun anew")
	relay := p.turn != nil && (p.opts.ForceRelay || p.troubled[user] || p.topology == Relay)
	pc, err := p.api.NewPeerConnection(p.configuration(relay))
	if err != nil {
		return nil, fmt.Errorf("peer: connection to %s: %w", user, err)
	}
	pr := &pair{user: user, pc: pc, initiator: initiator, relay: relay, began: time.Now()}
	p.pairs[user] = pr
	told := func(in *inlet) { p.post(func() { p.pairDelivered(pr, in.kind) }) }
	for _, kind := range []Kind{Audio, Video} {
		pr.inlets[kind] = newInlet(kind, WayP2P, "", user, told)
		if err := p.addMedia(pc, user, kind); err != nil {
			p.dropPair(user, err.Error())
			return nil, err
		}
	}
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		msg := candidatePayload{To: user.String()}
		if c != nil {
			init := c.ToJSON()
			msg.Candidate = &init
		}
		p.post(func() {
			if p.pairs[user] == pr {
				p.send(typeICECandidate, msg)
			}
		})
	})
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		p.post(func() { p.pairState(pr, s) })
	})
	pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		kind := Audio
		if track.Kind() == webrtc.RTPCodecTypeVideo {
			kind = Video
		}
		p.receive(pc, track, receiver, pr.inlets[kind])
	})
	pr.timer = p.after(p.opts.ICEPatience, func() {
		if p.pairs[user] == pr && !pr.connected {
			p.pairFailed(pr)
		}
	})
	return pr, nil
}

// addMedia adds the section of a kind: with this peer's track, or only to receive.
func (p *Peer) addMedia(pc *webrtc.PeerConnection, user uuid.UUID, kind Kind) error {
	if (kind == Audio && p.opts.Muted) || (kind == Video && p.opts.NoCamera) {
		codec := webrtc.RTPCodecTypeAudio
		if kind == Video {
			codec = webrtc.RTPCodecTypeVideo
		}
		if _, err := pc.AddTransceiverFromKind(codec, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			return fmt.Errorf("peer: add %s: %w", kind, err)
		}
		return nil
	}
	t, err := pc.AddTransceiverFromTrack(p.tracks[kind], webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv})
	if err != nil {
		return fmt.Errorf("peer: add %s: %w", kind, err)
	}
	p.watch(t.Sender(), WayP2P, user, kind)
	return nil
}

// dropPair closes the connection to a member, if there is one.
func (p *Peer) dropPair(user uuid.UUID, why string) {
	pr := p.pairs[user]
	if pr == nil {
		return
	}
	delete(p.pairs, user)
	pr.stop()
	p.release(pr.pc)
	p.event(Event{Type: EventPairClosed, User: user, Reason: why})
}

// offer begins a connection to a member, or begins it anew.
func (p *Peer) offer(user uuid.UUID) {
	pr, err := p.newPair(user, true)
	if err != nil {
		p.fault("offer", err)
		return
	}
	desc, err := pr.pc.CreateOffer(nil)
	if err == nil {
		err = pr.pc.SetLocalDescription(desc)
	}
	if err != nil {
		p.fault("offer", err)
		p.dropPair(user, "no offer could be made")
		return
	}
	pr.offering = true
	p.send(typeSDPOffer, sdpPayload{To: user.String(), SDP: encodeSDP(desc.SDP)})
}

func (p *Peer) offered(m sdpPayload) {
	user, sdp, ok := p.negotiation(m)
	if !ok {
		return
	}
	pr := p.pairs[user]
	if pr != nil && pr.offering && before(user, p.user.ID) {
		return // two offers crossed and this side is the impolite one: its own stands
	}
	print := fingerprint(sdp)
	if pr == nil || pr.offering || pr.print != print {
		var err error
		if pr, err = p.newPair(user, false); err != nil {
			p.fault("answer", err)
			return
		}
	}
	pr.print = print
	err := pr.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp})
	var answer webrtc.SessionDescription
	if err == nil {
		answer, err = pr.pc.CreateAnswer(nil)
	}
	if err == nil {
		err = pr.pc.SetLocalDescription(answer)
	}
	if err != nil {
		p.fault("answer to "+user.String(), err)
		p.dropPair(user, "the offer could not be answered")
		return
	}
	p.send(typeSDPAnswer, sdpPayload{To: user.String(), SDP: encodeSDP(answer.SDP)})
	p.takeEarly(pr)
}

func (p *Peer) answered(m sdpPayload) {
	user, sdp, ok := p.negotiation(m)
	if !ok {
		return
	}
	pr := p.pairs[user]
	if pr == nil || !pr.offering {
		return // the answer to an offer that was given up
	}
	if err := pr.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
		p.fault("answer of "+user.String(), err)
		return
	}
	pr.offering = false
	pr.print = fingerprint(sdp)
	p.takeEarly(pr)
}

// negotiation reads who a description comes from; it must be a member of the zone.
func (p *Peer) negotiation(m sdpPayload) (user uuid.UUID, sdp string, ok bool) {
	user, err := uuid.Parse(m.From)
	if err == nil {
		if _, member := p.users[user]; !member {
			err = fmt.Errorf("peer: %s is not in the zone", user)
		}
	}
	if err == nil {
		sdp, err = decodeSDP(m.SDP)
	}
	if err != nil {
		p.fault("negotiation", err)
		return user, "", false
	}
	return user, sdp, true
}

func (p *Peer) trickled(m candidatePayload) {
	user, err := uuid.Parse(m.From)
	if err != nil {
		return
	}
	pr := p.pairs[user]
	if pr == nil || m.Candidate == nil {
		return // end of candidates: an agent that trickles needs no word of it (RFC 8838, section 8.2, lets checks go on)
	}
	if pr.pc.RemoteDescription() == nil || pr.offering {
		if len(pr.early) < earlyCandidates {
			pr.early = append(pr.early, *m.Candidate)
		}
		return
	}
	if err := pr.pc.AddICECandidate(*m.Candidate); err != nil {
		p.fault("candidate of "+user.String(), err)
	}
}

func (p *Peer) takeEarly(pr *pair) {
	for _, c := range pr.early {
		if err := pr.pc.AddICECandidate(c); err != nil {
			p.fault("candidate of "+pr.user.String(), err)
		}
	}
	pr.early = nil
}

func (p *Peer) pairState(pr *pair, s webrtc.PeerConnectionState) {
	if p.pairs[pr.user] != pr {
		return
	}
	switch s {
	case webrtc.PeerConnectionStateConnected:
		pr.stop()
		pr.connected, pr.failed = true, false
		pr.local, pr.remote = candidates(pr.pc)
		p.event(Event{Type: EventPairConnected, User: pr.user, Local: pr.local, Remote: pr.remote})
		p.checkDemotion()
	case webrtc.PeerConnectionStateFailed:
		pr.connected = false
		p.pairFailed(pr)
	case webrtc.PeerConnectionStateClosed:
		// The other side closed (DTLS close_notify): it leaves, was reloaded and offers anew, or plays the SFU already. Only if
		// it stays silent as a member of a peer-to-peer zone is there something to mend; it may be in its grace until then.
		p.dropPair(pr.user, "closed by the other side")
		p.after(2*p.opts.ICEPatience, func() {
			if _, member := p.users[pr.user]; member && p.pairs[pr.user] == nil && p.peerToPeer() {
				p.offer(pr.user)
			}
		})
	}
}

// peerToPeer: pairs are wanted, now or as the target of a change.
func (p *Peer) peerToPeer() bool { return p.topology != SFU }

// pairFailed tells the server. What to do about it comes back as TURN_CREDENTIALS or PROMOTE_TO_SFU.
func (p *Peer) pairFailed(pr *pair) {
	if !p.peerToPeer() || pr.failed {
		return
	}
	pr.failed = true
	p.troubled[pr.user] = true
	p.event(Event{Type: EventICEFailed, User: pr.user})
	p.send(typeICEFailed, iceFailedPayload{Peer: pr.user})
}

// credentials come when a pair of this member needs the relay, when the zone does, before PROMOTE_TO_SFU, and before
// older ones expire. Whatever is not connected yet begins anew with them.
func (p *Peer) credentials(c turnCredentialsPayload) {
	p.turn = &c
	p.event(Event{Type: EventCredentials, URLs: c.URLs})
	if p.offering != nil && p.offering.Stop() {
		p.offering = nil
		p.offerAll()
		return
	}
	for _, user := range p.order {
		pr := p.pairs[user]
		if pr == nil || pr.connected || (pr.relay && !pr.failed) || !p.peerToPeer() {
			continue
		}
		if !pr.failed && time.Since(pr.began) < p.opts.ICEPatience/2 {
			continue // it has only begun: these credentials are about something else
		}
		p.troubled[user] = true
		if pr.initiator {
			p.offer(user)
			continue
		}
		pr.stop()
		pr.timer = p.after(otherSide, func() {
			if p.pairs[user] == pr && !pr.connected {
				p.offer(user)
			}
		})
	}
}

// offerAll offers to every member that there is no live connection with, as whoever arrives does.
func (p *Peer) offerAll() {
	for _, user := range p.order {
		if pr := p.pairs[user]; pr == nil || !pr.connected {
			p.offer(user)
		}
	}
}

// before orders user ids: the lower one is polite, and offers at a demotion.
func before(a, b uuid.UUID) bool { return bytes.Compare(a[:], b[:]) < 0 }

// fingerprint is that of the first certificate an SDP names (RFC 8122); it tells one connection of a member from the next.
func fingerprint(sdp string) string {
	_, rest, ok := strings.Cut(sdp, "a=fingerprint:")
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.ToLower(strings.TrimSpace(line))
}
