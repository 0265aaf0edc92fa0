package topology

import (
	"time"

	"github.com/google/uuid"
)

// way is a topology together with the epoch that names it. No epoch ever names two topologies of a zone.
type way struct {
	media Media
	epoch Epoch
}

// zone is the state of one zone: what the pure step reads and writes. Its owner calls step with one
// event at a time.
type zone struct {
	// Static.
	id     uuid.UUID
	policy Policy
	relay  relayRules

	// Who is in it, in the order of arrival, so that effects come in an order that can be foretold.
	members []*member
	pairs   map[pairKey]*pair

	// How its media travels.
	force    way       // the topology in force
	change   *change   // nil: settled
	releases []release // old ways that are still kept up for a while
	highest  Epoch     // the highest epoch that was ever taken, tries that failed included

	// What holds changes back.
	changedAt time.Time // the last commit or roll-back; zero: none since the zone was empty
	coolUntil time.Time // after a roll-back
	lowSince  time.Time // since when the live count is at or under DemoteAt; zero: it is not

	// Owned by one run of step.
	out   []effect
	timer time.Time // what the last timer effect asked for
}

// relayRules is what the state machine knows of TURN.
type relayRules struct {
	on      bool
	refresh time.Duration // how long after they were given credentials are given anew
	perPair int           // allocations
}

// change is a move from the topology in force to another that waits for reports.
type change struct {
	to       way
	reason   Reason // Promoted or Demoted
	began    time.Time
	deadline time.Time
}

// release is an old way that live members may still be using, and the moment it ends.
type release struct {
	left way
	at   time.Time
	// allocations and sessions of epochs up to left.epoch end with it, as far as these are set.
	allocations, sessions bool
}

// member is a live member: it holds its place, connected or in its grace.
type member struct {
	Member
	grace bool

	// What it was told last.
	invited     Epoch // of the last PROMOTE_TO_SFU
	credentials struct {
		epoch Epoch
		at    time.Time
	}

	// What it has in the SFU.
	admitted Session // the last token it showed there; ID "": none
	up       Session // the session whose ICE and DTLS are up; ID "": none
	upAt     time.Time
	flowing  bool      // the SFU saw a packet of each uplink
	early    time.Time // SFU_CONNECTED before the admitted session was up
	reported bool      // SFU_CONNECTED in the session that is up
	left     bool      // in a demotion: it needs the SFU no more

	// Tries to bring it there.
	inviteAt time.Time // when it is invited again unless a session is up by then; zero: not
	silent   int       // invitations since the last one that led to a report
	failures []time.Time
	broken   bool // three failures within a minute and no report since
}

// pairKey names two members regardless of who reports; the lower id comes first.
type pairKey [2]uuid.UUID

func keyOf(a, b uuid.UUID) pairKey {
	for i := range a {
		if a[i] != b[i] {
			if a[i] > b[i] {
				a, b = b, a
			}
			break
		}
	}
	return pairKey{a, b}
}

// pair is two members that found no direct way to each other.
type pair struct {
	reported map[uuid.UUID]bool
	hard     bool // the relay does not help either: the SFU must
}

// newZone gives an empty zone. Its first topology has epoch 1, so that a zero epoch never names anything.
func newZone(id uuid.UUID, policy Policy, relay relayRules) *zone {
	return &zone{
		id:      id,
		policy:  policy,
		relay:   relay,
		pairs:   map[pairKey]*pair{},
		force:   way{P2PDirect, 1},
		highest: 1,
	}
}

// ahead is the way that those who arrive start in: where the zone goes, else where it is.
func (z *zone) ahead() way {
	if z.change != nil {
		return z.change.to
	}
	return z.force
}

// good gives the ways whose credentials are good: the one in force, during a change both.
func (z *zone) good() []way {
	if z.change != nil {
		return []way{z.force, z.change.to}
	}
	return []way{z.force}
}

// named gives the good way that an epoch names.
func (z *zone) named(e Epoch) (way, bool) {
	for _, w := range z.good() {
		if w.epoch == e {
			return w, true
		}
	}
	return way{}, false
}

// inSFU gives the good way that leads through the SFU, if there is one.
func (z *zone) inSFU() (way, bool) {
	for _, w := range z.good() {
		if w.media == SFU {
			return w, true
		}
	}
	return way{}, false
}

// changing says whether a change for that reason is under way.
func (z *zone) changing(r Reason) bool { return z.change != nil && z.change.reason == r }

// relayed says whether members use the relay in this topology.
func (z *zone) relayed(m Media) bool { return z.relay.on && m != P2PDirect }

func (z *zone) member(user uuid.UUID) *member {
	for _, m := range z.members {
		if m.ID == user {
			return m
		}
	}
	return nil
}

// everyoneKnows says whether all members listed topology_changed, so that the zone can be taken back
// from the SFU: version 1 of the zone protocol has no message for that.
func (z *zone) everyoneKnows() bool {
	for _, m := range z.members {
		if !m.TopologyChanged {
			return false
		}
	}
	return true
}

func (z *zone) hardPair() bool {
	for _, p := range z.pairs {
		if p.hard {
			return true
		}
	}
	return false
}

// inPair says whether a member belongs to a pair that failed.
func (z *zone) inPair(user uuid.UUID) bool {
	for k := range z.pairs {
		if k[0] == user || k[1] == user {
			return true
		}
	}
	return false
}

// take gives the next epoch.
func (z *zone) take() Epoch {
	z.highest++
	return z.highest
}

// hasSession says whether the SFU sees the member connected in the way of that epoch.
func (m *member) hasSession(e Epoch) bool { return m.up.ID != "" && m.up.Epoch == e }

// sessionEpoch is the epoch of the newest session the member was let in with; 0: none.
func (m *member) sessionEpoch() Epoch {
	if m.admitted.ID != "" {
		return m.admitted.Epoch
	}
	if m.up.ID != "" {
		return m.up.Epoch
	}
	return 0
}

// forgetSession is what remains of a member's SFU side once its session is down.
func (m *member) forgetSession() {
	m.up, m.upAt, m.flowing, m.reported = Session{}, time.Time{}, false, false
}
