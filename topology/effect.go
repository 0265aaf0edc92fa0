package topology

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// effect is what the world has to do because of an event. Effects come in the order in which they must be
// carried out. Those that hand out a credential name its owner and epoch; the shell mints it.
type effect interface{ String() string }

type (
	// welcome comes first when a member arrived or came back.
	welcome struct {
		user uuid.UUID
		view View
	}
	announce struct {
		user   uuid.UUID
		to     way
		reason Reason
	}
	giveCredentials struct {
		user  uuid.UUID
		epoch Epoch
	}
	invite struct { // PROMOTE_TO_SFU
		user  uuid.UUID
		epoch Epoch
	}
	endSession struct {
		user   uuid.UUID
		reason string
	}
	endAllocations struct {
		user uuid.UUID
		upTo Epoch
	}
	// setTimer asks for a tick at that time, in place of the one asked for before; zero: none.
	setTimer struct{ at time.Time }

	// noted tells how changes go; logs, metrics and tests read it.
	noted struct {
		stage    stage
		reason   Reason
		from, to way
		took     time.Duration // since the change began
	}
	// struggling: a member fails again and again to hold its session, and the zone cannot leave the SFU.
	struggling struct{ user uuid.UUID }
)

// stage of a change.
type stage string

const (
	began      stage = "began"
	committed  stage = "committed"
	rolledBack stage = "rolled_back"
	cancelled  stage = "cancelled" // the zone emptied
	retargeted stage = "retargeted"
)

// Reasons of EndSession.
const (
	// SessionLeft: the user is not a member of the zone any more.
	SessionLeft = "left"
	// SessionReleased: the zone left the SFU.
	SessionReleased = "released"
)

func (w way) String() string { return fmt.Sprintf("%s/%d", w.media, w.epoch) }

func (e welcome) String() string {
	return fmt.Sprintf("welcome %s in %s/%d", short(e.user), e.view.Media, e.view.Epoch)
}
func (e announce) String() string {
	return fmt.Sprintf("announce to %s: %s %s", short(e.user), e.reason, e.to)
}
func (e giveCredentials) String() string {
	return fmt.Sprintf("TURN credentials to %s epoch %d", short(e.user), e.epoch)
}
func (e invite) String() string {
	return fmt.Sprintf("promote %s epoch %d", short(e.user), e.epoch)
}
func (e endSession) String() string { return "end session of " + short(e.user) + ": " + e.reason }
func (e endAllocations) String() string {
	return fmt.Sprintf("end allocations of %s up to epoch %d", short(e.user), e.upTo)
}
func (e setTimer) String() string { return "timer" }
func (e noted) String() string {
	return fmt.Sprintf("%s %s: %s -> %s", e.reason, e.stage, e.from, e.to)
}
func (e struggling) String() string { return "struggling " + short(e.user) }
