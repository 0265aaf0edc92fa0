package topology

import (
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// Controller holds the membership table that every door of the process asks.
type Controller struct {
	config Config
	sink   Sink
	logger *slog.Logger
}

// New makes a controller that hands its effects to sink.
func New(config Config, sink Sink, logger *slog.Logger) *Controller {
	return &Controller{config: config, sink: sink, logger: logger}
}

// Close stops the timers; no effect comes after it.
func (c *Controller) Close() {}

// Join says that a member came into a zone.
func (c *Controller) Join(z Zone, m Member, welcome func(View)) { welcome(View{}) }

// Leave says that a member is gone from a zone.
func (c *Controller) Leave(zone, user uuid.UUID) {}

// Lost says that a member's connection is lost and its grace runs.
func (c *Controller) Lost(zone, user uuid.UUID) {}

// Resume says that a member has a new connection to the place it held.
func (c *Controller) Resume(z Zone, m Member, welcome func(View)) { welcome(View{}) }

// ICEFailed says that user found no way to peer.
func (c *Controller) ICEFailed(zone, user, peer uuid.UUID) error { return nil }

// SFUConnected says that a member reports that the SFU delivers to it.
func (c *Controller) SFUConnected(zone, user uuid.UUID) error { return nil }

// SFUDisconnected says that a member left the SFU by plan or, failed, lost it.
func (c *Controller) SFUDisconnected(zone, user uuid.UUID, failed bool) error { return nil }

// AdmitSession says whether an SFU token opens a session now.
func (c *Controller) AdmitSession(token string) (Session, error) { return Session{}, ErrToken }

// SessionUp says that ICE and DTLS of a session are up.
func (c *Controller) SessionUp(s Session) {}

// SessionFlowing says that the SFU saw a packet of each uplink that the session sends.
func (c *Controller) SessionFlowing(s Session) {}

// SessionDown says that a session ended.
func (c *Controller) SessionDown(s Session) {}

// TURNPassword reads a TURN username and gives the password that goes with it.
func (c *Controller) TURNPassword(username string) (TURNIdentity, string, error) {
	return TURNIdentity{}, "", ErrToken
}

// MayAllocate says whether a credential allocates now, and how many allocations its user may hold.
func (c *Controller) MayAllocate(id TURNIdentity, now time.Time) (quota int, err error) {
	return 0, ErrRefused
}

// MayHold says whether a user's allocations in a zone may live on.
func (c *Controller) MayHold(zone, user uuid.UUID) bool { return false }
