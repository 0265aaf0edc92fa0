package topology

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// fail is ICE_FAILED: it moves a pair one stage on. The first failure calls for the relay; a second report of
// the same member, or a relay that is off, for the SFU. The other member's first report is of the first failure.
func (z *zone) fail(user, peer uuid.UUID, now time.Time) {
	if user == peer || z.member(user) == nil || z.member(peer) == nil {
		return
	}
	if z.change == nil && z.force.media == SFU {
		return // nothing is sent peer to peer here: a report that came late
	}
	key := keyOf(user, peer)
	p := z.pairs[key]
	if p == nil {
		p = &pair{reported: map[uuid.UUID]bool{user: true}, hard: !z.relay.on}
		z.pairs[key] = p
		if z.relay.on {
			z.connectByRelay(key, now)
		}
		return
	}
	p.hard = p.hard || p.reported[user]
	p.reported[user] = true
}

// connectByRelay gives both members of a pair what they need for the relay. In a settled P2P_DIRECT zone the
// policy does, together with the change.
func (z *zone) connectByRelay(key pairKey, now time.Time) {
	switch {
	case z.changing(Demoted) && z.change.to.media == P2PDirect:
		// The way back turns out to need the relay. The demotion goes on, to another target.
		was := z.change.to
		z.change.to = way{P2PTurn, z.take()}
		z.note(retargeted, Demoted, was, z.change.to, now.Sub(z.change.began))
		z.keepRelay()
		z.relayForAll(z.change.to, now)
		z.announce(z.change.to, Relay)
	case z.change != nil || z.force.media == P2PTurn:
		for _, id := range key {
			z.credentials(z.member(id), z.ahead(), now)
		}
	}
}

// toRelay makes a direct zone one that uses the relay. Nothing is given up for it, so nothing is waited for.
func (z *zone) toRelay(now time.Time) {
	old := z.force
	z.force, z.changedAt = way{P2PTurn, z.take()}, now
	z.note(committed, Relay, old, z.force, 0)
	z.keepRelay()
	z.relayForPairs(z.force, now)
	z.announce(z.force, Relay)
}

// relayForPairs gives the members of pairs that need the relay their credentials, before they are told of the change.
func (z *zone) relayForPairs(w way, now time.Time) {
	for _, m := range z.members {
		if z.inPair(m.ID) {
			z.credentials(m, w, now)
		}
	}
}

// relayForAll gives everyone credentials at a demotion, before they are told of it: pairs are made anew, and who gets out by the
// relay alone needs it at both ends with everyone, also with those who came while the zone used it and never failed.
func (z *zone) relayForAll(w way, now time.Time) {
	for _, m := range z.members {
		z.credentials(m, w, now)
	}
}

// toDirect ends the need of the relay: no pair that failed is in the zone any more. Allocations stay up for a
// while, since members may still send over them.
func (z *zone) toDirect(now time.Time) {
	old := z.force
	z.force, z.changedAt = way{P2PDirect, z.take()}, now
	z.note(committed, Direct, old, z.force, 0)
	z.announce(z.force, Direct)
	z.releases = append(z.releases, release{left: old, at: now.Add(z.policy.Deadline), allocations: true})
}

// keepRelay is called when the zone needs the relay again: what is allocated stays.
func (z *zone) keepRelay() {
	for i := range z.releases {
		z.releases[i].allocations = false
	}
	z.releases = slices.DeleteFunc(z.releases, func(r release) bool { return !r.sessions })
}

// free ends the old ways whose time is up.
func (z *zone) free(now time.Time) {
	var due []release
	z.releases = slices.DeleteFunc(z.releases, func(r release) bool {
		if now.Before(r.at) {
			return false
		}
		due = append(due, r)
		return true
	})
	for _, r := range due {
		for _, m := range z.members {
			if e := m.sessionEpoch(); r.sessions && e != 0 && e <= r.left.epoch {
				z.emit(endSession{m.ID, SessionReleased})
			}
			if r.allocations {
				z.emit(endAllocations{m.ID, r.left.epoch})
			}
		}
	}
}
