package space

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// MapError is one thing that is wrong with a map file.
type MapError struct {
	File    string
	Layer   string // empty: the map itself
	Object  string // its name in quotes, or "#" and its Tiled id; empty: the layer itself
	Problem string // what is wrong, and what would be right
}

func (e *MapError) Error() string {
	s := e.File
	if e.Layer != "" {
		s += fmt.Sprintf(": layer %q", e.Layer)
	}
	if e.Object != "" {
		s += ": object " + e.Object
	}
	return s + ": " + e.Problem
}

// Bounds of a map. The grid costs 11 bytes a tile.
const (
	maxSide   = 1000
	maxZones  = 10_000
	maxErrors = 100
)

// ParseMap reads a Tiled map (.tmj). It is strict: whatever it does not understand is an error, since
// a rule that is skipped would mean "allow". The error joins a *MapError for each problem.
//
// What the file holds:
//   - the map's properties world_id, name and, where the configuration's is not meant, workspace_id;
//   - tile layers, with a bool property collision on the layer, or on tiles of its tilesets;
//   - an object layer "zones": rectangles on the grid whose class is the zone type, with zone_id,
//     capacity, roles; a further rectangle with area_of (a zone_id) enlarges that zone;
//   - an object layer "spawns": points; the first one's zone is where people arrive;
//   - an object layer "objects": points or things of a tile's size, whose class is their kind, with
//     object_id, actions, solid, roles, document_id, document_file.
//
// Spawns and objects may name the zone_id that they are meant to stand in. An object layer of another
// name needs a bool property ignore.
//
// read gives the file of an external tileset (.tsj) or of a document's text by its path from the map's folder, which never
// leads out of it. Nil: every tileset must be embedded, and documents have no text.
func ParseMap(file string, data []byte, read func(name string) ([]byte, error)) (*Map, error) {
	p := &parser{file: file, read: read, ids: make(map[uuid.UUID]string)}
	if err := json.Unmarshal(data, &p.in); err != nil {
		p.report("", "", "no JSON map of Tiled: %v", err)
		return nil, p.err()
	}
	if !p.header() {
		return nil, p.err()
	}
	p.tilesets()
	p.layers("", p.in.Layers)
	p.zones()
	p.spawns()
	p.objects()
	p.spawnZone()
	if err := p.err(); err != nil {
		return nil, err
	}
	return p.out, nil
}

// CheckWorlds says what is wrong between maps: an id that stands in two of them. Zones are known to the
// rest of the process by their id alone.
func CheckWorlds(maps []*Map) error {
	var errs []error
	in := make(map[uuid.UUID]*Map)
	see := func(m *Map, id uuid.UUID, what, name string) {
		if other, ok := in[id]; ok && other != m {
			errs = append(errs, fmt.Errorf("world %q: the id %s of %s %q is also in world %q: give it one of its own", m.Name, id, what, name, other.Name))
			return
		}
		in[id] = m
	}
	for _, m := range maps {
		see(m, m.ID, "world", m.Name)
		for _, z := range m.zones {
			see(m, z.ID, "zone", z.Name)
		}
		for _, o := range m.objects {
			see(m, o.ID, "object", o.Name)
		}
	}
	return errors.Join(errs...)
}

// parser holds a map half-way between Tiled's view and ours.
type parser struct {
	file string
	read func(tileset string) ([]byte, error)
	in   tiledMap
	out  *Map

	walls map[uint32]bool // by gid: the tileset says collision
	gids  []gidRange      // of the tilesets, ascending

	found struct{ zones, spawns, objects []drawn } // by kind of layer, in the file's order
	later []func()                                 // checks that need everything read
	ids   map[uuid.UUID]string                     // what has the id

	errs    []error
	dropped int
}

// drawn is an object and the layer that it was drawn in.
type drawn struct {
	layer string
	*tiledObject
}

func (p *parser) report(layer, object, format string, args ...any) {
	if len(p.errs) >= maxErrors {
		p.dropped++
		return
	}
	p.errs = append(p.errs, &MapError{File: p.file, Layer: layer, Object: object, Problem: fmt.Sprintf(format, args...)})
}

func (p *parser) err() error {
	if p.dropped > 0 {
		p.errs = append(p.errs, fmt.Errorf("%s: and %d more", p.file, p.dropped))
		p.dropped = 0
	}
	return errors.Join(p.errs...)
}

func (p *parser) properties(layer, object string, list []tiledProperty) *properties {
	return &properties{list: list, report: func(format string, args ...any) {
		p.report(layer, object, format, args...)
	}}
}

// take claims an id for what it names, and reports it when something has it already.
func (p *parser) take(id uuid.UUID, what, layer, object string) {
	if id == uuid.Nil {
		return // reported where it was read
	}
	if other, ok := p.ids[id]; ok {
		p.report(layer, object, "duplicate id %s: %s has it already; make a new one", id, other)
		return
	}
	p.ids[id] = what
}

// header reads the map's own properties; false: nothing more can be said about the file.
func (p *parser) header() bool {
	m := &p.in
	bad := len(p.errs)
	if m.Type != "" && m.Type != "map" {
		p.report("", "", "it is a Tiled %s, want a map", short([]byte(m.Type)))
	}
	if m.Orientation != "" && m.Orientation != "orthogonal" {
		p.report("", "", "orientation is %s, want orthogonal", short([]byte(m.Orientation)))
	}
	if m.Infinite {
		p.report("", "", "the map is infinite: turn that off in its properties")
	}
	if m.Width < 1 || m.Height < 1 || m.Width > maxSide || m.Height > maxSide {
		p.report("", "", "its size is %d x %d tiles, want 1 to %d each way", m.Width, m.Height, maxSide)
	}
	if m.TileWidth < 1 || m.TileHeight < 1 {
		p.report("", "", "its tiles are %d x %d pixels, want at least 1", m.TileWidth, m.TileHeight)
	}
	if len(p.errs) > bad {
		return false
	}
	props := p.properties("", "", m.Properties)
	p.out = &Map{
		ID:        props.id("world_id", true),
		Workspace: props.id("workspace_id", false),
		Name:      props.text("name"),
		Width:     m.Width, Height: m.Height,
		grid: grid{
			zone:  make([]uint16, m.Width*m.Height),
			flags: make([]uint8, m.Width*m.Height),
		},
		zoneByID:   make(map[uuid.UUID]*Zone),
		objectByID: make(map[uuid.UUID]*Object),
		documents:  make(map[uuid.UUID]*Document),
	}
	if p.out.Name == "" {
		p.report("", "", "property \"name\" is missing: say what people read when they arrive")
	}
	props.unknown()
	p.take(p.out.ID, "the world", "", "")
	for i := range p.out.grid.zone {
		p.out.grid.zone[i] = noZone
	}
	return true
}
