package space

// search is the scratch of what looks for tiles step by step: one queue, and one mark per tile, kept between calls.
type search struct {
	queue []int32
	seen  []uint32 // round in which the tile was seen
	round uint32
}

// begin forgets what was seen before, on a map of so many tiles.
func (s *search) begin(tiles int) {
	if len(s.seen) != tiles {
		s.seen, s.round = make([]uint32, tiles), 0
	}
	if s.round++; s.round == 0 { // it came round: forget all marks
		clear(s.seen)
		s.round = 1
	}
	s.queue = s.queue[:0]
}

// see queues a tile that was not seen yet.
func (s *search) see(i int) bool {
	if s.seen[i] == s.round {
		return false
	}
	s.seen[i] = s.round
	s.queue = append(s.queue, int32(i))
	return true
}

// freeTile finds where somebody arrives in a zone: the first spawn of the zone that is free, else the
// free tile that is the fewest steps away from the spawns. Steps stay on the zone's walkable tiles,
// so that nobody arrives behind a wall while there is room before it; a zone of several parts is
// then searched as a whole.
func (w *World) freeTile(z *Zone) (Tile, bool) {
	m, s := w.m, &w.search
	s.begin(len(m.grid.flags))
	visit := func(t Tile) {
		if !m.Contains(t) {
			return
		}
		if i := m.at(t); m.grid.zone[i] == z.index && m.grid.flags[i] == 0 {
			s.see(i)
		}
	}
	for _, sp := range m.spawns {
		if sp.Zone == z {
			visit(sp.Tile)
		}
	}
	for n := 0; n < len(s.queue); n++ {
		i := int(s.queue[n])
		if w.stands[i] == nil {
			return m.tile(i), true
		}
		t := m.tile(i)
		visit(Tile{t.X, t.Y - 1})
		visit(Tile{t.X + 1, t.Y})
		visit(Tile{t.X, t.Y + 1})
		visit(Tile{t.X - 1, t.Y})
	}
	for i, zi := range m.grid.zone {
		if zi == z.index && m.grid.flags[i] == 0 && w.stands[i] == nil {
			return m.tile(i), true
		}
	}
	return Tile{}, false
}
