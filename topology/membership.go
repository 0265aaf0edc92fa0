package topology

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// arrive takes a member in, or takes it back from its grace, and tells it what the way ahead needs.
func (z *zone) arrive(who Member, now time.Time) {
	m := z.member(who.ID)
	if m == nil {
		m = &member{Member: who, left: true} // it never was in the SFU, so a demotion need not wait for it
		z.members = append(z.members, m)
		z.count(now)
	} else {
		// A resume: perhaps the page was reloaded and holds nothing, perhaps only its connection was lost
		// and its media goes on. It is told everything anew; what the SFU sees of it still counts.
		m.Member, m.grace = who, false
		m.invited, m.credentials.epoch = 0, 0
	}
	z.settle(now)
	switch w := z.ahead(); {
	case w.media == SFU && m.invited != w.epoch:
		z.invite(m, w, now)
	case w.media == P2PTurn && m.credentials.epoch != w.epoch:
		z.credentials(m, w, now)
	}
}

// leave takes a member out: what it holds ends with its membership.
func (z *zone) leave(user uuid.UUID, now time.Time) {
	i := slices.IndexFunc(z.members, func(m *member) bool { return m.ID == user })
	if i < 0 {
		return
	}
	z.members = slices.Delete(z.members, i, i+1)
	for k := range z.pairs {
		if k[0] == user || k[1] == user {
			delete(z.pairs, k)
		}
	}
	z.emit(endSession{user, SessionLeft})
	if z.relay.on {
		z.emit(endAllocations{user, z.highest})
	}
	z.count(now)
}

// count notes since when the zone has been small.
func (z *zone) count(now time.Time) {
	switch small := len(z.members) <= z.policy.DemoteAt; {
	case !small:
		z.lowSince = time.Time{}
	case z.lowSince.IsZero():
		z.lowSince = now
	}
}
