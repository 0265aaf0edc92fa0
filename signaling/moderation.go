package signaling

import (
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

// Muter is who enforces a mute where the server carries the media: the SFU. It is called with Server.mu held, so it
// must neither block nor call the server. What it is told holds until it is told otherwise; it is told at each
// change, and when a muted user enters and leaves a zone.
type Muter interface {
	Mute(zone, user uuid.UUID, muted bool)
}

// muteUser handles MUTE_USER.
func (s *session) muteUser(m *member, msg protocol.Message) *protocol.Error {
	r := msg.(*protocol.MuteUser)
	now := s.srv.opt.Now()
	until := now.Add(time.Duration(r.Duration * float64(time.Second)))
	if err := m.world.live.Mute(m.user, r.TargetUserID, until, now); err != nil {
		return refusal(err)
	}
	s.srv.muteChanged(m.world, r.TargetUserID)
	s.srv.endMutes(m.world)
	s.log().Info("muted", "by", m.user, "user", r.TargetUserID, "seconds", r.Duration)
	return nil
}

// endMutes ends the mutes of a world that are over, and comes back when the next one is.
func (s *Server) endMutes(w *world) {
	w.stopUnmute()
	if s.draining {
		return
	}
	now := s.opt.Now()
	ended, next := w.live.EndMutes(now)
	for _, user := range ended {
		s.muteChanged(w, user)
	}
	if next.IsZero() {
		return
	}
	var t *time.Timer
	t = time.AfterFunc(max(next.Sub(now), time.Millisecond), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if w.unmute == t {
			s.endMutes(w)
		}
	})
	w.unmute = t
}

func (w *world) stopUnmute() {
	if w.unmute != nil {
		w.unmute.Stop()
		w.unmute = nil
	}
}

// muteChanged enforces a mute or its end, and tells the user's zone, the user too.
func (s *Server) muteChanged(w *world, user uuid.UUID) {
	m := s.members[user]
	if m == nil || m.world != w {
		return // it is told, and enforced, when the user comes back
	}
	if s.opt.Muter != nil {
		_, muted := w.live.Muted(user)
		s.opt.Muter.Mute(m.zone().ID, user, muted)
	}
	s.tellMute(s.inZone(w, m.zone()), w, user)
}

// muteMoves takes a mute that is in force into the zone that its user just entered.
func (s *Server) muteMoves(m *member, others []*member) {
	if _, muted := m.world.live.Muted(m.user); !muted {
		return
	}
	if s.opt.Muter != nil {
		s.opt.Muter.Mute(m.zone().ID, m.user, true)
	}
	s.tellMute(others, m.world, m.user)
}

// muteStays lifts a mute in the zone that its user just left, where nobody would lift it later.
func (s *Server) muteStays(w *world, zone, user uuid.UUID) {
	if _, muted := w.live.Muted(user); muted && s.opt.Muter != nil {
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
	if until, muted := w.live.Muted(user); muted {
		text := until.UTC().Format(time.RFC3339)
		u.Until = &text
	}
	return u
}

// sendMutes tells who arrives which of the zone's members, itself included, are muted.
func (s *session) sendMutes(m *member, others []*member) {
	if m.world.live.Mutes() == 0 || !s.features.Load().userMuted {
		return
	}
	for _, o := range append([]*member{m}, others...) {
		if _, muted := m.world.live.Muted(o.user); muted {
			s.send(protocol.TypeUserMuted, m.world.muted(o.user))
		}
	}
}

// removeFromZone handles REMOVE_FROM_ZONE: the target goes to the spawn zone and may not return for a while.
func (s *session) removeFromZone(m *member, msg protocol.Message) *protocol.Error {
	r := msg.(*protocol.RemoveFromZone)
	t, left := s.srv.withOthers(r.TargetUserID)
	d, err := m.world.live.Remove(m.user, r.TargetUserID, r.ZoneID, s.srv.opt.Now())
	if err != nil {
		return refusal(err)
	}
	s.log().Info("removed from a zone", "by", m.user, "user", t.user, "zone", r.ZoneID)
	s.srv.moved(t, d, left)
	return nil
}

// kickFromWorld handles KICK_FROM_WORLD: the target is out at once, without a grace, and stays out for a while.
func (s *session) kickFromWorld(m *member, msg protocol.Message) *protocol.Error {
	r := msg.(*protocol.KickFromWorld)
	t, left := s.srv.withOthers(r.TargetUserID)
	d, err := m.world.live.Kick(m.user, r.TargetUserID, r.WorldID, s.srv.opt.Now())
	if err != nil {
		return refusal(err)
	}
	if t.session != nil {
		t.session.sendError(protocol.Errorf(protocol.PermissionDenied, "", "you were kicked from this world").With("action", protocol.TypeKickFromWorld))
		t.session.conn.Close(protocol.CloseKicked, "kicked from the world")
	}
	s.srv.departed(t, d, left)
	if s.srv.opt.Kicked != nil {
		s.srv.running.Go(s.srv.opt.Kicked) // which asks MayOpen, and so waits for this message's end
	}
	s.log().Info("kicked from the world", "by", m.user, "user", t.user)
	return nil
}

// withOthers finds a member, nil where there is none, and who shares its zone.
func (s *Server) withOthers(user uuid.UUID) (*member, []*member) {
	if m := s.members[user]; m != nil {
		return m, s.others(m)
	}
	return nil, nil
}
