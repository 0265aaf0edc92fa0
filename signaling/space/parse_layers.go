package space

import "strings"

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
		if !p.known(g) {
			t := p.out.tile(i)
			p.report(name, "", "the tile at %d,%d has number %d, which no tileset of the map has", t.X, t.Y, g)
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
