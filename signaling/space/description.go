package space

import "github.com/google/uuid"

// Description is a world as GET /api/worlds/{id} gives it to a client.
type Description struct {
	WorldID   uuid.UUID           `json:"world_id"`
	Name      string              `json:"name"`
	Width     int                 `json:"width"`
	Height    int                 `json:"height"`
	Collision []Tile              `json:"collision"`
	Spawns    []SpawnDescription  `json:"spawns"`
	Zones     []ZoneDescription   `json:"zones"`
	Objects   []ObjectDescription `json:"objects"`
}

// SpawnDescription is a spawn of a Description.
type SpawnDescription struct {
	X      int       `json:"x"`
	Y      int       `json:"y"`
	ZoneID uuid.UUID `json:"zone_id"`
}

// ZoneDescription is a zone of a Description.
type ZoneDescription struct {
	ZoneID   uuid.UUID `json:"zone_id"`
	Name     string    `json:"name"`
	ZoneType ZoneType  `json:"zone_type"`
	Areas    []Rect    `json:"areas"`
	Capacity *int      `json:"capacity"` // null: no limit
	Roles    []Role    `json:"roles"`    // null: everyone
}

// ObjectDescription is an object of a Description.
type ObjectDescription struct {
	ObjectID   uuid.UUID  `json:"object_id"`
	Name       string     `json:"name"`
	Kind       string     `json:"kind"`
	ZoneID     uuid.UUID  `json:"zone_id"`
	Position   Tile       `json:"position"`
	Actions    []string   `json:"actions"`
	Solid      bool       `json:"solid"`
	Roles      []Role     `json:"roles"`       // null: everyone
	DocumentID *uuid.UUID `json:"document_id"` // null: none
}

// Description gives what a client needs to draw the world and to walk in it. Lists are never null,
// their order is the file's, and collision tiles go row by row.
func (m *Map) Description() Description {
	d := Description{
		WorldID: m.ID, Name: m.Name, Width: m.Width, Height: m.Height,
		Collision: []Tile{},
		Spawns:    make([]SpawnDescription, 0, len(m.spawns)),
		Zones:     make([]ZoneDescription, 0, len(m.zones)),
		Objects:   make([]ObjectDescription, 0, len(m.objects)),
	}
	for i, f := range m.grid.flags {
		if f&flagCollision != 0 {
			d.Collision = append(d.Collision, m.tile(i))
		}
	}
	for _, s := range m.spawns {
		d.Spawns = append(d.Spawns, SpawnDescription{X: s.X, Y: s.Y, ZoneID: s.Zone.ID})
	}
	for _, z := range m.zones {
		zd := ZoneDescription{ZoneID: z.ID, Name: z.Name, ZoneType: z.Type, Areas: z.Areas, Roles: z.Roles}
		if z.Areas == nil {
			zd.Areas = []Rect{}
		}
		if z.Capacity > 0 {
			c := z.Capacity
			zd.Capacity = &c
		}
		d.Zones = append(d.Zones, zd)
	}
	for _, o := range m.objects {
		od := ObjectDescription{
			ObjectID: o.ID, Name: o.Name, Kind: o.Kind, ZoneID: o.Zone.ID, Position: o.Position,
			Actions: o.Actions, Solid: o.Solid, Roles: o.Roles,
		}
		if o.Actions == nil {
			od.Actions = []string{}
		}
		if o.Document != uuid.Nil {
			id := o.Document
			od.DocumentID = &id
		}
		d.Objects = append(d.Objects, od)
	}
	return d
}
