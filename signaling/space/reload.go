package space

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Displaced is a member that a new drawing left without its place: in no zone, until Settle gives it another.
type Displaced struct {
	User uuid.UUID
	From *Zone // of the former map
}

// Reload opens another drawing of the same world. Who can stay where it stands does: its zone is there, admits it, has
// room for it (who came first, stays), and its tile is a walkable one of that zone. The others are taken off the map and
// listed in the order of their zones and arrival, who was in what is the spawn zone now before all others; in this order
// each must be given to Settle before anything else is asked of the world. Locks end whose object is gone, or is no longer in its holder's zone; they are listed too.
func (w *World) Reload(m *Map) (displaced []Displaced, released []Lock) {
	former, inZone := w.m, w.inZone
	w.m = m
	w.inZone = make([][]*Member, len(m.zones))
	w.stands = make([]*Member, m.Width*m.Height)
	for _, z := range former.zones {
		for _, mb := range inZone[z.index] {
			if in, ok := w.keeps(mb); ok {
				w.enter(mb, in, mb.Pose.Point())
				continue
			}
			displaced = append(displaced, Displaced{User: mb.User, From: z})
			mb.Zone = nil
		}
	}
	spawn := m.SpawnZone().ID
	slices.SortStableFunc(displaced, func(a, b Displaced) int {
		switch {
		case a.From.ID == spawn && b.From.ID != spawn:
			return -1
		case a.From.ID != spawn && b.From.ID == spawn:
			return 1
		}
		return 0
	})
	holders := make(map[uuid.UUID]uuid.UUID, len(w.locks)) // user -> the zone it is in, or was
	for _, d := range displaced {
		holders[d.User] = d.From.ID
	}
	for _, o := range former.objects {
		l, held := w.locks[o.ID]
		if !held {
			continue
		}
		mb := w.members[l.User]
		zone, off := holders[l.User]
		if !off {
			zone = mb.Zone.ID
		}
		if now, ok := m.Object(o.ID); !ok || now.Zone.ID != zone {
			w.release(mb, o.ID)
			released = append(released, l)
		}
	}
	return displaced, released
}

// keeps finds the zone in which a member may stay where it stands.
func (w *World) keeps(m *Member) (*Zone, bool) {
	z, ok := w.m.Zone(m.Zone.ID)
	if !ok || !z.Admits(m.Role) || z.Capacity > 0 && len(w.inZone[z.index]) >= z.Capacity {
		return nil, false
	}
	t := m.Pose.Point().Tile()
	if in, ok := w.m.ZoneAt(t); !ok || in != z || w.m.Blocked(t) || w.m.Solid(t) {
		return nil, false
	}
	return z, true
}

// Settle gives a displaced member a free tile of the spawn zone. Who was in that zone is in it still, and keeps what it
// holds. A *Refusal: no tile is free, and the member is out of the world.
func (w *World) Settle(d Displaced, now time.Time) (Departure, error) {
	m := w.members[d.User]
	left := Departure{Zone: d.From}
	spawn := w.m.SpawnZone()
	t, ok := w.freeTile(spawn)
	if !ok {
		left.Released = w.releaseAll(m)
		delete(w.members, d.User)
		return left, &Refusal{Code: PermissionDenied, Reason: ReasonFull}
	}
	if spawn.ID != d.From.ID {
		left.Released = w.releaseAll(m)
	}
	w.arrive(m, spawn, t, now)
	return left, nil
}
