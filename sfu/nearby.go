package sfu

import (
	"cmp"
	"math"
	"slices"

	"github.com/google/uuid"
)

// Places tells where the members of a zone stand, in tiles. The SFU asks once a second for zones that have more pictures
// than slots, without any lock of its own.
type Places interface {
	Positions(zone uuid.UUID, yield func(user uuid.UUID, x, y float64))
}

const (
	cellTiles = 4  // an edge of a cell; one avatar stands on a tile, so a cell holds 16
	cellRings = 10 // farther than 40 tiles nobody is near
)

type point struct{ x, y float64 }

type cell struct{ x, y int32 }

func (p point) cell() cell {
	return cell{int32(math.Floor(p.x / cellTiles)), int32(math.Floor(p.y / cellTiles))}
}

// nearby finds who stands near a place, at a cost that does not grow with how many are in the zone.
type nearby struct {
	at    map[uuid.UUID]point
	cells map[cell][]uuid.UUID
}

func (n *nearby) clear() {
	if n.at == nil {
		n.at, n.cells = make(map[uuid.UUID]point), make(map[cell][]uuid.UUID)
	}
	clear(n.at)
	clear(n.cells)
}

func (n *nearby) put(user uuid.UUID, p point) {
	n.at[user] = p
	n.cells[p.cell()] = append(n.cells[p.cell()], user)
}

func (n *nearby) distance(a, b uuid.UUID) (tiles float64, known bool) {
	p, ok := n.at[a]
	q, too := n.at[b]
	return math.Hypot(p.x-q.x, p.y-q.y), ok && too
}

// find gives the most of those for whom ok holds that stand nearest to user, the nearest first: it looks at
// whole rings of cells around, until nobody outside can be nearer.
func (n *nearby) find(user uuid.UUID, most int, ok func(uuid.UUID) bool) []uuid.UUID {
	here, known := n.at[user]
	if !known || most <= 0 {
		return nil
	}
	var found []uuid.UUID
	c := here.cell()
	look := func(x, y int32) {
		for _, u := range n.cells[cell{c.x + x, c.y + y}] {
			if u != user && ok(u) {
				found = append(found, u)
			}
		}
	}
	for ring := int32(0); ring <= cellRings; ring++ {
		for i := -ring; i <= ring; i++ {
			look(i, -ring)
			if ring > 0 {
				look(i, ring)
			}
			if i > -ring && i < ring {
				look(-ring, i)
				look(ring, i)
			}
		}
		if len(found) >= most {
			n.sort(user, found)
			// Whoever has not been looked at stands farther off than that.
			if d, _ := n.distance(user, found[most-1]); d <= float64(ring)*cellTiles {
				return found[:most]
			}
		}
	}
	n.sort(user, found)
	return found[:min(most, len(found))]
}

func (n *nearby) sort(from uuid.UUID, users []uuid.UUID) {
	slices.SortStableFunc(users, func(a, b uuid.UUID) int {
		p, _ := n.distance(from, a)
		q, _ := n.distance(from, b)
		return cmp.Compare(p, q)
	})
}
