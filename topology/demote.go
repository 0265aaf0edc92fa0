package topology

import "time"

// beginDemotion takes the zone back from the SFU: members connect to each other while the SFU goes on.
func (z *zone) beginDemotion(now time.Time) {
	to := P2PDirect
	if z.wantsRelay() {
		to = P2PTurn
	}
	z.change = &change{
		to:       way{to, z.take()},
		reason:   Demoted,
		began:    now,
		deadline: now.Add(z.policy.Deadline),
	}
	z.note(began, Demoted, z.force, z.change.to, 0)
	for _, m := range z.members {
		m.left, m.inviteAt = false, time.Time{}
	}
	if to == P2PTurn {
		z.keepRelay()
		z.relayForAll(z.change.to, now)
	}
	z.announce(z.change.to, Demoted)
}

// demotion ends when nobody needs the SFU any more, or at the deadline; and it is taken back at once when the
// zone needs the SFU after all, since nobody has left it.
func (z *zone) demotion(now time.Time) bool {
	if z.wantsSFU() {
		z.rollBackDemotion(now)
		return true
	}
	quorum, needed := 0, 0
	for _, m := range z.members {
		if m.grace {
			continue
		}
		quorum++
		if !m.left && m.hasSession(z.force.epoch) {
			needed++
		}
	}
	if (quorum == 0 || needed > 0) && now.Before(z.change.deadline) {
		return false
	}
	z.commitDemotion(now)
	return true
}

func (z *zone) commitDemotion(now time.Time) {
	old, took := z.force, now.Sub(z.change.began)
	z.force, z.change, z.changedAt = z.change.to, nil, now
	z.note(committed, Demoted, old, z.force, took)
	for _, m := range z.members {
		m.broken, m.failures, m.reported = false, nil, false
	}
	z.releases = append(z.releases, release{left: old, at: now, sessions: true, allocations: z.relay.on})
	z.free(now)
}

func (z *zone) rollBackDemotion(now time.Time) {
	failed := *z.change
	z.change, z.changedAt, z.coolUntil = nil, now, now.Add(z.policy.Cooldown)
	z.note(rolledBack, Demoted, z.force, failed.to, now.Sub(failed.began))
	for _, m := range z.members {
		// What was given for the way that is not taken is good no more.
		if m.credentials.epoch == failed.to.epoch {
			z.credentials(m, z.force, now)
		}
	}
	z.announce(z.force, RolledBack)
	for _, m := range z.members {
		m.left = false
		if !m.hasSession(z.force.epoch) {
			z.invite(m, z.force, now)
		}
	}
}
