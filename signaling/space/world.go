package space

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// World is the live state of a map: who is in it, and where. It is not safe for concurrent use; the
// caller's mutex guards it.
type World struct {
	// Static after construction.
	m     *Map
	rules Rules

	// Guarded by the caller's mutex.
	members map[uuid.UUID]*Member
	inZone  [][]*Member // by Zone.index, in order of arrival
	stands  []*Member   // by Map.at: who stands on the tile
	locks   map[uuid.UUID]Lock
	mutes   map[uuid.UUID]time.Time // by user: until when
	barred  bars
	search  search // scratch of freeTile and around
}

// Member is a user in a world. It is changed by World's methods alone and read under the same mutex.
type Member struct {
	Identity
	Zone *Zone
	Pose Pose

	stamped bool    // a timestamp was seen
	stamp   float64 // the last accepted one, of the client's own clock
	pace    pace
	held    []uuid.UUID // objects in World.locks, in the order in which they were granted
}

// NewWorld opens a map with nobody in it.
func NewWorld(m *Map, r Rules) *World {
	return &World{
		m: m, rules: r,
		members: make(map[uuid.UUID]*Member),
		inZone:  make([][]*Member, len(m.zones)),
		stands:  make([]*Member, m.Width*m.Height),
		locks:   make(map[uuid.UUID]Lock),
		mutes:   make(map[uuid.UUID]time.Time),
	}
}

// Map is the world's map.
func (w *World) Map() *Map { return w.m }

// Rules are the world's numbers.
func (w *World) Rules() Rules { return w.rules }

// Len is how many are in the world.
func (w *World) Len() int { return len(w.members) }

// Member finds a user in the world.
func (w *World) Member(user uuid.UUID) (*Member, bool) { m, ok := w.members[user]; return m, ok }

// Zone finds a zone of the world.
func (w *World) Zone(id uuid.UUID) (*Zone, bool) { return w.m.Zone(id) }

// InZone gives the members of a zone in the order of their arrival, as a copy.
func (w *World) InZone(zone uuid.UUID) []*Member {
	z, ok := w.m.Zone(zone)
	if !ok {
		return nil
	}
	return slices.Clone(w.inZone[z.index])
}

// Join takes a user into the spawn zone, on the first free tile of its spawns or nearest to them.
// Who is in already stays where it is. It is refused who was kicked a while ago (a *Refusal), or
// when no tile is free.
func (w *World) Join(id Identity, now time.Time) (*Member, error) {
	if m, ok := w.members[id.User]; ok {
		m.Identity = id
		return m, nil
	}
	if w.Barred(id.User, now) {
		return nil, &Refusal{Code: PermissionDenied, Field: "world_id", Reason: ReasonKicked}
	}
	z := w.m.SpawnZone()
	t, ok := w.freeTile(z)
	if !ok {
		return nil, &Refusal{Code: PermissionDenied, Field: "world_id", Reason: ReasonFull}
	}
	m := &Member{Identity: id}
	w.members[id.User] = m
	w.arrive(m, z, t, now)
	return m, nil
}

// Barred says that a user was kicked, and that the time is not over.
func (w *World) Barred(user uuid.UUID, now time.Time) bool { return w.barred.in(user, uuid.Nil, now) }

// arrive puts a member that stands nowhere onto a free tile, as one who just came.
func (w *World) arrive(m *Member, z *Zone, t Tile, now time.Time) {
	m.Pose.Facing, m.Pose.State = South, Idle
	m.pace = pace{since: now, slack: w.rules.Slack}
	w.enter(m, z, Point{float64(t.X), float64(t.Y)})
}

// Resume tells that a user is back by a new connection: its clock's timestamps start afresh.
func (w *World) Resume(user uuid.UUID) {
	if m, ok := w.members[user]; ok {
		m.stamped = false
	}
}

// Leave takes a user out of the world. Its tile and what it held are free at once. The Departure of a user who is not in
// it is empty.
func (w *World) Leave(user uuid.UUID) Departure {
	m, ok := w.members[user]
	if !ok {
		return Departure{}
	}
	d := w.exit(m)
	delete(w.members, user)
	return d
}

// enter puts a member that stands nowhere into a zone.
func (w *World) enter(m *Member, z *Zone, p Point) {
	m.Zone, m.Pose.X, m.Pose.Y = z, p.X, p.Y
	w.inZone[z.index] = append(w.inZone[z.index], m)
	w.stands[w.m.at(p.Tile())] = m
}

// exit is the inverse of enter. Whoever leaves a zone leaves what it held there.
func (w *World) exit(m *Member) Departure {
	d := Departure{Zone: m.Zone, Released: w.releaseAll(m)}
	in := w.inZone[m.Zone.index]
	if i := slices.Index(in, m); i >= 0 {
		w.inZone[m.Zone.index] = slices.Delete(in, i, i+1)
	}
	w.stands[w.m.at(m.Pose.Point().Tile())] = nil
	m.Zone = nil
	return d
}
