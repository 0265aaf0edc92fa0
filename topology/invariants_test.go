package topology

import (
	"testing"
	"time"
)

// Invariant 1: a credential admits only live members of its zone, only within what the live peer count allows,
// only for a topology that the zone is in, is changing to or is leaving.
func TestCredentialsAdmitOnlyWhatIsLive(t *testing.T) {
	check(t, invariant{after: func(tr *trial, z int, _ event) {
		for _, c := range tr.minted[max(0, len(tr.minted)-4):] {
			tr.checkAdmission(c)
		}
		// And what nobody gave out: every user, there or not, with one of the epochs around.
		m := tr.models[z]
		e := []Epoch{m.inForce.epoch, m.highest, m.highest + 1}[len(tr.trace)%3]
		for u := range users {
			tr.checkAdmission(credential{z, userID(u), e, (u+len(tr.trace))%2 == 0})
		}
	}}, nil)
}

func (tr *trial) checkAdmission(c credential) {
	m, z := tr.models[c.zone], tr.zones[c.zone]
	live := m.peer(c.user) != nil
	var media []Media
	for _, w := range m.ways() {
		if w.epoch == c.epoch {
			media = append(media, w.media)
		}
	}
	right := func(ok func(Media) bool) bool { return live && len(media) == 1 && ok(media[0]) }
	if !c.turn {
		want := right(func(m Media) bool { return m == SFU })
		if err := z.admits(c.user, c.epoch); (err == nil) != want {
			tr.fail("SFU token of %s epoch %d in zone %d: admitted %t, want %t (%v; ways %v)", short(c.user), c.epoch, c.zone, err == nil, want, err, m.ways())
		}
		return
	}
	want := m.relay && right(func(m Media) bool { return m != P2PDirect })
	quota, err := z.mayAllocate(c.user, c.epoch)
	if (err == nil) != want {
		tr.fail("TURN credentials of %s epoch %d in zone %d: admitted %t, want %t (%v; ways %v)", short(c.user), c.epoch, c.zone, err == nil, want, err, m.ways())
	}
	if most := (len(m.live)-1)*m.per + m.per; want && quota > most {
		tr.fail("quota %d with %d live, at most %d", quota, len(m.live), most)
	}
	if settled := m.to == nil && m.last.Add(m.policy.Deadline).Before(tr.now); want && settled {
		right := m.per
		if m.inForce.media == P2PTurn {
			right = (len(m.live) - 1) * m.per
		}
		if quota != right {
			tr.fail("quota %d in settled %s with %d live, want %d", quota, m.inForce, len(m.live), right)
		}
	}
	if z.mayHold(c.user) && !live {
		tr.fail("%s may hold allocations in zone %d where it is not", short(c.user), c.zone)
	}
	if want && !z.mayHold(c.user) {
		tr.fail("%s may allocate in zone %d but not hold", short(c.user), c.zone)
	}
}

// Invariant 2: when events stop, every zone settles in the topology that the policy gives for its members,
// within a bounded time, and stays there.
func TestZonesSettleWhenEventsStop(t *testing.T) {
	check(t, invariant{}, func(tr *trial) {
		// Nothing happens any more but what must: graces end, clients do what they were told.
		tr.responds = true
		bound := time.Minute
		for u := range users {
			if z, in := tr.where[u]; in {
				if p := tr.models[z].peer(userID(u)); p.grace {
					tr.do(z, left{p.ID})
				}
			}
		}
		for z, m := range tr.models {
			p := m.policy
			bound = max(bound, 3*p.Deadline+2*p.Cooldown+2*p.Dwell+p.DemoteAfter)
			// Whoever was invited before the clients woke up answers now, and so do those who were told to leave.
			for _, who := range m.live {
				if m.to != nil && m.to.media != SFU {
					tr.do(z, sfuDisconnected{who.ID, false})
				}
			}
		}
		tr.settleClients()
		tr.pass(2 * bound)
		for z, m := range tr.models {
			if m.to != nil {
				tr.fail("zone %d still changes after %s", z, 2*bound)
			}
			tr.checkSettled(z)
		}
		epochs := make([]Epoch, len(tr.models))
		for z, m := range tr.models {
			epochs[z] = m.highest
		}
		tr.pass(5 * bound)
		for z, m := range tr.models {
			if m.highest != epochs[z] {
				tr.fail("zone %d does not stay settled", z)
			}
		}
	})
}

func (tr *trial) checkSettled(z int) {
	m := tr.models[z]
	if got := tr.zones[z].force; got != m.inForce {
		tr.fail("zone %d is in %s, announced was %s", z, got, m.inForce)
	}
	pairs, known := len(m.fails) > 0, true
	for _, p := range m.live {
		known = known && p.TopologyChanged
	}
	switch media := m.inForce.media; {
	case len(m.live) == 0:
		if media != P2PDirect {
			tr.fail("empty zone %d is in %s", z, media)
		}
	case m.wantsSFU():
		if media != SFU {
			tr.fail("zone %d with %d live (promote at %d) settled in %s", z, len(m.live), m.policy.PromoteAt, media)
		}
	case media == SFU:
		if len(m.live) <= m.policy.DemoteAt && known {
			tr.fail("zone %d with %d live (demote at %d) stays in the SFU", z, len(m.live), m.policy.DemoteAt)
		}
	case pairs != (media == P2PTurn):
		tr.fail("zone %d settled in %s, pairs that need the relay: %t", z, media, pairs)
	}
}

// Invariant 3: changes that only save resources never come faster than the dwell allows; a roll-back is followed
// by the cool-down.
func TestSavingsKeepTheDwell(t *testing.T) {
	check(t, invariant{each: func(tr *trial, z int, e effect) {
		n, ok := e.(noted)
		if !ok || n.stage != began && n.stage != committed {
			return
		}
		m := tr.models[z]
		saves := n.reason == Demoted && n.stage == began || n.reason == Direct
		tries := n.stage == began
		if since := tr.now.Sub(m.last); saves && !m.last.IsZero() && since < m.policy.Dwell {
			tr.fail("zone %d: %s after %s, the dwell is %s", z, n, since, m.policy.Dwell)
		}
		if since := tr.now.Sub(m.rolled); (saves || tries) && !m.rolled.IsZero() && since < m.policy.Cooldown {
			tr.fail("zone %d: %s %s after a roll-back, the cool-down is %s", z, n, since, m.policy.Cooldown)
		}
	}}, nil)
}

// Invariant 4: between a change's announcement and its release, no effect revokes anything of the old topology for
// a live member.
func TestNothingIsRevokedBeforeTheRelease(t *testing.T) {
	check(t, invariant{each: func(tr *trial, z int, e effect) {
		m := tr.models[z]
		switch e := e.(type) {
		case endSession:
			live := m.peer(e.user) != nil
			if !live {
				return
			}
			if e.reason == SessionLeft {
				tr.fail("zone %d: session of %s ended as if it had left", z, short(e.user))
			}
			for _, w := range m.ways() {
				if s, ok := tr.sessions[keyOfSession(z, e.user)]; ok && w.media == SFU && s.Epoch == w.epoch {
					tr.fail("zone %d: %s while %s is good", z, e, w)
				}
			}
		case endAllocations:
			if m.peer(e.user) == nil {
				return
			}
			for _, w := range m.ways() {
				if w.media != P2PDirect && e.upTo >= w.epoch {
					tr.fail("zone %d: %s while %s is good", z, e, w)
				}
			}
			// Members give up peer-to-peer media up to two seconds after a promotion, and the relay until the
			// deadline; not at all where it is needed again.
			was, since := m.left[e.upTo], tr.now.Sub(m.left[e.upTo].at)
			if was.reason == Promoted && since < 2*time.Second || was.reason == Direct && since < m.policy.Deadline {
				tr.fail("zone %d: %s, only %s after the commit", z, e, since)
			}
			for _, w := range m.ways() {
				if w.media == P2PTurn && was.reason != Demoted {
					tr.fail("zone %d: %s while the relay is needed again (%s)", z, e, w)
				}
			}
		}
	}}, nil)
}

// Invariant 5: each try takes a higher epoch than any before it; a roll-back names the epoch that is now in force;
// an effect of an epoch that is no longer good changes nothing.
func TestEpochsOnlyRise(t *testing.T) {
	check(t, invariant{
		each: func(tr *trial, z int, e effect) {
			m := tr.models[z]
			good := func(epoch Epoch) bool {
				for _, w := range m.ways() {
					if w.epoch == epoch {
						return true
					}
				}
				return false
			}
			switch e := e.(type) {
			case noted:
				if (e.stage == began || e.stage == retargeted || e.stage == committed && m.to == nil) && e.to.epoch <= m.highest {
					tr.fail("zone %d: %s, but epoch %d was taken", z, e, m.highest)
				}
				if e.stage == committed && m.to != nil && e.to != *m.to {
					tr.fail("zone %d: %s, announced was %s", z, e, *m.to)
				}
			case announce:
				if e.reason == RolledBack && e.to != m.inForce {
					tr.fail("zone %d: %s, in force is %s", z, e, m.inForce)
				}
				if !good(e.to.epoch) {
					tr.fail("zone %d: %s, good are %v", z, e, m.ways())
				}
				if p := m.peer(e.user); p == nil || !p.TopologyChanged || p.grace {
					tr.fail("zone %d: %s, who does not listen", z, e)
				}
			case invite:
				if !good(e.epoch) {
					tr.fail("zone %d: %s, good are %v", z, e, m.ways())
				}
			case giveCredentials:
				if !good(e.epoch) {
					tr.fail("zone %d: %s, good are %v", z, e, m.ways())
				}
			}
		},
		after: func(tr *trial, z int, e event) {
			if got, want := tr.zones[z].force, tr.models[z].inForce; got != want {
				tr.fail("zone %d is in %s, announced was %s", z, got, want)
			}
		},
	}, nil)
}

// Beyond the five: a change begins for a reason and at once, goes on as soon as it can, and a commit before the
// deadline has everyone's report.
func TestChangesAreAcknowledgedAndPrompt(t *testing.T) {
	check(t, invariant{
		each: func(tr *trial, z int, e effect) {
			m := tr.models[z]
			n, ok := e.(noted)
			switch {
			case !ok || n.reason != Promoted:
			case n.stage == began && !m.wantsSFU():
				tr.fail("zone %d: %s with %d live and no pair that needs it", z, n, len(m.live))
			case n.stage == committed && tr.now.Before(m.begun.Add(m.policy.Deadline)):
				tr.checkReports(z, n.to.epoch)
			}
		},
		after: func(tr *trial, z int, _ event) {
			m := tr.models[z]
			switch {
			case m.to == nil && m.inForce.media != SFU && m.wantsSFU() && tr.now.Sub(m.rolled) >= m.policy.Cooldown:
				tr.fail("zone %d with %d live is not promoted", z, len(m.live))
			case m.to != nil && m.to.media != SFU && m.wantsSFU():
				tr.fail("zone %d with %d live is still demoted", z, len(m.live))
			case m.to != nil && m.to.media == SFU && m.everyoneThere(tr.now):
				tr.fail("zone %d: everyone reported to %s and it is not committed", z, m.to)
			case m.to != nil && !tr.now.Before(m.begun.Add(m.policy.Deadline)):
				tr.fail("zone %d: the deadline of the change to %s is over", z, m.to)
			}
		},
	}, nil)
}

// everyoneThere says whether all who can have reported to the way ahead, and flow or had their second.
func (m *model) everyoneThere(now time.Time) bool {
	quorum := 0
	for _, p := range m.live {
		if p.grace {
			continue
		}
		quorum++
		if !p.reported || p.session.Epoch != m.to.epoch || !p.flowing && now.Sub(p.upAt) < time.Second {
			return false
		}
	}
	return quorum > 0
}

// checkReports holds a commit before the deadline against what the members and the SFU really said of this epoch.
func (tr *trial) checkReports(z int, e Epoch) {
	for _, p := range tr.models[z].live {
		switch {
		case p.grace:
		case !p.said.IsZero() && p.session.Epoch == e && p.upAt.Sub(p.said) >= 0 && p.upAt.Sub(p.said) <= earlyWait:
			// Its report overtook the SFU's word by a moment; from there on it counts.
		case !p.reported || p.session.Epoch != e:
			tr.fail("zone %d: committed to epoch %d without a report of %s (%s)", z, e, short(p.ID), p.session)
		case !p.flowing && tr.now.Sub(p.upAt) < time.Second:
			tr.fail("zone %d: committed to epoch %d though nothing of %s flows", z, e, short(p.ID))
		}
	}
}
