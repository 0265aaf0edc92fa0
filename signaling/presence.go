package signaling

import (
	"strconv"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/socket"
	"atrium/signaling/space"
)

// presenceUpdate handles PRESENCE_UPDATE.
func (s *session) presenceUpdate(m *member, msg protocol.Message) *protocol.Error {
	u := msg.(*protocol.PresenceUpdate)
	if e := m.checkZone(u.ZoneID); e != nil {
		return e
	}
	return s.move(m, space.Pose{
		X: u.Position.X, Y: u.Position.Y, Facing: space.Facing(u.Facing), State: space.State(u.State),
	}, nil)
}

// moveIntent handles MOVE_INTENT: the position changes, facing and state stay.
func (s *session) moveIntent(m *member, msg protocol.Message) *protocol.Error {
	i := msg.(*protocol.MoveIntent)
	return s.move(m, space.Pose{X: i.Position.X, Y: i.Position.Y}, &i.Timestamp)
}

func (s *session) move(m *member, pose space.Pose, timestamp *int64) *protocol.Error {
	if c := m.world.live.Move(m.user, pose, timestamp, s.srv.opt.Now()); c != nil {
		s.correct(c)
		return nil
	}
	m.touch()
	return nil
}

func (s *session) correct(c *space.Correction) {
	s.send(protocol.TypePositionCorrection, protocol.PositionCorrection{
		CorrectPosition: protocol.Position{X: c.X, Y: c.Y}, Reason: protocol.CorrectionReason(c.Reason),
	})
}

// checkZone compares a message's zone_id with where the member is.
func (m *member) checkZone(zone uuid.UUID) *protocol.Error {
	if zone == m.zone().ID {
		return nil
	}
	if _, ok := m.world.live.Zone(zone); !ok {
		return protocol.Errorf(protocol.ZoneNotFound, "", "this world has no zone %s", zone).With("field", "zone_id")
	}
	return protocol.Errorf(protocol.InvalidRequest, "", "zone_id is not the zone that you are in, %s", m.zone().ID).With("field", "zone_id")
}

// touch has the next tick tell the member's presence.
func (m *member) touch() {
	if !m.dirty {
		m.dirty = true
		m.world.dirty = append(m.world.dirty, m)
	}
}

// A presence frame is written once and sent whole to those who read PRESENCE_BROADCAST; who listed presence_batch
// gets its payload, a part of the same bytes, joined with the tick's others.
var (
	presenceHead = []byte(`{"type":"` + protocol.TypePresenceBroadcast + `","payload":`)
	batchHead    = []byte(`{"type":"` + protocol.TypePresenceBatch + `","payload":{"updates":[`)
)

// frameTail closes a frame after its payload.
func frameTail(before string) []byte {
	return []byte(before + `,"protocol_version":` + strconv.Itoa(protocol.Version) + `}`)
}

func presenceFrames(m *member) (whole, payload []byte) {
	p := m.place.Pose
	b := make([]byte, 0, 224)
	b = append(b, presenceHead...)
	from := len(b)
	b = append(b, `{"user_id":"`...)
	b = append(b, m.user.String()...)
	b = append(b, `","position":{"x":`...)
	b = strconv.AppendFloat(b, p.X, 'f', -1, 64)
	b = append(b, `,"y":`...)
	b = strconv.AppendFloat(b, p.Y, 'f', -1, 64)
	b = append(b, `},"facing":"`...)
	b = append(b, p.Facing...)
	b = append(b, `","state":"`...)
	b = append(b, p.State...)
	b = append(b, `"}`...)
	to := len(b)
	b = append(b, frameTail("")...)
	return b, b[from:to:to]
}

// sendPresence is one tick: what changed is encoded once and handed to the outboxes of the zone, where it waits
// behind everything else and is replaced by what is newer.
func (s *Server) sendPresence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.order {
		if len(w.dirty) == 0 {
			continue
		}
		type frames struct{ whole, payload []socket.Presence }
		zones := make(map[*space.Zone]*frames)
		for _, m := range w.dirty {
			m.dirty = false
			if m.gone {
				continue
			}
			f := zones[m.zone()]
			if f == nil {
				f = &frames{}
				zones[m.zone()] = f
			}
			whole, payload := presenceFrames(m)
			f.whole = append(f.whole, socket.Presence{User: m.user, Frame: whole})
			f.payload = append(f.payload, socket.Presence{User: m.user, Frame: payload})
		}
		clear(w.dirty)
		w.dirty = w.dirty[:0]
		for zone, f := range zones {
			for _, m := range s.inZone(w, zone) {
				if m.session == nil {
					continue
				}
				out, typ := f.whole, protocol.TypePresenceBroadcast
				if m.session.features.Load().presenceBatch {
					out, typ = f.payload, protocol.TypePresenceBatch
				}
				if n := m.session.conn.SendPresence(out, m.user); n > 0 {
					s.metrics.replaced.Add(float64(n))
				}
				s.metrics.out.WithLabelValues(typ).Inc()
			}
		}
	}
}
