package space

import "math"

// maxWay bounds the tiles that one look for a way visits, which costs about a tenth of a millisecond. It holds a whole
// map of 64 x 64; on a larger one, who wants to be far away and behind a wall walks there in more than one message.
const maxWay = 4096

// way says whether a member may get to a point past the walls, and how far that is at least. A step onto its own tile or
// a neighbour's always may, diagonally too. A longer one may if the straight line crosses no collision tile, or if some
// chain of single steps past the collision tiles is no longer than what the member may walk now (most, in tiles): who
// sends its position seldom comes round a corner, and nobody gets through a wall by the slack that timing needs.
//
// The chain is counted in steps to neighbours, diagonal ones as one, which is never more than the walk's true length but
// for the fractions of a tile at its two ends. Only walls are in the way: people and furniture are walked around, and a
// zone's door is the transition's business.
func (w *World) way(m *Member, to Point, most float64) (length float64, ok bool) {
	length = m.distance(to)
	from := m.Pose.Point()
	if from.Tile().away(to.Tile()) <= 1 || w.m.clear(from, to) {
		return length, true
	}
	const ends = 1
	steps, ok := w.around(from.Tile(), to.Tile(), int(min(most, maxWay))+ends)
	return max(length, float64(steps-ends)), ok
}

// clear says whether the straight line between two points of the map crosses no collision tile. A line through the point
// where four tiles meet goes from one to the opposite one, as a single step does.
func (m *Map) clear(from, to Point) bool {
	t, end := from.Tile(), to.Tile()
	sx, atX, perX := crossings(from.X, to.X)
	sy, atY, perY := crossings(from.Y, to.Y)
	for t != end {
		// An axis that has arrived crosses nothing more, whatever the rounding says.
		if t.X == end.X {
			atX = math.Inf(1)
		}
		if t.Y == end.Y {
			atY = math.Inf(1)
		}
		x, y := atX <= atY, atY <= atX
		if x {
			t.X, atX = t.X+sx, atX+perX
		}
		if y {
			t.Y, atY = t.Y+sy, atY+perY
		}
		if m.Blocked(t) {
			return false
		}
	}
	return true
}

// crossings gives, for one axis, the direction, and in parts of the whole line where it first enters another tile and
// how much further each next one is.
func crossings(from, to float64) (sign int, first, per float64) {
	switch d := to - from; {
	case d > 0:
		return 1, (math.Floor(from) + 1 - from) / d, 1 / d
	case d < 0:
		return -1, (math.Floor(from) - from) / d, -1 / d
	}
	return 0, math.Inf(1), math.Inf(1)
}

// around counts the single steps of the shortest way past the collision tiles, of at most so many.
func (w *World) around(from, to Tile, most int) (steps int, ok bool) {
	m, s := w.m, &w.search
	s.begin(len(m.grid.flags))
	s.see(m.at(from))
	for n, level := 0, 0; n < len(s.queue) && n < maxWay; steps++ {
		if steps == most {
			return 0, false
		}
		for level = len(s.queue); n < level; n++ {
			at := m.tile(int(s.queue[n]))
			for dy := -1; dy <= 1; dy++ {
				for dx := -1; dx <= 1; dx++ {
					next := Tile{at.X + dx, at.Y + dy}
					if m.Blocked(next) || !s.see(m.at(next)) {
						continue
					}
					if next == to {
						return steps + 1, true
					}
				}
			}
		}
	}
	return 0, false
}
