package topology

import (
	"fmt"

	"github.com/google/uuid"
)

// event is something that happened to a zone. The time it happened at is given to step beside it.
type event interface{ String() string }

type (
	joined    struct{ member Member }
	left      struct{ user uuid.UUID }
	lost      struct{ user uuid.UUID } // its grace runs
	resumed   struct{ member Member }
	renewed   struct{ member Member } // a newer connection of it is there, which has not resumed yet
	iceFailed struct{ user, peer uuid.UUID }

	// What members report.
	sfuConnected    struct{ user uuid.UUID }
	sfuDisconnected struct {
		user   uuid.UUID
		failed bool
	}

	// What the SFU reports. A session is admitted before it is up.
	sessionAdmitted struct{ session Session }
	sessionUp       struct{ session Session }
	sessionFlowing  struct{ session Session }
	sessionDown     struct{ session Session }

	// tick: the time passed.
	tick struct{}
)

func (e joined) String() string          { return "joined " + describe(e.member) }
func (e left) String() string            { return "left " + short(e.user) }
func (e lost) String() string            { return "lost " + short(e.user) }
func (e resumed) String() string         { return "resumed " + describe(e.member) }
func (e renewed) String() string         { return "renewed " + describe(e.member) }
func (e iceFailed) String() string       { return "ICE failed " + short(e.user) + " to " + short(e.peer) }
func (e sfuConnected) String() string    { return "SFU connected " + short(e.user) }
func (e sessionAdmitted) String() string { return "session admitted " + e.session.String() }
func (e sessionUp) String() string       { return "session up " + e.session.String() }
func (e sessionFlowing) String() string  { return "session flowing " + e.session.String() }
func (e sessionDown) String() string     { return "session down " + e.session.String() }
func (tick) String() string              { return "tick" }

func (e sfuDisconnected) String() string {
	if e.failed {
		return "SFU disconnected (error) " + short(e.user)
	}
	return "SFU disconnected (manual) " + short(e.user)
}

// String names a session for logs and traces.
func (s Session) String() string {
	return fmt.Sprintf("%s of %s epoch %d", s.ID, short(s.User), s.Epoch)
}

func describe(m Member) string {
	if m.TopologyChanged {
		return short(m.ID)
	}
	return short(m.ID) + " without topology_changed"
}

// short is the end of an id: enough to tell the members of a zone apart, and in tests their number.
func short(id uuid.UUID) string { s := id.String(); return s[len(s)-4:] }
