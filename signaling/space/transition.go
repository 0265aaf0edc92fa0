package space

import (
	"time"

	"github.com/google/uuid"
)

// Transition walks a member from its zone into another one, by a legal step onto pos. The error is a
// *Refusal, checked in this order: the zone it is in, the target, the role, the capacity, a removal
// that is still in force; or the *Correction of a step that is none.
func (w *World) Transition(user, from, to uuid.UUID, pos Point, now time.Time) (Departure, error) {
	m, ok := w.members[user]
	if !ok {
		return Departure{}, &Refusal{Code: InvalidRequest, Reason: ReasonNotJoined}
	}
	if m.Zone.ID != from {
		return Departure{}, &Refusal{Code: InvalidRequest, Field: "from_zone_id"}
	}
	z, ok := w.m.Zone(to)
	if !ok {
		return Departure{}, &Refusal{Code: ZoneNotFound, Field: "to_zone_id"}
	}
	switch {
	case z == m.Zone:
		return Departure{}, &Refusal{Code: InvalidRequest, Field: "to_zone_id", Reason: ReasonSameZone}
	case !z.Admits(m.Role):
		return Departure{}, &Refusal{Code: PermissionDenied, Field: "to_zone_id", Reason: ReasonRole}
	case z.Capacity > 0 && len(w.inZone[z.index]) >= z.Capacity:
		return Departure{}, &Refusal{Code: PermissionDenied, Field: "to_zone_id", Reason: ReasonFull}
	case w.barred.in(user, z.ID, now):
		return Departure{}, &Refusal{Code: PermissionDenied, Field: "to_zone_id", Reason: ReasonRemoved}
	}
	length, c := w.step(m, z, pos, now)
	if c != nil {
		return Departure{}, c
	}
	m.pace.take(w.rules, length, now)
	d := w.exit(m)
	w.enter(m, z, pos)
	return d, nil
}
