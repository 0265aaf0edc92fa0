package topology

import "time"

// normal repairs a policy that contradicts itself, so that the state machine cannot swing between two
// topologies on its own. The configuration refuses such values with words; this is the last resort.
func (p Policy) normal() Policy {
	p.PromoteAt = max(p.PromoteAt, 2)
	p.DemoteAt = min(p.DemoteAt, p.PromoteAt-1)
	p.DemoteAfter, p.Dwell, p.Cooldown = max(p.DemoteAfter, 0), max(p.Dwell, 0), max(p.Cooldown, 0)
	if p.Deadline <= 0 {
		p.Deadline = DefaultPolicy().Deadline
	}
	return p
}

// follow moves a settled zone to where the policy wants it, if it wants it elsewhere and may have it now.
func (z *zone) follow(now time.Time) bool {
	switch {
	case z.force.media != SFU && z.wantsSFU() && !now.Before(z.coolUntil):
		z.beginPromotion(now)
	case z.force.media == P2PDirect && z.wantsRelay():
		z.toRelay(now)
	case reached(z.demotionDue, now):
		z.beginDemotion(now)
	case reached(z.directDue, now):
		z.toDirect(now)
	default:
		return false
	}
	return true
}

// wantsSFU says whether the count or a pair that even the relay cannot join asks for the SFU.
func (z *zone) wantsSFU() bool { return len(z.members) >= z.policy.PromoteAt || z.hardPair() }

// wantsRelay says whether a pair needs it. It is never held back: those two do not hear each other.
func (z *zone) wantsRelay() bool { return z.relay.on && len(z.pairs) > 0 }

// demotionDue gives the time at which the zone may leave the SFU, and whether anything but time stands
// against it.
func (z *zone) demotionDue() (time.Time, bool) {
	if z.change != nil || z.force.media != SFU || z.wantsSFU() || !z.everyoneKnows() {
		return time.Time{}, false
	}
	switch {
	case z.anyBroken() && len(z.pairs) == 0:
		return z.calm(), true
	case !z.lowSince.IsZero():
		return latest(z.calm(), z.lowSince.Add(z.policy.DemoteAfter)), true
	}
	return time.Time{}, false
}

// directDue gives the same for the way back from the relay.
func (z *zone) directDue() (time.Time, bool) {
	if z.change != nil || z.force.media != P2PTurn || z.wantsRelay() {
		return time.Time{}, false
	}
	return z.calm(), true
}

// calm is the time from which changes that are not urgent may come again.
func (z *zone) calm() time.Time {
	return latest(z.coolUntil, z.changedAt.Add(z.policy.Dwell))
}

func (z *zone) anyBroken() bool {
	for _, m := range z.members {
		if m.broken {
			return true
		}
	}
	return false
}

func reached(due func() (time.Time, bool), now time.Time) bool {
	at, ok := due()
	return ok && !now.Before(at)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
