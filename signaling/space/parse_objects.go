package space

import (
	"math"

	"github.com/google/uuid"
)

// zones reads the zones and paints their areas on the grid.
func (p *parser) zones() {
	if len(p.found.zones) > maxZones {
		p.report("", "", "it has %d zones, want at most %d", len(p.found.zones), maxZones)
		return
	}
	var further []func()
	for _, o := range p.found.zones {
		props := p.properties(o.layer, o.label(), o.Properties)
		area, ok := p.area(o)
		if of := props.id("area_of", false); of != uuid.Nil {
			props.unknown()
			if c := o.class(); c != "" {
				p.report(o.layer, o.label(), "it is a further area of a zone and has a class %q: leave that to the zone", c)
			}
			// The zone may be drawn later.
			further = append(further, func() {
				z, found := p.out.zoneByID[of]
				switch {
				case !found:
					p.report(o.layer, o.label(), "property \"area_of\" names %s, and no zone has that zone_id", of)
				case ok:
					p.paint(o, z, area)
				}
			})
			continue
		}
		z := &Zone{
			ID: props.id("zone_id", true), World: p.out.ID, Name: o.Name, Type: ZoneType(o.class()),
			Capacity: props.count("capacity"), Roles: words(props, "roles", Guest, Plain, Editor, Admin),
			index: uint16(len(p.out.zones)),
		}
		props.unknown()
		if z.Name == "" {
			p.report(o.layer, o.label(), "it has no name: people read it when they come in")
		}
		if !z.Type.Valid() {
			p.report(o.layer, o.label(), "unknown zone type %s: its class is one of OpenArea, TeamArea, MeetingRoom, PrivateRoom", short([]byte(z.Type)))
		}
		if z.Type == PrivateRoom && z.Roles == nil {
			p.report(o.layer, o.label(), "a PrivateRoom needs the property \"roles\": who may enter (guest, member, editor, admin)")
		}
		p.take(z.ID, "zone "+o.label(), o.layer, o.label())
		p.out.zones = append(p.out.zones, z)
		if _, twice := p.out.zoneByID[z.ID]; !twice && z.ID != uuid.Nil {
			p.out.zoneByID[z.ID] = z
		}
		if ok {
			p.paint(o, z, area)
		}
	}
	for _, f := range further {
		f()
	}
}

// area reads a zone's rectangle; false: reported.
func (p *parser) area(o drawn) (Rect, bool) {
	if o.Template != "" || o.Point || o.Ellipse || o.Polygon != nil || o.Polyline != nil || o.Text != nil || o.GID != 0 || o.Rotation != 0 {
		p.report(o.layer, o.label(), "a zone is a plain rectangle, not turned: draw it with the rectangle tool")
		return Rect{}, false
	}
	x, okX := tiles(o.X, p.in.TileWidth)
	y, okY := tiles(o.Y, p.in.TileHeight)
	w, okW := tiles(o.Width, p.in.TileWidth)
	h, okH := tiles(o.Height, p.in.TileHeight)
	if !okX || !okY || !okW || !okH || w < 1 || h < 1 {
		p.report(o.layer, o.label(), "its rectangle %gx%g at %g,%g does not lie on the grid of %dx%d pixels: turn on View > Snapping > Snap to Grid",
			o.Width, o.Height, o.X, o.Y, p.in.TileWidth, p.in.TileHeight)
		return Rect{}, false
	}
	if x < 0 || y < 0 || x+w > p.out.Width || y+h > p.out.Height {
		p.report(o.layer, o.label(), "it reaches outside the map: it covers %d,%d to %d,%d, the map ends at %d,%d", x, y, x+w, y+h, p.out.Width, p.out.Height)
		return Rect{}, false
	}
	return Rect{x, y, w, h}, true
}

// tiles converts pixels to tiles; false: not on the grid, or nowhere near a map.
func tiles(pixels float64, size int) (int, bool) {
	t := pixels / float64(size)
	n := math.Round(t)
	return int(n), math.Abs(t-n) < 1e-3 && math.Abs(n) <= 1<<30
}

// paint gives an area to a zone unless another one has a tile of it.
func (p *parser) paint(o drawn, z *Zone, r Rect) {
	g := p.out.grid.zone
	for y := r.Y; y < r.Y+r.Height; y++ {
		for x := r.X; x < r.X+r.Width; x++ {
			if has := g[y*p.out.Width+x]; has != noZone {
				p.report(o.layer, o.label(), "it overlaps zone %q at tile %d,%d: areas may only touch", p.out.zones[has].Name, x, y)
				return
			}
		}
	}
	for y := r.Y; y < r.Y+r.Height; y++ {
		for x := r.X; x < r.X+r.Width; x++ {
			g[y*p.out.Width+x] = z.index
		}
	}
	z.Areas = append(z.Areas, r)
}

// stand reads the tile that a spawn or an object stands on; false: reported.
func (p *parser) stand(o drawn) (Tile, bool) {
	if o.Template != "" || o.Ellipse || o.Polygon != nil || o.Polyline != nil || o.Text != nil || o.Rotation != 0 {
		p.report(o.layer, o.label(), "it is neither a point, nor a rectangle, nor a tile, not turned: draw one of these")
		return Tile{}, false
	}
	tw, th := float64(p.in.TileWidth), float64(p.in.TileHeight)
	if o.Width > tw+1e-3 || o.Height > th+1e-3 {
		p.report(o.layer, o.label(), "it is %gx%g pixels: it stands on one tile of %gx%g", o.Width, o.Height, tw, th)
		return Tile{}, false
	}
	x, y := o.X+o.Width/2, o.Y+o.Height/2
	if o.GID != 0 {
		y = o.Y - o.Height/2 // Tiled holds a tile object by its lower left corner
	}
	t := Point{x / tw, y / th}.Tile()
	if !p.out.Contains(t) {
		p.report(o.layer, o.label(), "it is outside the map, at pixel %g,%g", x, y)
		return Tile{}, false
	}
	return t, true
}

// spawns reads where people arrive. The first one's zone takes the walkable tiles in no area.
func (p *parser) spawns() {
	if len(p.found.spawns) == 0 {
		p.report("spawns", "", "there is no spawn: draw at least one point in an object layer named spawns")
		return
	}
	rested := false
	for _, o := range p.found.spawns {
		props := p.properties(o.layer, o.label(), o.Properties)
		want := props.id("zone_id", false)
		props.unknown()
		t, ok := p.stand(o)
		if !ok {
			continue
		}
		if p.out.Blocked(t) {
			p.report(o.layer, o.label(), "the spawn stands on the collision tile %d,%d: people must be able to stand there", t.X, t.Y)
			continue
		}
		if !rested {
			p.rest(o, t)
			rested = true
		}
		z, in := p.inside(o, t, want)
		if !in {
			continue
		}
		p.out.spawns = append(p.out.spawns, Spawn{t, z})
		// Objects are read afterwards: they may stand in the spawn zone.
		p.later = append(p.later, func() {
			if p.out.Solid(t) {
				p.report(o.layer, o.label(), "a solid object stands on the spawn's tile %d,%d: move one of them", t.X, t.Y)
			}
		})
	}
}

// rest gives the walkable tiles in no area to the first spawn's zone.
func (p *parser) rest(o drawn, first Tile) {
	g := p.out.grid
	z := g.zone[p.out.at(first)]
	if z == noZone {
		p.report(o.layer, o.label(), "the first spawn stands in no zone, at tile %d,%d: its zone is where people arrive, so put it into one", first.X, first.Y)
		return
	}
	for i := range g.zone {
		if g.zone[i] == noZone && g.flags[i]&flagCollision == 0 {
			g.zone[i] = z
		}
	}
}

// inside finds the zone of a tile and checks it against the one that the drawing names.
func (p *parser) inside(o drawn, t Tile, want uuid.UUID) (*Zone, bool) {
	z, ok := p.out.ZoneAt(t)
	switch {
	case want != uuid.Nil && p.out.zoneByID[want] == nil:
		p.report(o.layer, o.label(), "property \"zone_id\" names %s, and no zone has that zone_id", want)
		return nil, false
	case !ok:
		p.report(o.layer, o.label(), "it is outside every zone, at tile %d,%d", t.X, t.Y)
		return nil, false
	case want != uuid.Nil && z.ID != want:
		p.report(o.layer, o.label(), "it is outside its zone %q: tile %d,%d belongs to %q", p.out.zoneByID[want].Name, t.X, t.Y, z.Name)
		return nil, false
	}
	return z, true
}

// objects reads the things that people use.
func (p *parser) objects() {
	for _, o := range p.found.objects {
		props := p.properties(o.layer, o.label(), o.Properties)
		solid, _ := props.flag("solid")
		want := props.id("zone_id", false)
		obj := &Object{
			ID: props.id("object_id", true), Name: o.Name, Kind: o.class(), Solid: solid,
			Actions:  words(props, "actions", "sit", "use", "attach"),
			Roles:    words(props, "roles", Guest, Plain, Editor, Admin),
			Document: props.id("document_id", false),
		}
		file := props.text("document_file")
		props.unknown()
		p.document(o, obj, file)
		if obj.Kind == "" {
			p.report(o.layer, o.label(), "it has no class: say what it is, for example chair, desk, whiteboard or plant")
		}
		p.take(obj.ID, "object "+o.label(), o.layer, o.label())
		t, ok := p.stand(o)
		if !ok {
			continue
		}
		if obj.Zone, ok = p.inside(o, t, want); !ok {
			continue
		}
		obj.Position = t
		if solid {
			p.out.grid.flags[p.out.at(t)] |= flagSolid
		}
		p.out.objects = append(p.out.objects, obj)
		if obj.ID != uuid.Nil {
			p.out.objectByID[obj.ID] = obj
		}
	}
	for _, f := range p.later {
		f()
	}
}

// spawnZone checks that everyone can arrive.
func (p *parser) spawnZone() {
	if len(p.out.spawns) == 0 {
		return // reported
	}
	z := p.out.SpawnZone()
	if z.Roles != nil || z.Capacity > 0 {
		p.report("zones", `"`+z.Name+`"`, "it is where people arrive and has roles or a capacity: whoever they keep out could not be anywhere")
	}
}
