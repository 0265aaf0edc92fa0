package topology

import "time"

// due is the next time at which something happens in the zone without an event; zero: never.
func (z *zone) due(now time.Time) time.Time {
	var next time.Time
	at := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if len(z.members) == 0 {
		return next
	}
	for _, r := range z.releases {
		at(r.at)
	}
	for _, m := range z.members {
		if t, ok := z.inviteDue(m); ok {
			at(t)
		}
		if t, ok := z.refreshDue(m); ok {
			at(t)
		}
		if z.changing(Promoted) && m.reported && !m.flows(now) {
			at(m.upAt.Add(flowWait))
		}
	}
	if z.change != nil {
		at(z.change.deadline)
		return next
	}
	if z.force.media != SFU && z.wantsSFU() {
		at(z.coolUntil)
	}
	if t, ok := z.demotionDue(); ok {
		at(t)
	}
	if t, ok := z.directDue(); ok {
		at(t)
	}
	return next
}
