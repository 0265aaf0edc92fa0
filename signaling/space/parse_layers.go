package space

import "strings"

// tilesets learns which tiles are walls.
func (p *parser) tilesets() {
	p.walls = make(map[uint32]bool)
	for i := range p.in.Tilesets {
		ts := &p.in.Tilesets[i]
		if ts.Source != "" {
			p.report("", "", "tileset %s is external: embed it (Map > Embed Tilesets), so that the file is whole", short([]byte(ts.Source)))
			continue
		}
		if ts.FirstGID < 1 || ts.FirstGID > gidMask || ts.TileCount < 0 || ts.TileCount > gidMask {
			p.report("", "", "tileset %s numbers its %d tiles from %d, want from 1", short([]byte(ts.Name)), ts.TileCount, ts.FirstGID)
			continue
		}
		last := ts.FirstGID + uint32(ts.TileCount) - 1
		for _, t := range ts.Tiles {
			if t.ID > gidMask {
				p.report("", "", "tileset %s has a tile %d, which no layer can show", short([]byte(ts.Name)), t.ID)
				continue
			}
			gid := ts.FirstGID + t.ID
			last = max(last, gid) // a collection of images has holes
			// Tiles come with art and keep their makers' properties: only ours is read.
			for _, prop := range t.Properties {
				if prop.Name == "collision" {
					wall, _ := p.properties("", "tileset "+ts.Name, []tiledProperty{prop}).flag("collision")
					p.walls[gid] = wall
				}
			}
		}
		p.lastGID = max(p.lastGID, last)
	}
}

// layers walks the layers, groups too, paints walls and sorts the objects by their layers' kind.
func (p *parser) layers(group string, list []tiledLayer) {
	for i := range list {
		l := &list[i]
		name := group + l.Name
		switch l.Type {
		case "group":
			p.layers(name+"/", l.Layers)
		case "imagelayer":
		case "tilelayer":
			p.tileLayer(name, l)
		case "objectgroup":
			p.objectLayer(name, l)
		default:
			p.report(name, "", "unknown type of layer %s, want tilelayer, objectgroup, imagelayer or group", short([]byte(l.Type)))
		}
	}
}

func (p *parser) tileLayer(name string, l *tiledLayer) {
	props := p.properties(name, "", l.Properties)
	all, given := props.flag("collision")
	props.unknown()
	if l.Width != p.out.Width || l.Height != p.out.Height {
		p.report(name, "", "it is %d x %d tiles, the map is %d x %d: resize it to the map", l.Width, l.Height, p.out.Width, p.out.Height)
		return
	}
	gids, err := l.gids(len(p.out.grid.flags))
	if err != nil {
		p.report(name, "", "%v", err)
		return
	}
	for i, g := range gids {
		g &= gidMask
		if g == 0 {
			continue
		}
		if g > p.lastGID {
			t := p.out.tile(i)
			p.report(name, "", "the tile at %d,%d has number %d, the tilesets end at %d: embed the tileset that has it", t.X, t.Y, g, p.lastGID)
			return
		}
		// What the layer says goes before what its tiles say.
		if all || !given && p.walls[g] {
			p.out.grid.flags[i] |= flagCollision
		}
	}
}

func (p *parser) objectLayer(name string, l *tiledLayer) {
	props := p.properties(name, "", l.Properties)
	ignore, _ := props.flag("ignore")
	props.unknown()
	if ignore {
		return
	}
	kind := l.Class
	if kind == "" {
		kind = l.Name
	}
	var into *[]drawn
	switch strings.ToLower(kind) {
	case "zones":
		into = &p.found.zones
	case "spawns":
		into = &p.found.spawns
	case "objects":
		into = &p.found.objects
	default:
		p.report(name, "", "unknown object layer: name it zones, spawns or objects, or give it the bool property ignore")
		return
	}
	for i := range l.Objects {
		*into = append(*into, drawn{name, &l.Objects[i]})
	}
}
