package signaling

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
	"atrium/topology"
)

// member is a user's place in a world. It outlives its connection by the grace. Guarded by Server.mu.
type member struct {
	// Static after construction.
	user  uuid.UUID
	world *world
	place *space.Member

	session *session // nil: in grace
	knows   bool     // its newest connection listed topology_changed
	grace   *time.Timer
	kept    kept
	dirty   bool // in world.dirty
	entry   int  // of the tick that is being told; while dirty
	redrawn bool // the world was drawn anew while it was in grace
	gone    bool

	reporting bool // a report to the controller is put off
}

func (m *member) zone() *space.Zone { return m.place.Zone }

func (m *member) wireUser() protocol.User {
	p := m.place
	return protocol.User{UserID: p.User, WorkspaceID: p.Workspace, DisplayName: p.Name, AvatarID: p.Avatar}
}

func (m *member) position() protocol.Position {
	return protocol.Position{X: m.place.Pose.X, Y: m.place.Pose.Y}
}

func (m *member) stopGrace() {
	if m.grace != nil {
		m.grace.Stop()
		m.grace = nil
	}
}

// kept are the messages of others to a member in its grace, by sender.
type kept struct {
	frames map[uuid.UUID][]keptFrame
	order  uint64 // of arrival over all senders
	bytes  int
}

type keptFrame struct {
	order uint64
	typ   string
	frame []byte
}

// Bounds of what is kept. Over them the newest is dropped: an offer comes before its candidates.
const (
	keptPerSender = 64
	keptBytes     = 4 << 20
)

func topologyZone(z *space.Zone) topology.Zone { return topology.Zone{ID: z.ID, Type: string(z.Type)} }

func wireZone(z *space.Zone) protocol.Zone {
	return protocol.Zone{ZoneID: z.ID, ZoneType: protocol.ZoneType(z.Type), WorldID: z.World}
}

// inZone gives the members of a zone in the order of their arrival.
func (s *Server) inZone(w *world, z *space.Zone) []*member {
	places := w.live.InZone(z.ID)
	members := make([]*member, 0, len(places))
	for _, p := range places {
		if m := s.members[p.User]; m != nil {
			members = append(members, m)
		}
	}
	return members
}

// others gives who else is in a member's zone.
func (s *Server) others(m *member) []*member {
	all := s.inZone(m.world, m.zone())
	for i, o := range all {
		if o == m {
			return append(all[:i], all[i+1:]...)
		}
	}
	return all
}

// tell sends one frame to many.
func (s *Server) tell(to []*member, typ string, payload any) {
	if len(to) == 0 {
		return
	}
	frame := protocol.MustEncode(typ, payload)
	for _, m := range to {
		if m.session != nil {
			m.session.sendFrame(typ, frame)
		}
	}
}

// joinWorld handles JOIN_WORLD.
func (s *session) joinWorld(msg *protocol.JoinWorld) *protocol.Error {
	srv := s.srv
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.current[s.claims.User] != s || srv.draining {
		return nil // replaced, or everyone leaves: it is being closed
	}
	w, ok := srv.worlds[msg.WorldID]
	if !ok {
		return protocol.Errorf(protocol.WorldNotFound, "", "there is no world %s", msg.WorldID).With("field", "world_id")
	}
	if !s.claims.MayJoin(w.live.Map()) {
		return protocol.Errorf(protocol.PermissionDenied, "", "the token does not open this world").With("field", "world_id")
	}
	m := srv.members[s.claims.User]
	if m != nil && m.world == w {
		srv.resume(m, s)
		return nil
	}
	place, err := w.live.Join(identityOf(s.claims), srv.opt.Now())
	if err != nil {
		return refusal(err)
	}
	if m != nil {
		srv.leave(m)
	}
	srv.join(&member{user: s.claims.User, world: w, place: place, session: s})
	return nil
}

// join tells everyone concerned of a member that just came into a world.
func (s *Server) join(m *member) {
	s.members[m.user] = m
	s.metrics.members.Inc()
	others := s.others(m)
	s.tell(others, protocol.TypePeerJoined, protocol.PeerJoined{User: m.wireUser(), Position: m.position()})
	s.muteMoves(m, others)
	s.opt.Controller.Join(topologyZone(m.zone()), m.topologyMember(), func(v topology.View) { s.welcome(m, others, v) })
}

// resume gives a member its place again, by a new connection or by the same one.
func (s *Server) resume(m *member, sess *session) {
	m.stopGrace()
	m.session = sess
	m.world.live.Resume(m.user)
	if _, err := m.world.live.Join(identityOf(sess.claims), s.opt.Now()); err != nil { // who is in only gets its identity renewed
		s.logger.Warn("identity not renewed", "user", m.user, "err", err)
	}
	sess.conn.ClearPresence()
	others := s.others(m)
	s.opt.Controller.Resume(topologyZone(m.zone()), m.topologyMember(), func(v topology.View) { s.welcome(m, others, v) })
	// After the credentials that the controller sent, which the offers among these may need.
	for _, k := range m.kept.take() {
		sess.sendFrame(k.typ, k.frame)
	}
}

// welcome sends WORLD_STATE and what follows from it. It runs within the controller's Join or Resume, before any
// effect; only now the effects find the connection.
func (s *Server) welcome(m *member, others []*member, v topology.View) {
	snapshot := snapshotOf(others)
	peers := make([]protocol.User, len(snapshot))
	for i, p := range snapshot {
		peers[i] = p.User
	}
	occupied := m.world.occupied(m.zone())
	sess := m.session
	sess.send(protocol.TypeWorldState, protocol.WorldState{
		WorldID: m.world.live.Map().ID, CurrentZone: wireZone(m.zone()),
		MediaTopology: protocol.MediaTopology(v.Media.String()),
		Peers:         peers, Position: m.position(), PresenceSnapshot: snapshot, Objects: occupied,
	})
	sess.sendSnapshot(snapshot)
	sess.sendOccupied(occupied)
	sess.sendMutes(m, others)
	if m.redrawn {
		m.redrawn = false
		sess.sendWorldChanged(m.world)
	}
	s.registry.set(m.user, sess)
}

func snapshotOf(members []*member) []protocol.PeerPresence {
	list := make([]protocol.PeerPresence, len(members))
	for i, o := range members {
		list[i] = protocol.PeerPresence{
			User: o.wireUser(), Position: o.position(),
			Facing: protocol.Facing(o.place.Pose.Facing), State: protocol.State(o.place.Pose.State),
		}
	}
	return list
}

// sendSnapshot tells where the others are to a client that knows no presence_snapshot. These frames keep their
// order behind WORLD_STATE, as one entry of the queue.
func (s *session) sendSnapshot(snapshot []protocol.PeerPresence) {
	if len(snapshot) == 0 {
		return
	}
	updates := make([]protocol.PresenceBroadcast, len(snapshot))
	for i, p := range snapshot {
		updates[i] = protocol.PresenceBroadcast{UserID: p.UserID, Position: p.Position, Facing: p.Facing, State: p.State}
	}
	if s.features.Load().presenceBatch {
		s.send(protocol.TypePresenceBatch, protocol.PresenceBatch{Updates: updates})
		return
	}
	frames := make([][]byte, len(updates))
	for i, u := range updates {
		frames[i] = protocol.MustEncode(protocol.TypePresenceBroadcast, u)
	}
	s.srv.metrics.out.of(protocol.TypePresenceBroadcast).Add(float64(len(frames)))
	s.noteSend(s.conn.SendAll(frames))
}

func (m *member) topologyMember() topology.Member {
	if m.session != nil {
		m.knows = m.session.features.Load().topologyChanged
	}
	return topology.Member{ID: m.user, TopologyChanged: m.knows}
}

// detach parts a session from its member, which goes into its grace: the place stays, the peers see nothing.
func (s *Server) detach(sess *session) {
	if sess.claims == nil {
		return
	}
	m := s.members[sess.claims.User]
	if m == nil || m.session != sess {
		return
	}
	m.session = nil
	s.registry.remove(m.user)
	if s.draining {
		return
	}
	s.opt.Controller.Lost(m.zone().ID, m.user)
	s.startGrace(m)
}

// startGrace lets a member without a connection keep its place for a while.
func (s *Server) startGrace(m *member) {
	m.stopGrace()
	var t *time.Timer
	t = time.AfterFunc(s.opt.Grace, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if m.grace == t { // else it was resumed, or given a longer one, meanwhile
			s.leave(m)
		}
	})
	m.grace = t
}

// leave takes a member out of its world.
func (s *Server) leave(m *member) {
	if m.gone {
		return
	}
	others := s.others(m)
	s.departed(m, m.world.live.Leave(m.user), others)
}

// departed tells everyone concerned of a member that is out of its world.
func (s *Server) departed(m *member, d space.Departure, others []*member) {
	m.stopGrace()
	m.gone = true
	delete(s.members, m.user)
	s.registry.remove(m.user)
	s.metrics.members.Dec()
	if m.session != nil {
		m.session.conn.ClearPresence()
		m.session = nil
	}
	s.released(others, d.Released...)
	s.left(others, m.user)
	s.opt.Controller.Leave(d.Zone.ID, m.user)
	s.muteStays(m.world, d.Zone.ID, m.user)
}

// left tells a zone that a user is gone from it, after which none of its presence may come.
func (s *Server) left(others []*member, user uuid.UUID) {
	for _, o := range others {
		o.kept.drop(user)
		if o.session != nil {
			o.session.conn.DropPresence(user)
		}
	}
	s.tell(others, protocol.TypePeerLeft, protocol.PeerLeft{UserID: user})
}

// zoneTransition handles ZONE_TRANSITION.
func (s *session) zoneTransition(m *member, msg protocol.Message) *protocol.Error {
	t := msg.(*protocol.ZoneTransition)
	left := s.srv.others(m)
	d, err := m.world.live.Transition(m.user, t.FromZoneID, t.ToZoneID, space.Point{X: t.Position.X, Y: t.Position.Y}, s.srv.opt.Now())
	if err != nil {
		var c *space.Correction
		if errors.As(err, &c) {
			s.correct(c)
			return nil
		}
		return refusal(err)
	}
	s.srv.moved(m, d, left)
	return nil
}

// moved tells everyone concerned that a member is in another zone now. Who was removed from a zone may be in its
// grace, which then goes on in the spawn zone.
func (s *Server) moved(m *member, d space.Departure, left []*member) {
	s.released(left, d.Released...)
	s.left(left, m.user)
	s.opt.Controller.Leave(d.Zone.ID, m.user)
	s.muteStays(m.world, d.Zone.ID, m.user)
	m.kept = kept{}
	if m.session != nil {
		m.session.conn.ClearPresence()
	}
	others := s.others(m)
	s.tell(others, protocol.TypePeerJoined, protocol.PeerJoined{User: m.wireUser(), Position: m.position()})
	m.touch() // PEER_JOINED says where it stands, not how
	s.muteMoves(m, others)
	s.opt.Controller.Join(topologyZone(m.zone()), m.topologyMember(), func(v topology.View) { s.transitioned(m, others, v) })
	if m.session == nil {
		s.opt.Controller.Lost(m.zone().ID, m.user)
	}
}

func (s *Server) transitioned(m *member, others []*member, v topology.View) {
	if m.session == nil {
		return
	}
	media := protocol.MediaTopology(v.Media.String())
	if media == protocol.P2PTurn && !m.session.features.Load().topologyChanged {
		media = protocol.P2PDirect // section 7.3 knows two values; TURN_CREDENTIALS follow and say the rest
	}
	snapshot := snapshotOf(others)
	m.session.send(protocol.TypeZoneTransitioned, protocol.ZoneTransitioned{
		Zone: wireZone(m.zone()), PresenceSnapshot: snapshot, MediaTopology: media, Position: m.position(),
	})
	m.session.sendSnapshot(snapshot)
	m.session.sendOccupied(m.world.occupied(m.zone()))
	m.session.sendMutes(m, others)
}
