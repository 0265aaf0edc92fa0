package space

import (
	"math"
	"time"

	"github.com/google/uuid"
)

// Move takes a step inside the member's zone, or says why not and where the member stands. Nil:
// accepted. timestamp is the client's own clock, nil where the message has none. Empty Facing or State
// keep what they were.
//
// The first rule that applies counts: older than the last timestamp, out of the map, a collision tile,
// another zone, too fast, occupied, and last a wall in between (way). A refused step changes nothing.
func (w *World) Move(user uuid.UUID, pose Pose, timestamp *float64, now time.Time) *Correction {
	m, ok := w.members[user]
	if !ok {
		return &Correction{Reason: Invalid}
	}
	if timestamp != nil && m.stamped && *timestamp < m.stamp {
		return m.correct(Invalid)
	}
	length, c := w.step(m, m.Zone, pose.Point(), now)
	if c != nil {
		return c
	}
	m.pace.take(w.rules, length, now)
	w.stands[w.m.at(m.Pose.Point().Tile())] = nil
	w.stands[w.m.at(pose.Point().Tile())] = m
	m.Pose.X, m.Pose.Y = pose.X, pose.Y
	if pose.Facing != "" {
		m.Pose.Facing = pose.Facing
	}
	if pose.State != "" {
		m.Pose.State = pose.State
	}
	if timestamp != nil {
		m.stamped, m.stamp = true, *timestamp
	}
	return nil
}

// step checks a step into a zone, changing nothing, and gives its length.
func (w *World) step(m *Member, z *Zone, to Point, now time.Time) (float64, *Correction) {
	t := to.Tile()
	if !w.m.Contains(t) {
		return 0, m.correct(Invalid)
	}
	i := w.m.at(t)
	switch {
	case w.m.grid.flags[i]&flagCollision != 0:
		return 0, m.correct(Collision)
	case w.m.grid.zone[i] != z.index:
		return 0, m.correct(Invalid)
	case !m.pace.allows(w.rules, m.distance(to), now):
		return 0, m.correct(Invalid)
	case w.m.grid.flags[i]&flagSolid != 0:
		return 0, m.correct(Occupied)
	case w.stands[i] != nil && w.stands[i] != m:
		return 0, m.correct(Occupied)
	}
	length, ok := w.way(m, to, m.pace.budget(w.rules, now))
	if !ok {
		return 0, m.correct(Collision)
	}
	return length, nil
}

func (m *Member) correct(reason string) *Correction {
	return &Correction{X: m.Pose.X, Y: m.Pose.Y, Reason: reason}
}

func (m *Member) distance(to Point) float64 { return math.Hypot(to.X-m.Pose.X, to.Y-m.Pose.Y) }

// pace measures a member's speed on the server's clock: what it may walk is what the time since its
// last step gives, and the slack that earlier steps left. So a single step never fails because two
// messages came close together, and many small ones are no way around the limit.
type pace struct {
	since time.Time
	slack float64 // tiles left, at since
}

// epsilon forgives the rounding of sums of fractions.
const epsilon = 1e-6

func (p pace) budget(r Rules, now time.Time) float64 {
	return p.slack + r.MaxSpeed*max(0, now.Sub(p.since).Seconds())
}

func (p pace) allows(r Rules, distance float64, now time.Time) bool {
	return distance <= p.budget(r, now)+epsilon
}

func (p *pace) take(r Rules, distance float64, now time.Time) {
	p.slack = max(0, min(r.Slack, p.budget(r, now)-distance))
	if now.After(p.since) {
		p.since = now
	}
}
