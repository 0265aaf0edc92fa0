package topology

import "time"

const (
	// flowWait is how long after a session came up a change waits for the uplinks that the SFU has not seen yet:
	// a muted microphone or a camera that is off sends nothing (zone protocol, "Promotion").
	flowWait = time.Second

	// overlap is how long the peer-to-peer way is kept after a promotion's commit. Members close it at the
	// latest 2 s after the commit (the same place); one more for a commit that takes long to reach them.
	overlap = 3 * time.Second
)

// beginPromotion invites everyone to the SFU. Their peer-to-peer media goes on.
func (z *zone) beginPromotion(now time.Time) {
	z.change = &change{
		to:       way{SFU, z.take()},
		reason:   Promoted,
		began:    now,
		deadline: now.Add(z.policy.Deadline),
	}
	z.note(began, Promoted, z.force, z.change.to, 0)
	for _, m := range z.members {
		m.reported, m.silent, m.broken, m.failures = false, 0, false, nil
		z.invite(m, z.change.to, now)
	}
}

// promotion commits when everyone is across, and decides at the deadline.
func (z *zone) promotion(now time.Time) bool {
	quorum, reported, flowing := 0, 0, 0
	for _, m := range z.members {
		if m.grace {
			continue // it cannot report; the others do not wait for it
		}
		quorum++
		if m.reported {
			reported++
			if m.flows(now) {
				flowing++
			}
		}
	}
	switch {
	case quorum > 0 && flowing == quorum:
		z.commitPromotion(now)
	case now.Before(z.change.deadline):
		return false
	case 2*reported >= quorum, !z.everyoneKnows():
		// Who lacks topology_changed may have closed its peer-to-peer media at its own SFU_CONNECTED and
		// could not be told to open it again.
		z.commitPromotion(now)
	default:
		z.rollBackPromotion(now)
	}
	return true
}

// flows says whether the others hear by the SFU what this member sends.
func (m *member) flows(now time.Time) bool {
	return m.flowing || !now.Before(m.upAt.Add(flowWait))
}

func (z *zone) commitPromotion(now time.Time) {
	old, took := z.force, now.Sub(z.change.began)
	z.force, z.change, z.changedAt = z.change.to, nil, now
	z.note(committed, Promoted, old, z.force, took)
	z.announce(z.force, Promoted)
	if z.relayed(old.media) {
		z.releases = append(z.releases, release{left: old, at: now.Add(overlap), allocations: true})
	}
	for _, m := range z.members {
		if !m.reported {
			z.invite(m, z.force, now)
		}
	}
}

// rollBackPromotion returns to the peer-to-peer topology. Members that were across have closed some of their
// peer-to-peer connections; their sessions stay up while they open them again.
func (z *zone) rollBackPromotion(now time.Time) {
	failed := *z.change
	z.change, z.changedAt, z.coolUntil = nil, now, now.Add(z.policy.Cooldown)
	z.note(rolledBack, Promoted, z.force, failed.to, now.Sub(failed.began))
	if z.force.media == P2PTurn {
		// What members hold is of the failed try by now, and who came meanwhile never had any other.
		z.keepRelay()
		for _, m := range z.members {
			z.credentials(m, z.force, now)
		}
	}
	z.announce(z.force, RolledBack)
	z.releases = append(z.releases, release{
		left:     failed.to,
		at:       now.Add(z.policy.Deadline),
		sessions: true,
		// Allocations are ended by "up to this epoch", so those of the failed try can only go
		// where none of a lower epoch are needed.
		allocations: z.relay.on && z.force.media == P2PDirect,
	})
	for _, m := range z.members {
		m.inviteAt, m.reported = time.Time{}, false
	}
}
