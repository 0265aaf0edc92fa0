package signaling

import (
	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// holds are a world's occupied objects. Guarded by Server.mu, by which exactly one of any number of simultaneous
// requests is granted.
type holds map[uuid.UUID]hold // by object_id

type hold struct{ user, lock uuid.UUID }

// interactRequest handles INTERACT_REQUEST.
func (s *session) interactRequest(m *member, msg protocol.Message) *protocol.Error {
	r := msg.(*protocol.InteractRequest)
	o, ok := m.world.live.Map().Object(r.ObjectID)
	if !ok {
		return noObject(r.ObjectID)
	}
	h, denial := m.world.request(m, o, r.Action)
	if denial != "" {
		s.send(protocol.TypeInteractDenied, protocol.InteractDenied{ObjectID: o.ID, Reason: denial})
		return nil
	}
	_, again := m.world.holds[o.ID]
	m.world.holds[o.ID] = h
	s.send(protocol.TypeInteractGranted, protocol.InteractGranted{ObjectID: o.ID, LockID: h.lock})
	if !again {
		s.srv.tell(s.srv.others(m), protocol.TypeObjectOccupied, protocol.ObjectOccupied{ObjectID: o.ID, UserID: m.user})
	}
	return nil
}

func noObject(id uuid.UUID) *protocol.Error {
	return protocol.Errorf(protocol.ObjectNotFound, "", "this world has no object %s", id).With("field", "object_id")
}

// request decides, changing nothing: the same zone, the action, the reach, the role, and whether it is free. What
// one holds already is granted again by the same lock.
func (w *world) request(m *member, o *space.Object, action protocol.Action) (hold, protocol.Denial) {
	offered := false
	for _, a := range o.Actions {
		offered = offered || a == string(action)
	}
	at := m.place.Pose.Point().Tile()
	distance := max(abs(at.X-o.Position.X), abs(at.Y-o.Position.Y))
	allowed := o.Roles == nil
	for _, role := range o.Roles {
		allowed = allowed || role == m.place.Role
	}
	h, held := w.holds[o.ID]
	switch {
	case o.Zone != m.zone(), !offered, float64(distance) > w.live.Rules().Reach:
		return hold{}, protocol.DenyInvalid
	case !allowed:
		return hold{}, protocol.DenyUnauthorized
	case held && h.user != m.user:
		return hold{}, protocol.DenyOccupied
	case held:
		return h, ""
	}
	return hold{user: m.user, lock: uuid.New()}, ""
}

func abs(n int) int { return max(n, -n) }

// interactEnd handles INTERACT_END.
func (s *session) interactEnd(m *member, msg protocol.Message) *protocol.Error {
	e := msg.(*protocol.InteractEnd)
	if _, ok := m.world.live.Map().Object(e.ObjectID); !ok {
		return noObject(e.ObjectID)
	}
	if m.world.holds[e.ObjectID] != (hold{user: m.user, lock: e.LockID}) {
		return protocol.Errorf(protocol.PermissionDenied, "", "lock_id is no lock that you hold on this object").With("field", "lock_id")
	}
	delete(m.world.holds, e.ObjectID)
	s.srv.released(s.srv.others(m), e.ObjectID)
	return nil
}

// released tells a zone that an object is free.
func (s *Server) released(others []*member, object uuid.UUID) {
	knowing := make([]*member, 0, len(others))
	for _, o := range others {
		if o.session != nil && o.session.features.Load().objectReleased {
			knowing = append(knowing, o)
		}
	}
	s.tell(knowing, protocol.TypeObjectReleased, protocol.ObjectReleased{ObjectID: object})
}

// releaseAll frees what a user holds who leaves its zone.
func (s *Server) releaseAll(w *world, user uuid.UUID, others []*member) {
	for id, h := range w.holds {
		if h.user == user {
			delete(w.holds, id)
			s.released(others, id)
		}
	}
}

// occupied lists the occupied objects of a zone, in the map's order.
func (w *world) occupied(z *space.Zone) []protocol.ObjectHold {
	list := []protocol.ObjectHold{}
	if len(w.holds) == 0 {
		return list
	}
	for _, o := range w.live.Map().Objects() {
		if h, ok := w.holds[o.ID]; ok && o.Zone == z {
			list = append(list, protocol.ObjectHold{ObjectID: o.ID, UserID: h.user})
		}
	}
	return list
}

// sendOccupied tells them to a client that does not read WORLD_STATE's list, or that came by another door.
func (s *session) sendOccupied(list []protocol.ObjectHold) {
	if len(list) == 0 {
		return
	}
	frames := make([][]byte, len(list))
	for i, o := range list {
		frames[i] = protocol.MustEncode(protocol.TypeObjectOccupied, protocol.ObjectOccupied(o))
	}
	s.srv.metrics.out.WithLabelValues(protocol.TypeObjectOccupied).Add(float64(len(frames)))
	s.noteSend(s.conn.SendAll(frames))
}
