package space

import (
	"time"

	"github.com/google/uuid"
)

// Transition walks a member from its zone into another one, by a legal step onto pos. The error is a
// *Refusal, checked in this order: the zone it is in, the target, the role, the capacity, a removal
// that is still in force; or the *Correction of a step that is none.
func (w *World) Transition(user, from, to uuid.UUID, pos Point, now time.Time) (*Zone, error) {
	m, ok := w.members[user]
	if !ok {
		return nil, &Refusal{Code: InvalidRequest, Reason: ReasonNotJoined}
	}
	if m.Zone.ID != from {
		return nil, &Refusal{Code: InvalidRequest, Field: "from_zone_id"}
	}
	z, ok := w.m.Zone(to)
	if !ok {
		return nil, &Refusal{Code: ZoneNotFound, Field: "to_zone_id"}
	}
	switch {
	case z == m.Zone:
		return nil, &Refusal{Code: InvalidRequest, Field: "to_zone_id", Reason: ReasonSameZone}
	case !z.Admits(m.Role):
		return nil, &Refusal{Code: PermissionDenied, Field: "to_zone_id", Reason: ReasonRole}
	case z.Capacity > 0 && len(w.inZone[z.index]) >= z.Capacity:
		return nil, &Refusal{Code: PermissionDenied, Field: "to_zone_id", Reason: ReasonFull}
	case w.barred.in(user, z.ID, now):
		return nil, &Refusal{Code: PermissionDenied, Field: "to_zone_id", Reason: ReasonRemoved}
	}
	if c := w.step(m, z, pos, now); c != nil {
		return nil, c
	}
	m.pace.take(w.rules, m.distance(pos), now)
	w.exit(m)
	w.enter(m, z, pos)
	return z, nil
}
