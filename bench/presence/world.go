package presence

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"
)

// World is a map without walls: a hall where people arrive, and zones side by side, in which everyone has a path of
// tiles of its own, so that nobody is in another's way.
type World struct {
	ID, Hall uuid.UUID
	Zones    []uuid.UUID
	perZone  int
	columns  int // of zones
}

// A path is pathTiles tiles from west to east; a zone has rows of so many.
const (
	pathTiles = 3
	perRow    = 10
	hallRows  = 4
)

// NewWorld draws a world of so many zones for so many people each.
func NewWorld(zones, perZone int) *World {
	w := &World{ID: uuid.New(), Hall: uuid.New(), perZone: perZone, columns: 1}
	for w.columns*w.columns < zones {
		w.columns++
	}
	for range zones {
		w.Zones = append(w.Zones, uuid.New())
	}
	return w
}

func (w *World) zoneWidth() int  { return perRow * pathTiles }
func (w *World) zoneHeight() int { return (w.perZone + perRow - 1) / perRow }

// path gives where the path of a zone's n-th person begins.
func (w *World) path(zone, n int) (x, y int) {
	x = zone%w.columns*w.zoneWidth() + n%perRow*pathTiles
	y = hallRows + zone/w.columns*w.zoneHeight() + n/perRow
	return x, y
}

type (
	tiledMap struct {
		Type        string       `json:"type"`
		Orientation string       `json:"orientation"`
		Width       int          `json:"width"`
		Height      int          `json:"height"`
		TileWidth   int          `json:"tilewidth"`
		TileHeight  int          `json:"tileheight"`
		Properties  []property   `json:"properties"`
		Layers      []tiledLayer `json:"layers"`
	}
	tiledLayer struct {
		ID      int           `json:"id"`
		Type    string        `json:"type"`
		Name    string        `json:"name"`
		Objects []tiledObject `json:"objects"`
	}
	tiledObject struct {
		ID         int        `json:"id"`
		Name       string     `json:"name"`
		Type       string     `json:"type"`
		Point      bool       `json:"point,omitempty"`
		X          int        `json:"x"`
		Y          int        `json:"y"`
		Width      int        `json:"width"`
		Height     int        `json:"height"`
		Properties []property `json:"properties,omitempty"`
	}
	property struct {
		Name  string `json:"name"`
		Type  string `json:"type"`
		Value any    `json:"value"`
	}
)

// Write writes the map into a folder, as Tiled would.
func (w *World) Write(dir string) error {
	rows := (len(w.Zones) + w.columns - 1) / w.columns
	width := w.columns * w.zoneWidth()
	text := func(name string, v any) property { return property{Name: name, Type: "string", Value: v} }
	zone := func(n int, id uuid.UUID, name string, x, y, width, height int) tiledObject {
		return tiledObject{ID: n, Name: name, Type: "OpenArea", X: x, Y: y, Width: width, Height: height, Properties: []property{text("zone_id", id)}}
	}
	zones := []tiledObject{zone(1, w.Hall, "Hall", 0, 0, width, hallRows)}
	for i, id := range w.Zones {
		x, y := w.path(i, 0)
		zones = append(zones, zone(i+2, id, fmt.Sprint("Zone ", i), x, y, w.zoneWidth(), w.zoneHeight()))
	}
	spawn := tiledObject{ID: len(zones) + 1, Name: "door", Type: "", Point: true, X: width / 2, Y: hallRows / 2}
	data, err := json.Marshal(tiledMap{
		Type: "map", Orientation: "orthogonal", Width: width, Height: hallRows + rows*w.zoneHeight(), TileWidth: 1, TileHeight: 1,
		Properties: []property{text("world_id", w.ID), text("name", "Presence")},
		Layers: []tiledLayer{
			{ID: 1, Type: "objectgroup", Name: "zones", Objects: zones},
			{ID: 2, Type: "objectgroup", Name: "spawns", Objects: []tiledObject{spawn}},
		},
	})
	if err != nil {
		return fmt.Errorf("presence: world: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "presence.tmj"), data, 0o600); err != nil {
		return fmt.Errorf("presence: world: %w", err)
	}
	return nil
}
