package topology

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Controller holds the membership table that every door of the process asks, and carries the state machine:
// it gives step its events and the time, and the sink the effects. All methods may be called from any goroutine
// but not from within a method of the sink.
type Controller struct {
	// Static after construction.
	config  Config
	sink    Sink
	logger  *slog.Logger
	metrics *metrics

	// Guarded by mu.
	mu         sync.Mutex
	zones      map[uuid.UUID]*entry // never shrinks: a zone's epochs outlive its members; as many as the worlds have
	admissions uint64
	closed     bool
}

// entry is a zone with its timer.
type entry struct {
	zone  *zone
	timer *time.Timer // nil: none was needed yet
}

// New makes a controller that hands its effects to sink.
func New(config Config, sink Sink, logger *slog.Logger) *Controller {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	config = config.normal()
	return &Controller{
		config:  config,
		sink:    sink,
		logger:  logger,
		metrics: newMetrics(config.Registerer, logger),
		zones:   map[uuid.UUID]*entry{},
	}
}

// Close stops the timers; no effect comes after it and no credential is admitted.
func (c *Controller) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, e := range c.zones {
		if e.timer != nil {
			e.timer.Stop()
		}
	}
	c.metrics.unregister(c.config.Registerer)
}

// Join says that a member came into a zone. Welcome is called once, with the lock held and before any effect,
// so that WORLD_STATE or ZONE_TRANSITIONED goes out before TURN_CREDENTIALS and PROMOTE_TO_SFU.
func (c *Controller) Join(z Zone, m Member, welcome func(View)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run(c.entry(z), joined{m}, welcome)
}

// Leave says that a member is gone from a zone, whatever the way.
func (c *Controller) Leave(zone, user uuid.UUID) { c.happened(zone, left{user}) }

// Lost says that a member's connection is lost and its grace runs. Resume or Leave follows.
func (c *Controller) Lost(zone, user uuid.UUID) { c.happened(zone, lost{user}) }

// Renewed says that a newer connection of a member was accepted: what that knows of the protocol counts from now, while the
// grace runs. Resume or Leave follows.
func (c *Controller) Renewed(zone uuid.UUID, m Member) { c.happened(zone, renewed{m}) }

// Resume says that a member has a new connection to the place it held: back within the grace, or replaced.
func (c *Controller) Resume(z Zone, m Member, welcome func(View)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run(c.entry(z), resumed{m}, welcome)
}

// ICEFailed says that user found no way to peer.
func (c *Controller) ICEFailed(zone, user, peer uuid.UUID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.zones[zone]
	if e == nil || e.zone.member(user) == nil || e.zone.member(peer) == nil || user == peer {
		return ErrPeer
	}
	c.run(e, iceFailed{user, peer}, nil)
	return nil
}

// SFUConnected says that a member reports that the SFU delivers to it: ErrNotConnected, or ErrConnecting, which is best
// asked again in a moment.
func (c *Controller) SFUConnected(zone, user uuid.UUID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.zones[zone]
	if e == nil {
		return ErrNotConnected
	}
	m := e.zone.member(user)
	if m == nil {
		return ErrNotConnected
	}
	connected := m.up.ID != ""
	c.run(e, sfuConnected{user}, nil)
	switch {
	case connected:
		return nil
	case e.zone.connecting(m):
		return ErrConnecting
	}
	return ErrNotConnected
}

// SFUDisconnected says that a member needs the SFU no more, or, failed, that it lost it.
func (c *Controller) SFUDisconnected(zone, user uuid.UUID, failed bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.zones[zone]
	if e == nil || e.zone.member(user) == nil {
		return fmt.Errorf("%w: user %s is not in zone %s", ErrRefused, user, zone)
	}
	c.run(e, sfuDisconnected{user, failed}, nil)
	return nil
}

// AdmitSession says whether an SFU token opens a session now: ErrToken, ErrRefused, or the session, which
// replaces the former one of its user.
func (c *Controller) AdmitSession(token string) (Session, error) {
	now := time.Now()
	s, err := parseSFU(c.config.SFUSecret, token, now)
	if err != nil {
		return Session{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.zones[s.Zone]
	if e == nil || c.closed {
		return Session{}, fmt.Errorf("%w: nobody is in zone %s", ErrRefused, s.Zone)
	}
	if err := e.zone.admits(s.User, s.Epoch); err != nil {
		return Session{}, err
	}
	if m := e.zone.member(s.User); m.jti(s.ID) {
		c.admissions++
		s.ID = fmt.Sprintf("%s#%d", s.ID, c.admissions)
	}
	c.run(e, sessionAdmitted{s}, nil)
	return s, nil
}

// SessionUp says that ICE and DTLS of a session are up.
func (c *Controller) SessionUp(s Session) { c.happened(s.Zone, sessionUp{s}) }

// SessionFlowing says that the SFU saw a packet of each uplink that the session sends.
func (c *Controller) SessionFlowing(s Session) { c.happened(s.Zone, sessionFlowing{s}) }

// SessionDown says that a session ended, for whatever reason, also one that never was up.
func (c *Controller) SessionDown(s Session) { c.happened(s.Zone, sessionDown{s}) }

// TURNPassword reads a TURN username and gives the password that goes with it. It asks nothing and changes
// nothing: it runs before the integrity check, on names that anybody may write.
func (c *Controller) TURNPassword(username string) (TURNIdentity, string, error) {
	if !c.config.TURN.Enabled {
		return TURNIdentity{}, "", fmt.Errorf("%w: the relay is off", ErrRefused)
	}
	id, err := parseTURNUsername(username)
	if err != nil {
		return TURNIdentity{}, "", err
	}
	return id, turnPassword(c.config.TURN.Secret, username), nil
}

// MayAllocate says whether a credential allocates now, and how many allocations its user may hold in the zone.
func (c *Controller) MayAllocate(id TURNIdentity, now time.Time) (quota int, err error) {
	if !now.Before(id.Expiry) {
		return 0, fmt.Errorf("%w: the credentials expired at %s", ErrToken, id.Expiry.UTC().Format(time.RFC3339))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.zones[id.Zone]
	if e == nil || c.closed {
		return 0, fmt.Errorf("%w: nobody is in zone %s", ErrRefused, id.Zone)
	}
	return e.zone.mayAllocate(id.User, id.Epoch)
}

// MayHold says whether a user's allocations in a zone may live on.
func (c *Controller) MayHold(zone, user uuid.UUID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.zones[zone]
	return e != nil && !c.closed && e.zone.mayHold(user)
}

// Snapshot is a zone as it is now.
type Snapshot struct {
	Media    Media // the topology in force
	Epoch    Epoch // its epoch
	Live     int   // live members, those in grace included
	Changing bool
	To       View // during a change: where to
}

// Snapshot gives a zone as it is now; of one that nobody ever entered, the state it would start in.
func (c *Controller) Snapshot(zone uuid.UUID) Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.zones[zone]
	if e == nil {
		return Snapshot{Media: P2PDirect, Epoch: 1}
	}
	z := e.zone
	s := Snapshot{Media: z.force.media, Epoch: z.force.epoch, Live: len(z.members), Changing: z.change != nil}
	if s.Changing {
		s.To = View{z.change.to.media, z.change.to.epoch}
	}
	return s
}

// happened runs an event of a zone that exists if its subject does.
func (c *Controller) happened(zone uuid.UUID, ev event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.zones[zone]; e != nil {
		c.run(e, ev, nil)
	}
}

// entry gives the zone, made at the first member's coming. Called with mu held.
func (c *Controller) entry(z Zone) *entry {
	e := c.zones[z.ID]
	if e == nil {
		policy, ok := c.config.Policies[z.Type]
		if !ok {
			policy = c.config.Default
		}
		e = &entry{zone: newZone(z.ID, policy.normal(), c.config.TURN.rules())}
		c.zones[z.ID] = e
	}
	return e
}

// jti says whether the member showed that token last, so that this would be its second session by it.
func (m *member) jti(id string) bool {
	same := func(s Session) bool {
		return s.ID == id || len(s.ID) > len(id) && s.ID[:len(id)] == id && s.ID[len(id)] == '#'
	}
	return same(m.admitted) || same(m.up)
}
