package space

import (
	"slices"

	"github.com/google/uuid"
)

// Map is a world as it was drawn. It never changes after ParseMap, but for Workspace, which the
// wiring sets before anyone sees the map when the file does not say.
type Map struct {
	ID        uuid.UUID
	Workspace uuid.UUID // uuid.Nil: the file names none
	Name      string
	Width     int
	Height    int

	zones   []*Zone // in the file's order
	objects []*Object
	spawns  []Spawn
	grid    grid

	zoneByID   map[uuid.UUID]*Zone
	objectByID map[uuid.UUID]*Object
	documents  map[uuid.UUID]*Document
}

// Rect is an area of a zone, in tiles.
type Rect struct {
	X      int `json:"x"`
	Y      int `json:"y"`
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Zone is a part of a world whose members see and hear each other.
type Zone struct {
	ID       uuid.UUID
	World    uuid.UUID
	Name     string
	Type     ZoneType
	Areas    []Rect
	Capacity int    // 0: no limit
	Roles    []Role // nil: everyone may enter

	index uint16 // in Map.zones
}

// Admits says whether a role may enter the zone.
func (z *Zone) Admits(r Role) bool { return z.Roles == nil || slices.Contains(z.Roles, r) }

// Object is a thing on the map that people use.
type Object struct {
	ID       uuid.UUID
	Name     string
	Kind     string
	Zone     *Zone
	Position Tile
	Actions  []string // of sit, use, attach
	Solid    bool     // nobody stands on it
	Roles    []Role   // nil: everyone may use it
	Document uuid.UUID
}

// Document is what opens with an object that has a document_id.
type Document struct {
	ID   uuid.UUID
	Name string // of the first object that names it
	Text string // empty: no file was drawn with it

	file string // where Text came from
}

// Spawn is a tile where people arrive.
type Spawn struct {
	Tile
	Zone *Zone
}

// Zones gives the zones in the file's order. It must not be changed.
func (m *Map) Zones() []*Zone { return m.zones }

// Objects gives the objects in the file's order. It must not be changed.
func (m *Map) Objects() []*Object { return m.objects }

// Spawns gives the spawns in the file's order. It must not be changed.
func (m *Map) Spawns() []Spawn { return m.spawns }

// Document gives the document of an id that an object of the world names.
func (m *Map) Document(id uuid.UUID) (*Document, bool) {
	d, ok := m.documents[id]
	return d, ok
}

// SpawnZone is where people arrive: the first spawn's zone.
func (m *Map) SpawnZone() *Zone { return m.spawns[0].Zone }

// Zone finds a zone.
func (m *Map) Zone(id uuid.UUID) (*Zone, bool) { z, ok := m.zoneByID[id]; return z, ok }

// Object finds an object.
func (m *Map) Object(id uuid.UUID) (*Object, bool) { o, ok := m.objectByID[id]; return o, ok }

// ZoneAt gives the zone of a tile: its area's, or the spawn zone for a walkable tile in no area.
// Tiles outside the map and walls in no area have none.
func (m *Map) ZoneAt(t Tile) (*Zone, bool) {
	if !m.Contains(t) {
		return nil, false
	}
	z := m.grid.zone[m.at(t)]
	if z == noZone {
		return nil, false
	}
	return m.zones[z], true
}

// Contains says whether a tile is inside the map.
func (m *Map) Contains(t Tile) bool { return t.X >= 0 && t.Y >= 0 && t.X < m.Width && t.Y < m.Height }

// Blocked says whether a tile is outside the map or a collision tile.
func (m *Map) Blocked(t Tile) bool {
	return !m.Contains(t) || m.grid.flags[m.at(t)]&flagCollision != 0
}

// Solid says whether a solid object stands on a tile of the map.
func (m *Map) Solid(t Tile) bool { return m.Contains(t) && m.grid.flags[m.at(t)]&flagSolid != 0 }

// at is the tile's place in the grid.
func (m *Map) at(t Tile) int { return t.Y*m.Width + t.X }

// tile is the inverse of at.
func (m *Map) tile(i int) Tile { return Tile{i % m.Width, i / m.Width} }

// grid answers every question about a tile in one look-up. Indices are Map.at.
type grid struct {
	zone  []uint16 // index in Map.zones, or noZone
	flags []uint8
}

const (
	flagCollision uint8 = 1 << iota
	flagSolid
)

const noZone = ^uint16(0)
