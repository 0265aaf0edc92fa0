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

func (s *session) move(m *member, pose space.Pose, timestamp *float64) *protocol.Error {
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

// A presence frame is written once per tick and sent whole to those who read PRESENCE_BROADCAST; who listed presence_batch
// gets its payload, joined with the tick's others.
var (
	presenceHead = []byte(`{"type":"` + protocol.TypePresenceBroadcast + `","payload":`)
	batchHead    = []byte(`{"type":"` + protocol.TypePresenceBatch + `","payload":{"updates":[`)
	presenceTail = frameTail("")
	batchTail    = frameTail("]}")
)

// frameTail closes a frame after its payload.
func frameTail(before string) []byte {
	return []byte(before + `,"protocol_version":` + strconv.Itoa(protocol.Version) + `}`)
}

// appendPresence writes a member's PRESENCE_BROADCAST, and says where its payload is.
func appendPresence(b []byte, m *member) (frame []byte, from, to int) {
	p := m.place.Pose
	b = append(b, presenceHead...)
	from = len(b)
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
	to = len(b)
	return append(b, presenceTail...), from, to
}

// sendPresence is one tick: what changed is encoded once per zone and handed to the zone's outboxes, where it waits behind
// everything else and is replaced by what is newer.
func (s *Server) sendPresence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var frame []byte
	for _, w := range s.order {
		if len(w.dirty) == 0 {
			continue
		}
		ticks := make(map[*space.Zone]*socket.Tick)
		for _, m := range w.dirty {
			if m.gone {
				continue
			}
			t := ticks[m.zone()]
			if t == nil {
				t = &socket.Tick{}
				ticks[m.zone()] = t
			}
			var from, to int
			frame, from, to = appendPresence(frame[:0], m)
			m.entry = t.Add(m.user, frame, from, to)
		}
		for zone, t := range ticks {
			s.handOut(w, zone, t)
		}
		for _, m := range w.dirty {
			m.dirty = false
		}
		clear(w.dirty)
		w.dirty = w.dirty[:0]
	}
}

// handOut gives a tick to everyone in its zone, but for each one's own presence.
func (s *Server) handOut(w *world, zone *space.Zone, t *socket.Tick) {
	replaced, batches, frames := 0, 0, 0
	for _, m := range s.inZone(w, zone) {
		if m.session == nil {
			continue
		}
		var own socket.Own
		if m.dirty {
			own = socket.Own{First: m.entry, N: 1}
		}
		others := t.Len() - own.N
		if others == 0 {
			continue
		}
		replaced += m.session.conn.SendPresence(t, own)
		if m.session.features.Load().presenceBatch {
			batches++
		} else {
			frames += others
		}
	}
	s.metrics.replaced.Add(float64(replaced))
	s.metrics.out.of(protocol.TypePresenceBatch).Add(float64(batches))
	s.metrics.out.of(protocol.TypePresenceBroadcast).Add(float64(frames))
}
