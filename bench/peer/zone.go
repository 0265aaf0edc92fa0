package peer

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

const (
	// settleTimeout is how long peer-to-peer connections may outlive the commit of a promotion.
	settleTimeout = 2 * time.Second
	// credentialsPatience is how long an arriver in a zone that needs the relay waits for TURN_CREDENTIALS, which the server
	// sends right behind WORLD_STATE.
	credentialsPatience = 500 * time.Millisecond
)

// receiveMessage handles a message of the signaling server.
func (p *Peer) receiveMessage(e envelope) {
	if err := p.dispatch(e); err != nil {
		p.fault(e.Type, err)
	}
}

func (p *Peer) dispatch(e envelope) error {
	switch e.Type {
	case typeConnected:
		m, err := decode[connectedPayload](e)
		if err != nil {
			return err
		}
		first := !p.connected
		p.user, p.connected, p.stun = m.User, true, m.STUN
		if first {
			p.event(Event{Type: EventJoining})
			p.send(typeJoinWorld, joinWorldPayload{World: p.world})
		}
	case typeWorldState:
		m, err := decode[worldStatePayload](e)
		if err != nil {
			return err
		}
		p.entered(m.Zone, m.Topology, m.Peers, m.Position)
	case typeZoneTransitioned:
		m, err := decode[zoneTransitionedPayload](e)
		if err != nil {
			return err
		}
		p.entered(m.Zone, m.Topology, m.Snapshot, m.Position)
	case typePeerJoined:
		m, err := decode[peerJoinedPayload](e)
		if err != nil {
			return err
		}
		p.welcome(m.User)
		p.event(Event{Type: EventPeerJoined, User: m.User.ID, Members: len(p.users) + 1})
		p.checkDemotion()
	case typePeerLeft:
		m, err := decode[peerLeftPayload](e)
		if err != nil {
			return err
		}
		p.dropPair(m.User, "left")
		delete(p.users, m.User)
		delete(p.troubled, m.User)
		p.order = slices.DeleteFunc(p.order, func(id uuid.UUID) bool { return id == m.User })
		p.event(Event{Type: EventPeerLeft, User: m.User, Members: len(p.users) + 1})
		p.checkDemotion()
	case typeSDPOffer:
		m, err := decode[sdpPayload](e)
		if err != nil {
			return err
		}
		p.offered(m)
	case typeSDPAnswer:
		m, err := decode[sdpPayload](e)
		if err != nil {
			return err
		}
		p.answered(m)
	case typeICECandidate:
		m, err := decode[candidatePayload](e)
		if err != nil {
			return err
		}
		p.trickled(m)
	case typeTURNCredentials:
		m, err := decode[turnCredentialsPayload](e)
		if err != nil {
			return err
		}
		p.credentials(m)
	case typePromoteToSFU:
		m, err := decode[promotePayload](e)
		if err != nil {
			return err
		}
		p.promoted(m)
	case typeTopologyChanged:
		m, err := decode[topologyChangedPayload](e)
		if err != nil {
			return err
		}
		p.topologyChanged(m)
	case typePositionCorrection:
		m, err := decode[struct {
			Position Position `json:"correct_position"`
			Reason   string   `json:"reason"`
		}](e)
		if err != nil {
			return err
		}
		p.position = m.Position
		p.event(Event{Type: EventCorrected, Reason: m.Reason})
	case typeError:
		m, err := decode[ServerError](e)
		if err != nil {
			return err
		}
		if !p.joined {
			p.lost = &m // it ends the attempt to get in
		}
		return &m
	}
	return nil // unknown messages and presence are none of this client's business
}

// entered: this peer stands in a zone, new to it or the one it was in.
func (p *Peer) entered(z Zone, t Topology, others []User, at *Position) {
	resumed := p.joined && p.zone.ID == z.ID
	if !resumed {
		for _, user := range slices.Clone(p.order) {
			p.dropPair(user, "left the zone")
		}
		p.endSession("left the zone")
		p.turn = nil
		p.settling, p.demoting = false, false
		clear(p.troubled)
	}
	p.joined, p.zone, p.topology, p.epoch = true, z, t, 0
	if at != nil {
		p.position = *at
	}
	was := p.users
	p.users, p.order = make(map[uuid.UUID]User, len(others)), nil
	for _, u := range others {
		p.welcome(u)
	}
	for user := range was {
		if _, still := p.users[user]; !still {
			p.dropPair(user, "left")
		}
	}
	p.newcomer = t == SFU
	p.event(Event{Type: EventJoined, Topology: t, Members: len(p.users) + 1})
	switch {
	case t == SFU || len(p.order) == 0:
	case t == Relay:
		p.offering = p.after(credentialsPatience, func() {
			p.offering = nil
			if p.peerToPeer() {
				p.offerAll()
			}
		})
	default:
		p.offerAll()
	}
}

func (p *Peer) welcome(u User) {
	if u.ID == p.user.ID {
		return
	}
	if _, known := p.users[u.ID]; !known {
		p.order = append(p.order, u.ID)
	}
	p.users[u.ID] = u
}

// topologyChanged follows a commit, a roll-back, or the announcement of a demotion.
func (p *Peer) topologyChanged(m topologyChangedPayload) {
	if m.Zone != p.zone.ID {
		return
	}
	from := p.topology
	p.topology, p.epoch = m.Topology, m.Epoch
	p.event(Event{Type: EventTopology, Topology: m.Topology, Epoch: m.Epoch, Reason: m.Reason})
	switch {
	case m.Topology == SFU:
		// Committed; or a demotion was called off, and nobody has left the SFU.
		p.demoting = false
		if p.session != nil {
			p.session.left = false
		}
		p.settle()
	case m.Reason == "rolled_back":
		p.settling = false
		p.leaveSession()
		if p.newcomer {
			p.newcomer = false
			p.offerAll()
		}
	case from == SFU:
		p.demote()
	}
}

// settle closes the peer-to-peer connections, each when the SFU has taken over from it, all when the time is over.
func (p *Peer) settle() {
	p.settling = len(p.pairs) > 0
	if !p.settling {
		return
	}
	p.after(settleTimeout, func() {
		if !p.settling || p.topology != SFU {
			return
		}
		for _, user := range slices.Clone(p.order) {
			p.dropPair(user, "the SFU has not taken over in time")
		}
		p.settling = false
	})
	p.checkPromotion()
}

// checkPromotion reports SFU_CONNECTED when the SFU delivers to this member, and goes on settling.
func (p *Peer) checkPromotion() {
	s := p.session
	if s == nil || !s.connected {
		return
	}
	if !s.reported && s.slots != nil && s.delivers(uuid.Nil) {
		s.reported = true
		p.send(typeSFUConnected, sfuConnectedPayload{Zone: s.promote.Zone})
		p.event(Event{Type: EventSFUReported})
	}
	if !p.settling {
		return
	}
	for _, user := range slices.Clone(p.order) {
		if pr := p.pairs[user]; pr != nil && s.replaces(pr) {
			p.dropPair(user, "the SFU has taken over")
		}
	}
	p.settling = len(p.pairs) > 0
}

// replaces says whether all that comes from a pair comes from the SFU: its active slots have delivered, and for each
// kind that the pair has delivered there is such a slot.
func (s *session) replaces(pr *pair) bool {
	if !s.delivers(pr.user) {
		return false
	}
	for kind, got := range pr.got {
		if got && !slices.ContainsFunc(s.slots, func(x Slot) bool {
			return x.User == pr.user && x.Kind == Kind(kind) && s.delivered[x.Mid] == pr.user
		}) {
			return false
		}
	}
	return true
}

// demote builds the pairs; the lower user id offers.
func (p *Peer) demote() {
	p.demoting, p.settling, p.newcomer = true, false, false
	for _, user := range p.order {
		if pr := p.pairs[user]; pr != nil && pr.connected {
			continue
		}
		if before(p.user.ID, user) {
			p.offer(user)
		}
	}
	p.checkDemotion()
}

// checkDemotion leaves the SFU once every other member is reached, and heard and seen as it was by the SFU.
func (p *Peer) checkDemotion() {
	if !p.demoting {
		return
	}
	for user := range p.users {
		pr := p.pairs[user]
		if pr == nil || !pr.connected {
			return
		}
		if p.session == nil {
			continue
		}
		for _, slot := range p.session.slots {
			if slot.Active && slot.User == user && !pr.got[slot.Kind] {
				return
			}
		}
	}
	p.demoting = false
	p.send(typeSFUDisconnected, sfuDisconnectedPayload{Zone: p.zone.ID, Reason: "manual"})
	p.event(Event{Type: EventSFUDisconnected, Reason: "manual"})
	p.leaveSession()
}

// leaveSession keeps the session until the SFU ends it, for others may still be listening by it.
func (p *Peer) leaveSession() {
	s := p.session
	if s == nil {
		return
	}
	s.left = true
	s.timer.Stop()
	s.timer = p.after(releaseTimeout, func() {
		if p.session == s && s.left {
			p.endSession("the SFU did not end it in time")
		}
	})
}

func (p *Peer) pairDelivered(pr *pair, kind Kind) {
	if p.pairs[pr.user] != pr {
		return
	}
	pr.got[kind] = true
	p.event(Event{Type: EventDelivered, User: pr.user, Kind: kind, Way: WayP2P})
	p.checkDemotion()
}

// signalLost: the connection to the server is over, and so is this peer but for its media.
func (p *Peer) signalLost(err error) {
	if p.lost == nil {
		p.lost = fmt.Errorf("peer: connection to the server: %w", err)
	}
	p.event(Event{Type: EventLost, Reason: err.Error()})
}
