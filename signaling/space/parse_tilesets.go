package space

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// gidRange is the numbers that a tileset's tiles have on a map.
type gidRange struct {
	first, last uint32
	tileset     string // its label
}

// tilesets learns which tiles there are, and which of them are walls.
func (p *parser) tilesets() {
	p.walls = make(map[uint32]bool)
	for i := range p.in.Tilesets {
		ts := &p.in.Tilesets[i]
		label := "tileset " + short([]byte(ts.Name))
		if ts.Source != "" {
			label = "tileset " + short([]byte(ts.Source))
			if ts = p.external(label, ts); ts == nil {
				continue
			}
		}
		p.tileset(label, ts)
	}
	slices.SortFunc(p.gids, func(a, b gidRange) int { return cmp.Compare(a.first, b.first) })
	for i := 1; i < len(p.gids); i++ {
		if a, b := p.gids[i-1], p.gids[i]; a.last >= b.first {
			p.report("", a.tileset, "its tiles have the numbers %d to %d on this map, and %s begins at %d: it grew since the map was saved, so open the map in Tiled and save it",
				a.first, a.last, b.tileset, b.first)
		}
	}
}

// external reads a tileset's own file; nil: reported.
func (p *parser) external(label string, ts *tiledTileset) *tiledTileset {
	name := path.Clean(ts.Source)
	switch ext := strings.ToLower(path.Ext(name)); {
	case p.read == nil:
		p.report("", label, "it is external, and nothing else is read here: embed it (Map > Embed Tilesets)")
		return nil
	case leadsOut(name):
		p.report("", label, "it is outside the world's folder: move it next to the map, or into a folder there, or embed it (Map > Embed Tilesets)")
		return nil
	case ext != ".tsj" && ext != ".json":
		p.report("", label, "want a JSON tileset: open it in Tiled, File > Export As, *.tsj, and use that one, or embed it (Map > Embed Tilesets)")
		return nil
	}
	data, err := p.read(name)
	if err != nil {
		p.report("", label, "it cannot be read: %v", err)
		return nil
	}
	out := &tiledTileset{}
	if err := json.Unmarshal(data, out); err != nil {
		p.report("", label, "no JSON tileset of Tiled: %v", err)
		return nil
	}
	if out.Type != "tileset" || out.Source != "" {
		p.report("", label, "it is a Tiled %s, want a tileset", short([]byte(out.Type)))
		return nil
	}
	out.FirstGID = ts.FirstGID
	return out
}

func (p *parser) tileset(label string, ts *tiledTileset) {
	if ts.FirstGID < 1 || ts.FirstGID > gidMask || ts.TileCount < 0 || ts.TileCount > gidMask {
		p.report("", label, "it numbers its %d tiles from %d, want from 1", ts.TileCount, ts.FirstGID)
		return
	}
	last := ts.FirstGID + uint32(ts.TileCount) - 1
	for _, t := range ts.Tiles {
		if t.ID > gidMask {
			p.report("", label, "it has a tile %d, which no layer can show", t.ID)
			continue
		}
		gid := ts.FirstGID + t.ID
		last = max(last, gid) // a collection of images has holes
		// Tiles come with art and keep their makers' properties: only ours is read.
		for _, prop := range t.Properties {
			if prop.Name == "collision" {
				wall, _ := p.properties("", label, []tiledProperty{prop}).flag("collision")
				p.walls[gid] = wall
			}
		}
	}
	if last >= ts.FirstGID { // else it is empty
		p.gids = append(p.gids, gidRange{ts.FirstGID, last, label})
	}
}

// known says whether a tileset has a tile of this number.
func (p *parser) known(gid uint32) bool {
	i, exact := slices.BinarySearchFunc(p.gids, gid, func(r gidRange, gid uint32) int { return cmp.Compare(r.first, gid) })
	return exact || i > 0 && gid <= p.gids[i-1].last
}
