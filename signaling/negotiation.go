package signaling

import (
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/topology"
)

func (s *session) sdpOffer(m *member, msg protocol.Message) *protocol.Error {
	return s.describe(m, protocol.TypeSDPOffer, msg.(*protocol.Description))
}

func (s *session) sdpAnswer(m *member, msg protocol.Message) *protocol.Error {
	return s.describe(m, protocol.TypeSDPAnswer, msg.(*protocol.Description))
}

func (s *session) describe(m *member, typ string, d *protocol.Description) *protocol.Error {
	return s.forward(m, typ, d.To, protocol.Description{From: m.user.String(), SDP: d.SDP})
}

func (s *session) iceCandidate(m *member, msg protocol.Message) *protocol.Error {
	c := msg.(*protocol.ICECandidate)
	return s.forward(m, protocol.TypeICECandidate, c.To, protocol.ICECandidate{From: m.user.String(), Candidate: c.Candidate})
}

// forward passes a message to another member of the same zone. Who it is from is the sender's own id, whatever
// the client wrote; a member in its grace gets it when it resumes.
func (s *session) forward(m *member, typ, to string, payload any) *protocol.Error {
	id, err := uuid.Parse(to)
	o := s.srv.members[id]
	if err != nil || o == nil || o == m || o.world != m.world || o.zone() != m.zone() {
		return protocol.Errorf(protocol.InvalidRequest, typ, `"to" must be another member of your zone`).With("field", "to")
	}
	frame := protocol.MustEncode(typ, payload)
	if o.session != nil {
		o.session.sendFrame(typ, frame)
	} else if !o.kept.add(m.user, typ, frame) {
		s.srv.metrics.keptDropped.Inc()
	}
	return nil
}

func (k *kept) add(from uuid.UUID, typ string, frame []byte) bool {
	if len(k.frames[from]) >= keptPerSender || k.bytes+len(frame) > keptBytes {
		return false
	}
	if k.frames == nil {
		k.frames = make(map[uuid.UUID][]keptFrame)
	}
	k.order++
	k.bytes += len(frame)
	k.frames[from] = append(k.frames[from], keptFrame{k.order, typ, frame})
	return true
}

// drop forgets what a user sent who is gone.
func (k *kept) drop(from uuid.UUID) {
	for _, f := range k.frames[from] {
		k.bytes -= len(f.frame)
	}
	delete(k.frames, from)
}

// take gives all, in the order in which it came.
func (k *kept) take() []keptFrame {
	var all []keptFrame
	for _, frames := range k.frames {
		all = append(all, frames...)
	}
	slices.SortFunc(all, func(a, b keptFrame) int { return int(a.order) - int(b.order) })
	*k = kept{}
	return all
}

// iceFailed handles ICE_FAILED.
func (s *session) iceFailed(m *member, msg protocol.Message) *protocol.Error {
	peer := msg.(*protocol.ICEFailed).PeerID
	err := s.srv.opt.Controller.ICEFailed(m.zone().ID, m.user, peer)
	if errors.Is(err, topology.ErrPeer) {
		return protocol.Errorf(protocol.InvalidRequest, "", `"peer_id" must be another member of your zone`).With("field", "peer_id")
	}
	return s.controllerError(err)
}

// sfuConnected handles SFU_CONNECTED.
func (s *session) sfuConnected(m *member, msg protocol.Message) *protocol.Error {
	if e := m.checkZone(msg.(*protocol.SFUConnected).ZoneID); e != nil {
		return e
	}
	err := s.srv.opt.Controller.SFUConnected(m.zone().ID, m.user)
	if errors.Is(err, topology.ErrConnecting) {
		s.reportAgain(m)
		return nil
	}
	return s.reportError(err)
}

// A client knows that it is connected a few milliseconds before the SFU's word of it has come round. So long is waited
// before its report is refused.
const reportPatience = 250 * time.Millisecond

// reportAgain asks the controller once more, and then tells the client if its report does not count.
func (s *session) reportAgain(m *member) {
	if m.reporting {
		return
	}
	m.reporting = true
	zone := m.zone().ID
	time.AfterFunc(reportPatience, func() {
		s.srv.mu.Lock()
		defer s.srv.mu.Unlock()
		m.reporting = false
		if m.session != s || m.zone().ID != zone {
			return
		}
		if e := s.reportError(s.srv.opt.Controller.SFUConnected(zone, m.user)); e != nil {
			s.sendError(e.With("type", protocol.TypeSFUConnected))
		}
	})
}

func (s *session) reportError(err error) *protocol.Error {
	if errors.Is(err, topology.ErrNotConnected) {
		return protocol.Errorf(protocol.InvalidRequest, "", "the SFU does not see you connected; connect to it first").With("reason", "not_connected")
	}
	return s.controllerError(err)
}

// sfuDisconnected handles SFU_DISCONNECTED.
func (s *session) sfuDisconnected(m *member, msg protocol.Message) *protocol.Error {
	d := msg.(*protocol.SFUDisconnected)
	if e := m.checkZone(d.ZoneID); e != nil {
		return e
	}
	return s.controllerError(s.srv.opt.Controller.SFUDisconnected(m.zone().ID, m.user, d.Reason == protocol.DisconnectError))
}

// controllerError is a refusal of the controller that no message foresees.
func (s *session) controllerError(err error) *protocol.Error {
	if err == nil {
		return nil
	}
	s.log().Warn("the topology controller refuses a report", "err", err)
	return protocol.Errorf(protocol.InvalidRequest, "", "the report does not fit the zone's topology").With("reason", "topology")
}
