package space

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// Reasons of a Denial, by their names in the zone protocol, section 9.3. Occupied and Invalid are a Correction's too.
const Unauthorized = "unauthorized"

// Denial is an object that a member does not get.
type Denial struct {
	Reason string // occupied, invalid or unauthorized
}

func (d *Denial) Error() string { return fmt.Sprintf("space: object denied (%s)", d.Reason) }

var _ error = (*Denial)(nil)

// Lock is an occupied object: who holds it, and by which lock.
type Lock struct{ Object, User, ID uuid.UUID }

// Departure is a zone that a member left, and the objects that it held there and holds no more.
type Departure struct {
	Zone     *Zone
	Released []uuid.UUID // in the order in which they were granted
}

// Interact grants an object to a member, or denies it. fresh becomes the lock's id; what the member holds already is
// granted again by the lock that it has (again). The error is a *Refusal for an object that does not exist, or a
// *Denial, checked in this order: the same zone, the action, the reach, the role, free.
func (w *World) Interact(user, object uuid.UUID, action string, fresh uuid.UUID) (lock uuid.UUID, again bool, err error) {
	m, ok := w.members[user]
	if !ok {
		return uuid.Nil, false, &Refusal{Code: InvalidRequest, Reason: ReasonNotJoined}
	}
	o, ok := w.m.Object(object)
	if !ok {
		return uuid.Nil, false, &Refusal{Code: ObjectNotFound, Field: "object_id"}
	}
	l, held := w.locks[object]
	switch {
	case o.Zone != m.Zone, !slices.Contains(o.Actions, action), float64(o.Position.away(m.Pose.Point().Tile())) > w.rules.Reach:
		return uuid.Nil, false, &Denial{Invalid}
	case o.Roles != nil && !slices.Contains(o.Roles, m.Role):
		return uuid.Nil, false, &Denial{Unauthorized}
	case held && l.User != user:
		return uuid.Nil, false, &Denial{Occupied}
	case held:
		return l.ID, true, nil
	}
	w.locks[object] = Lock{Object: object, User: user, ID: fresh}
	m.held = append(m.held, object)
	return fresh, false, nil
}

// EndInteract gives an object back. The error is a *Refusal: no such object, or a lock that is not the member's.
func (w *World) EndInteract(user, object, lock uuid.UUID) error {
	if _, ok := w.m.Object(object); !ok {
		return &Refusal{Code: ObjectNotFound, Field: "object_id"}
	}
	m, ok := w.members[user]
	if l, held := w.locks[object]; !ok || !held || l.User != user || l.ID != lock {
		return &Refusal{Code: PermissionDenied, Field: "lock_id"}
	}
	w.release(m, object)
	return nil
}

// release takes one object from its holder.
func (w *World) release(m *Member, object uuid.UUID) {
	delete(w.locks, object)
	m.held = slices.DeleteFunc(m.held, func(id uuid.UUID) bool { return id == object })
}

// releaseAll takes all from a member that leaves its zone, and lists them.
func (w *World) releaseAll(m *Member) []uuid.UUID {
	held := m.held
	m.held = nil
	for _, object := range held {
		delete(w.locks, object)
	}
	return held
}

// Locks lists the occupied objects of a zone, in the map's order.
func (w *World) Locks(zone uuid.UUID) []Lock {
	if len(w.locks) == 0 {
		return nil
	}
	var list []Lock
	for _, o := range w.m.objects {
		if l, ok := w.locks[o.ID]; ok && o.Zone.ID == zone {
			list = append(list, l)
		}
	}
	return list
}

// away is how many single steps lie between two tiles, a diagonal one counting as one.
func (t Tile) away(o Tile) int {
	dx, dy := t.X-o.X, t.Y-o.Y
	return max(dx, -dx, dy, -dy)
}
