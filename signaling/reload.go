package signaling

import (
	"reflect"
	"slices"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// Reload takes the worlds as they are drawn now, in the order that Options.Worlds has. People stay where they are as far
// as the drawing lets them; others find themselves in the spawn zone, as if removed from their zone; who was in a world
// that is gone has a connection and no place. Nobody sees a world half-way: it all happens between two messages.
func (s *Server) Reload(maps []*space.Map) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return
	}
	next := make(map[uuid.UUID]*world, len(maps))
	order := make([]*world, 0, len(maps))
	for _, m := range maps {
		w := s.worlds[m.ID]
		if w == nil || w.live.Map().Workspace != m.Workspace { // another workspace's is another world
			w = s.open(m)
			s.logger.Info("a world opened", "world", m.ID, "name", m.Name)
		}
		next[m.ID] = w
		order = append(order, w)
	}
	for _, w := range s.order {
		if next[w.live.Map().ID] != w {
			s.close(w)
		}
	}
	s.worlds, s.order = next, order
	for i, m := range maps {
		if order[i].live.Map() != m { // else it is new
			s.redraw(order[i], m)
		}
	}
}

// close ends a world: its people lose their places, and may join another.
func (s *Server) close(w *world) {
	m := w.live.Map()
	w.stopUnmute()
	n := 0
	for _, z := range m.Zones() {
		for _, mb := range s.inZone(w, z) {
			if mb.session != nil {
				mb.session.sendError(protocol.Errorf(protocol.WorldNotFound, "", "this world was closed").
					With("field", "world_id").With("reason", "closed"))
			}
			s.leave(mb)
			n++
		}
	}
	s.logger.Info("a world closed", "world", m.ID, "name", m.Name, "members", n)
}

// redraw gives a world another map of it.
func (s *Server) redraw(w *world, m *space.Map) {
	former := w.live.Map()
	// Who shares a zone with whom, as they themselves believe until they are told.
	together := make(map[uuid.UUID][]*member)
	for _, z := range former.Zones() {
		together[z.ID] = s.inZone(w, z)
	}
	displaced, released := w.live.Reload(m)
	if !reflect.DeepEqual(former.Description(), m.Description()) {
		s.worldChanged(w)
	}
	for _, d := range displaced {
		s.settle(w, d, together)
	}
	for _, l := range released {
		o, _ := former.Object(l.Object)
		if z, ok := w.live.Zone(o.Zone.ID); ok {
			s.released(s.inZone(w, z), l.Object)
		}
	}
	s.logger.Info("a world was redrawn", "world", m.ID, "name", m.Name, "members", w.live.Len(), "displaced", len(displaced), "released", len(released))
}

// worldChanged tells everyone in a world that its drawing is another one, before what follows from that for each of
// them. Who is in grace is told when it is back.
func (s *Server) worldChanged(w *world) {
	for _, mb := range s.members {
		switch {
		case mb.world != w:
		case mb.session == nil:
			mb.redrawn = true
		default:
			mb.session.sendWorldChanged(w)
		}
	}
}

// sendWorldChanged sends WORLD_CHANGED to who listed the feature.
func (s *session) sendWorldChanged(w *world) {
	if s.features.Load().worldChanged {
		s.send(protocol.TypeWorldChanged, protocol.WorldChanged{WorldID: w.live.Map().ID})
	}
}

// settle finds a place for a member that the new map left without one, and tells everyone concerned.
func (s *Server) settle(w *world, d space.Displaced, together map[uuid.UUID][]*member) {
	mb := s.members[d.User]
	stood := mb.place.Pose.Point().Tile()
	departure, err := w.live.Settle(d, s.opt.Now())
	if err == nil && mb.zone().ID == d.From.ID { // in its zone as before, but for the tile
		if mb.session != nil {
			mb.session.correct(&space.Correction{X: mb.place.Pose.X, Y: mb.place.Pose.Y, Reason: whyNot(w.live.Map(), stood)})
		}
		mb.touch()
		return
	}
	left := slices.DeleteFunc(together[d.From.ID], func(o *member) bool { return o == mb })
	together[d.From.ID] = left
	if err != nil { // nowhere is a free tile
		if mb.session != nil {
			mb.session.sendError(refusal(err))
		}
		s.departed(mb, departure, left)
		return
	}
	s.moved(mb, departure, left)
}

// whyNot says why nobody stands on a tile, as POSITION_CORRECTION does.
func whyNot(m *space.Map, t space.Tile) string {
	switch {
	case m.Contains(t) && m.Blocked(t):
		return space.Collision
	case m.Solid(t):
		return space.Occupied
	}
	return space.Invalid
}
