package node_test

import (
	"testing"

	"github.com/google/uuid"

	"atrium/cmd/atrium/node"
	"atrium/signaling/space"
)

// TestDemoWorld: the demo has what the protocol's documents promise, and every place can be walked to.
func TestDemoWorld(t *testing.T) {
	worlds, err := node.Worlds(config(t))
	if err != nil || len(worlds) != 1 {
		t.Fatalf("%v, %v", worlds, err)
	}
	m := worlds[0]
	if m.SpawnZone().Type != space.OpenArea {
		t.Errorf("people arrive in a %s", m.SpawnZone().Type)
	}
	types := map[space.ZoneType]int{}
	for _, z := range m.Zones() {
		types[z.Type]++
		if z.Type == space.PrivateRoom && (z.Admits(space.Guest) || !z.Admits(space.Plain) || !z.Admits(space.Editor) || !z.Admits(space.Admin)) {
			t.Errorf("%s admits %v", z.Name, z.Roles)
		}
	}
	if len(types) != 4 {
		t.Errorf("zone types: %v", types)
	}
	kinds, boards := map[string]int{}, 0
	for _, o := range m.Objects() {
		kinds[o.Kind]++
		if o.Kind == "whiteboard" && o.Document != uuid.Nil {
			boards++
		}
		if d, ok := m.Document(o.Document); o.Document != uuid.Nil && (!ok || d.Text == "") {
			t.Errorf("the document of %s has no text", o.Name)
		}
	}
	if kinds["chair"] < 8 || kinds["desk"] < 2 || kinds["plant"] < 2 || boards == 0 {
		t.Errorf("%v, %d of the whiteboards with a document", kinds, boards)
	}
	if len(m.Spawns()) < 4 || len(m.Description().Collision) < 50 {
		t.Errorf("%d spawns, %d walls", len(m.Spawns()), len(m.Description().Collision))
	}

	reached := map[space.Tile]bool{m.Spawns()[0].Tile: true}
	for queue := []space.Tile{m.Spawns()[0].Tile}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, next := range []space.Tile{{X: at.X + 1, Y: at.Y}, {X: at.X - 1, Y: at.Y}, {X: at.X, Y: at.Y + 1}, {X: at.X, Y: at.Y - 1}} {
			if !m.Blocked(next) && !m.Solid(next) && !reached[next] {
				reached[next] = true
				queue = append(queue, next)
			}
		}
	}
	for y := range m.Height {
		for x := range m.Width {
			at := space.Tile{X: x, Y: y}
			if !m.Blocked(at) && !m.Solid(at) && !reached[at] {
				t.Errorf("nobody can walk to %v", at)
			}
		}
	}
	for _, o := range m.Objects() {
		near := false
		for dy := -2; dy <= 2; dy++ {
			for dx := -2; dx <= 2; dx++ {
				at := space.Tile{X: o.Position.X + dx, Y: o.Position.Y + dy}
				z, ok := m.ZoneAt(at)
				near = near || ok && z == o.Zone && reached[at]
			}
		}
		if !near {
			t.Errorf("nobody can use %s", o.Name)
		}
	}
}
