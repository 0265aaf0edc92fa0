package signaling

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// Muter is who enforces a mute where the server carries the media: the SFU. It is called with Server.mu held, so it
// must neither block nor call the server. What it is told holds until it is told otherwise; it is told at each
// change, and when a muted user enters and leaves a zone.
type Muter interface {
	Mute(zone, user uuid.UUID, muted bool)
}

// target makes the checks that all moderation shares, in their order: the moderator's role, that the target is
// someone else in the same world, and that it is not of a higher role.
func (s *session) target(m *member, user uuid.UUID, roles ...space.Role) (*member, *protocol.Error) {
	if !slices.Contains(roles, m.place.Role) {
		return nil, protocol.Errorf(protocol.PermissionDenied, "", "your role (%s) may not do this", m.place.Role).With("reason", "role")
	}
	t := s.srv.members[user]
	if t == nil || t == m || t.world != m.world {
		return nil, protocol.Errorf(protocol.InvalidRequest, "", `"target_user_id" must be someone else in your world`).With("field", "target_user_id")
	}
	if t.place.Role.Rank() > m.place.Role.Rank() {
		return nil, protocol.Errorf(protocol.PermissionDenied, "", "%s is above your role", t.place.Role).With("reason", "rank")
	}
	return t, nil
}

// mute is a mute that is in force, by user in world.mutes; it outlives the user's leaving. Its timer ends it.
type mute struct {
	until time.Time
	timer *time.Timer
}

// muteUser handles MUTE_USER.
func (s *session) muteUser(m *member, msg protocol.Message) *protocol.Error {
	r := msg.(*protocol.MuteUser)
	t, e := s.target(m, r.TargetUserID, space.Admin, space.Editor)
	if e != nil {
		return e
	}
	srv, w := s.srv, m.world
	if old := w.mutes[t.user]; old != nil {
		old.timer.Stop()
		delete(w.mutes, t.user)
	}
	if d := time.Duration(r.Duration * float64(time.Second)); d > 0 {
		mu := &mute{until: srv.opt.Now().Add(d)}
		w.mutes[t.user] = mu
		mu.timer = time.AfterFunc(d, func() {
			srv.mu.Lock()
			defer srv.mu.Unlock()
			if w.mutes[t.user] == mu { // else it was lifted, or replaced by another
				delete(w.mutes, t.user)
				srv.muteChanged(w, t.user)
			}
		})
	}
	srv.muteChanged(w, t.user)
	s.logger.Info("muted", "by", m.user, "user", t.user, "seconds", r.Duration)
	return nil
}

// muteChanged enforces a mute or its end, and tells the user's zone, the user too.
func (s *Server) muteChanged(w *world, user uuid.UUID) {
	m := s.members[user]
	if m == nil || m.world != w {
		return // it is told, and enforced, when the user comes back
	}
	if s.opt.Muter != nil {
		s.opt.Muter.Mute(m.zone().ID, user, w.mutes[user] != nil)
	}
	s.tellMute(s.inZone(w, m.zone()), w, user)
}

// muteMoves takes a mute that is in force into the zone that its user just entered.
func (s *Server) muteMoves(m *member, others []*member) {
	if m.world.mutes[m.user] == nil {
		return
	}
	if s.opt.Muter != nil {
		s.opt.Muter.Mute(m.zone().ID, m.user, true)
	}
	s.tellMute(others, m.world, m.user)
}

// muteStays lifts a mute in the zone that its user just left, where nobody would lift it later.
func (s *Server) muteStays(w *world, zone, user uuid.UUID) {
	if w.mutes[user] != nil && s.opt.Muter != nil {
		s.opt.Muter.Mute(zone, user, false)
	}
}

func (s *Server) tellMute(to []*member, w *world, user uuid.UUID) {
	knowing := make([]*member, 0, len(to))
	for _, o := range to {
		if o.session != nil && o.session.features.Load().userMuted {
			knowing = append(knowing, o)
		}
	}
	s.tell(knowing, protocol.TypeUserMuted, w.muted(user))
}

func (w *world) muted(user uuid.UUID) protocol.UserMuted {
	u := protocol.UserMuted{UserID: user}
	if mu := w.mutes[user]; mu != nil {
		until := mu.until.UTC().Format(time.RFC3339)
		u.Until = &until
	}
	return u
}

// sendMutes tells who arrives which of the zone's members, itself included, are muted.
func (s *session) sendMutes(m *member, others []*member) {
	if len(m.world.mutes) == 0 || !s.features.Load().userMuted {
		return
	}
	for _, o := range append([]*member{m}, others...) {
		if m.world.mutes[o.user] != nil {
			s.send(protocol.TypeUserMuted, m.world.muted(o.user))
		}
	}
}

// removeFromZone handles REMOVE_FROM_ZONE: the target goes to the spawn zone and may not return for a while.
func (s *session) removeFromZone(m *member, msg protocol.Message) *protocol.Error {
	r := msg.(*protocol.RemoveFromZone)
	t, e := s.target(m, r.TargetUserID, space.Admin)
	if e != nil {
		return e
	}
	from, left := t.zone().ID, s.srv.others(t)
	if _, err := t.world.live.Remove(t.user, r.ZoneID, s.srv.opt.Now()); err != nil {
		return refusal(err)
	}
	s.logger.Info("removed from a zone", "by", m.user, "user", t.user, "zone", from)
	s.srv.moved(t, from, left)
	return nil
}

// kickFromWorld handles KICK_FROM_WORLD: the target is out at once, without a grace, and stays out for a while.
func (s *session) kickFromWorld(m *member, msg protocol.Message) *protocol.Error {
	r := msg.(*protocol.KickFromWorld)
	t, e := s.target(m, r.TargetUserID, space.Admin)
	if e != nil {
		return e
	}
	if r.WorldID != m.world.live.Map().ID {
		return protocol.Errorf(protocol.InvalidRequest, "", `"world_id" must be the world that you are both in`).With("field", "world_id")
	}
	if t.session != nil {
		t.session.sendError(protocol.Errorf(protocol.PermissionDenied, "", "you were kicked from this world").With("action", protocol.TypeKickFromWorld))
		t.session.conn.Close(protocol.CloseKicked, "kicked from the world")
	}
	s.srv.leave(t)
	m.world.live.Kick(t.user, s.srv.opt.Now())
	s.logger.Info("kicked from the world", "by", m.user, "user", t.user)
	return nil
}
