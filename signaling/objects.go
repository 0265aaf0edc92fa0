package signaling

import (
	"errors"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// interactRequest handles INTERACT_REQUEST. Server.mu, with which it is called, makes simultaneous requests come one
// after the other; space lets one of them win.
func (s *session) interactRequest(m *member, msg protocol.Message) *protocol.Error {
	r := msg.(*protocol.InteractRequest)
	lock, again, err := m.world.live.Interact(m.user, r.ObjectID, string(r.Action), uuid.New())
	var d *space.Denial
	switch {
	case errors.As(err, &d):
		s.send(protocol.TypeInteractDenied, protocol.InteractDenied{ObjectID: r.ObjectID, Reason: protocol.Denial(d.Reason)})
		return nil
	case err != nil:
		return refusal(err)
	}
	s.send(protocol.TypeInteractGranted, protocol.InteractGranted{ObjectID: r.ObjectID, LockID: lock})
	if !again {
		s.srv.tell(s.srv.others(m), protocol.TypeObjectOccupied, protocol.ObjectOccupied{ObjectID: r.ObjectID, UserID: m.user})
	}
	return nil
}

// interactEnd handles INTERACT_END.
func (s *session) interactEnd(m *member, msg protocol.Message) *protocol.Error {
	e := msg.(*protocol.InteractEnd)
	if err := m.world.live.EndInteract(m.user, e.ObjectID, e.LockID); err != nil {
		return refusal(err)
	}
	s.srv.released(s.srv.others(m), e.ObjectID)
	return nil
}

// released tells a zone that objects are free.
func (s *Server) released(others []*member, objects ...uuid.UUID) {
	if len(objects) == 0 {
		return
	}
	knowing := make([]*member, 0, len(others))
	for _, o := range others {
		if o.session != nil && o.session.features.Load().objectReleased {
			knowing = append(knowing, o)
		}
	}
	for _, id := range objects {
		s.tell(knowing, protocol.TypeObjectReleased, protocol.ObjectReleased{ObjectID: id})
	}
}

// occupied lists the occupied objects of a zone, in the map's order.
func (w *world) occupied(z *space.Zone) []protocol.ObjectHold {
	list := []protocol.ObjectHold{}
	for _, l := range w.live.Locks(z.ID) {
		list = append(list, protocol.ObjectHold{ObjectID: l.Object, UserID: l.User})
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
	s.srv.metrics.out.of(protocol.TypeObjectOccupied).Add(float64(len(frames)))
	s.noteSend(s.conn.SendAll(frames))
}
