package node

import (
	"github.com/google/uuid"

	"atrium/sfu"
	"atrium/signaling"
	"atrium/topology"
	"atrium/turn"
)

// sink joins the three parts that carry out the controller's effects. The controller is made first and
// needs it, and each part needs the controller: so the fields are set afterwards, before the first listener
// serves. Effects only follow from members, and nobody is one before that.
type sink struct {
	members     *signaling.Server
	sessions    *sfu.SFU
	allocations *turn.Server // nil: TURN is off
}

var (
	_ topology.Sink = (*sink)(nil)
	_ sfu.Places    = (*sink)(nil)
)

func (s *sink) TURNCredentials(user uuid.UUID, c topology.TURNCredentials) {
	s.members.TURNCredentials(user, c)
}

func (s *sink) PromoteToSFU(user uuid.UUID, p topology.Promotion) { s.members.PromoteToSFU(user, p) }

func (s *sink) TopologyChanged(user uuid.UUID, c topology.Change) { s.members.TopologyChanged(user, c) }

func (s *sink) EndSession(zone, user uuid.UUID, reason string) {
	s.sessions.EndSession(zone, user, reason)
}

func (s *sink) EndAllocations(zone, user uuid.UUID, upTo topology.Epoch) {
	if s.allocations != nil {
		s.allocations.EndAllocations(zone, user, upTo)
	}
}

// Positions implements sfu.Places. The SFU asks for zones that have sessions, which follow from members.
func (s *sink) Positions(zone uuid.UUID, yield func(user uuid.UUID, x, y float64)) {
	s.members.Positions(zone, yield)
}
