package space

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
)

var (
	hallID  = uuid.MustParse("20000000-0000-4000-8000-000000000001")
	roomID  = uuid.MustParse("20000000-0000-4000-8000-000000000002")
	vaultID = uuid.MustParse("20000000-0000-4000-8000-000000000003")
)

func officeText(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/office.tmj")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func office(t testing.TB) *Map {
	t.Helper()
	m, err := ParseMap("office.tmj", []byte(officeText(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParseMap(t *testing.T) {
	m := office(t)
	if m.Name != "Office" || m.Width != 12 || m.Height != 8 || m.ID != uuid.MustParse("10000000-0000-4000-8000-000000000001") || m.Workspace != uuid.Nil {
		t.Errorf("header: %+v", m)
	}
	for _, c := range []struct {
		at      Tile
		zone    uuid.UUID // Nil: none
		blocked bool
		solid   bool
	}{
		{Tile{0, 0}, hallID, false, false},
		{Tile{6, 0}, uuid.Nil, true, false},  // by the tileset, in no area
		{Tile{6, 5}, uuid.Nil, true, false},  // by the tileset, flipped
		{Tile{6, 4}, hallID, false, false},   // walkable, in no area
		{Tile{11, 4}, hallID, false, false},  // the same, far away
		{Tile{8, 1}, roomID, false, false},   // first area
		{Tile{8, 3}, roomID, false, false},   // second area, its door
		{Tile{7, 3}, roomID, true, false},    // by the layer, in an area
		{Tile{9, 7}, vaultID, false, false},  // private
		{Tile{4, 4}, hallID, false, true},    // desk
		{Tile{12, 0}, uuid.Nil, true, false}, // outside
		{Tile{-1, 3}, uuid.Nil, true, false},
	} {
		z, ok := m.ZoneAt(c.at)
		if ok != (c.zone != uuid.Nil) || ok && z.ID != c.zone || m.Blocked(c.at) != c.blocked || m.Solid(c.at) != c.solid {
			t.Errorf("%v: zone %v, blocked %v, solid %v; want %+v", c.at, z, m.Blocked(c.at), m.Solid(c.at), c)
		}
	}
	if m.SpawnZone().ID != hallID {
		t.Errorf("spawn zone is %v", m.SpawnZone())
	}
	if z, _ := m.Zone(vaultID); z.Admits(Guest) || z.Admits(Plain) || !z.Admits(Editor) || !z.Admits(Admin) {
		t.Errorf("the vault's roles are %v", z.Roles)
	}
}

func TestDescription(t *testing.T) {
	got, err := json.Marshal(office(t).Description())
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/office.description.json")
	if err != nil {
		t.Fatal(err)
	}
	var wire bytes.Buffer // the file is for reading, the wire has no spaces
	if err := json.Compact(&wire, want); err != nil {
		t.Fatal(err)
	}
	if wire.String() != string(got) {
		t.Errorf("got\n%s", got)
	}
}

// TestTileData reads the same walls from each form that Tiled writes.
func TestTileData(t *testing.T) {
	var raw bytes.Buffer
	gids := make([]uint32, 12*8)
	gids[13] = 1
	if err := binary.Write(&raw, binary.LittleEndian, gids); err != nil {
		t.Fatal(err)
	}
	pack := func(compression string) string {
		var out bytes.Buffer
		switch compression {
		case "gzip":
			w := gzip.NewWriter(&out)
			w.Write(raw.Bytes())
			w.Close()
		case "zlib":
			w := zlib.NewWriter(&out)
			w.Write(raw.Bytes())
			w.Close()
		default:
			out.Write(raw.Bytes())
		}
		return base64.StdEncoding.EncodeToString(out.Bytes())
	}
	for _, compression := range []string{"", "gzip", "zlib"} {
		l := tiledLayer{Encoding: "base64", Compression: compression, Data: json.RawMessage(`"` + pack(compression) + `"`)}
		got, err := l.gids(len(gids))
		if err != nil || got[13] != 1 {
			t.Errorf("%q: %v, %v", compression, got, err)
		}
		if _, err := l.gids(len(gids) - 1); err == nil {
			t.Errorf("%q: too many tiles pass", compression)
		}
	}
}

func TestParseMapErrors(t *testing.T) {
	type edit struct{ old, new string }
	for _, c := range []struct {
		name  string
		edits []edit
		want  []string // each must be in the error; their number is the number of problems
	}{
		{"not JSON", []edit{{`"type": "map"`, `"type": map`}}, []string{"office.tmj: no JSON map of Tiled"}},
		{"a tileset", []edit{{`"type": "map"`, `"type": "tileset"`}}, []string{`it is a Tiled "tileset", want a map`}},
		{"infinite, isometric, empty", []edit{{`"infinite": false`, `"infinite": true`}, {`"orthogonal"`, `"isometric"`}, {`"width": 12, "height": 8, "tilewidth": 32`, `"width": 0, "height": 8, "tilewidth": 0`}},
			[]string{"turn that off", "want orthogonal", "size is 0 x 8", "tiles are 0 x 32"}},
		{"too large", []edit{{`"width": 12, "height": 8, "tilewidth"`, `"width": 100000, "height": 100000, "tilewidth"`}}, []string{"want 1 to 1000 each way"}},
		{"no world id, no name", []edit{{`"world_id"`, `"worldid"`}, {`"value": "Office"`, `"value": ""`}},
			[]string{`"world_id" is missing`, `"name" is missing`, `unknown property "worldid"`}},
		{"unknown zone type", []edit{{`"MeetingRoom"`, `"Meetingroom"`}},
			[]string{`office.tmj: layer "atrium/zones": object "Room": unknown zone type "Meetingroom": its class is one of OpenArea, TeamArea, MeetingRoom, PrivateRoom`}},
		{"outside the map", []edit{{`"x": 224, "y": 192, "width": 160, "height": 64`, `"x": 224, "y": 192, "width": 192, "height": 64`}},
			[]string{`layer "atrium/zones": object "Vault": it reaches outside the map`}},
		{"off the grid", []edit{{`"x": 224, "y": 192, "width": 160`, `"x": 230, "y": 192, "width": 160`}}, []string{`object "Vault": its rectangle 160x64 at 230,192 does not lie on the grid`}},
		{"overlap", []edit{{`"x": 224, "y": 192, "width": 160`, `"x": 160, "y": 192, "width": 160`}}, []string{`object "Vault": it overlaps zone "Hall" at tile 5,6`}},
		{"ellipse", []edit{{`"x": 224, "y": 192,`, `"ellipse": true, "x": 224, "y": 192,`}}, []string{`object "Vault": a zone is a plain rectangle`}},
		{"area of nothing", []edit{{`"area_of", "type": "string", "value": "20000000-0000-4000-8000-000000000002"`, `"area_of", "type": "string", "value": "20000000-0000-4000-8000-000000000009"`}},
			[]string{`object #4: property "area_of" names 20000000-0000-4000-8000-000000000009, and no zone`}},
		{"open private room", []edit{{`{"name": "roles", "type": "string", "value": "editor, admin"}`, `{"name": "capacity", "type": "int", "value": 3}`}}, []string{`object "Vault": a PrivateRoom needs the property "roles"`}},
		{"unknown role, mistyped property, capacity 0", []edit{{`"editor, admin"`, `"editor, boss"`}, {`"name": "capacity", "type": "int", "value": 2`, `"name": "capacity", "type": "int", "value": 0`},
			{`{"name": "solid"`, `{"name": "Solid"`}}, []string{`"roles" names "boss"`, `"capacity" is 0`, `unknown property "Solid"`}},
		{"wrong types", []edit{{`"name": "capacity", "type": "int", "value": 2`, `"name": "capacity", "type": "float", "value": 2.5`}, {`"solid", "type": "bool", "value": true`, `"solid", "type": "string", "value": "yes"`}},
			[]string{`"capacity" is "2.5", want a whole number`, `"solid" is "yes", want a bool`}},
		{"bad uuids", []edit{{`"30000000-0000-4000-8000-000000000001"`, `"chair-1"`}, {`"40000000-0000-4000-8000-000000000001"`, `"{40000000-0000-4000-8000-000000000001}"`}},
			[]string{`object "Chair": property "object_id" is "chair-1", want a uuid`, `object "Board": property "document_id" is`}},
		{"duplicate ids", []edit{{`"30000000-0000-4000-8000-000000000002"`, `"30000000-0000-4000-8000-000000000001"`}, {`"20000000-0000-4000-8000-000000000003"`, `"10000000-0000-4000-8000-000000000001"`}},
			[]string{`object "Desk": duplicate id 30000000-0000-4000-8000-000000000001: object "Chair" has it already`, `object "Vault": duplicate id 10000000-0000-4000-8000-000000000001: the world has it already`}},
		{"object outside its zone", []edit{{`"gid": 1, "x": 96, "y": 128`, `"gid": 1, "x": 192, "y": 32`}, {`"x": 128, "y": 128, "width": 32`, `"x": 224, "y": 64, "width": 32`}},
			[]string{`layer "atrium/furniture": object "Chair": it is outside every zone, at tile 6,0`, `object "Desk": it is outside its zone "Hall": tile 7,2 belongs to "Room"`}},
		{"object outside the map, too large", []edit{{`"gid": 1, "x": 96, "y": 128`, `"gid": 1, "x": 960, "y": 128`}, {`"x": 128, "y": 128, "width": 32`, `"x": 128, "y": 128, "width": 64`}},
			[]string{`object "Chair": it is outside the map`, `object "Desk": it is 64x32 pixels`}},
		{"no kind", []edit{{`"type": "whiteboard"`, `"type": ""`}}, []string{`object "Board": it has no class`}},
		{"unknown action", []edit{{`"use,attach"`, `"use,throw"`}}, []string{`"actions" names "throw", want some of sit, use, attach`}},
		{"no spawn", []edit{{`"name": "spawns"`, `"name": "notes", "properties": [{"name": "ignore", "type": "bool", "value": true}]`}}, []string{`layer "spawns": there is no spawn`}},
		{"spawn in a wall", []edit{{`"x": 272, "y": 48`, `"x": 208, "y": 48`}}, []string{`layer "atrium/spawns": object "meeting": the spawn stands on the collision tile 6,1`}},
		{"spawn under a desk", []edit{{`"x": 80, "y": 48`, `"x": 144, "y": 144`}}, []string{`object "second": a solid object stands on the spawn's tile 4,4`}},
		{"spawn of another zone", []edit{{`"x": 272, "y": 48`, `"x": 48, "y": 80`}}, []string{`object "meeting": it is outside its zone "Room": tile 1,2 belongs to "Hall"`}},
		{"first spawn in no zone", []edit{{`"x": 48, "y": 48`, `"x": 208, "y": 144`}}, []string{`object "first": the first spawn stands in no zone`, `object "first": it is outside every zone`}},
		{"closed spawn zone", []edit{{`"x": 48, "y": 48`, `"x": 304, "y": 48`}}, []string{`object "Room": it is where people arrive and has roles or a capacity`}},
		{"unknown layers", []edit{{`"name": "zones"`, `"name": "zone"`}, {`"imagelayer"`, `"video"`}},
			[]string{`layer "atrium/zone": unknown object layer`, `layer "sky": unknown type of layer "video"`, `the first spawn stands in no zone`}},
		{"external tileset", []edit{{`{"firstgid": 1,`, `{"firstgid": 3, "source": "office.tsx"}, {"firstgid": 1,`}}, []string{`tileset "office.tsx": it is external, and nothing else is read here: embed it`}},
		{"missing tileset", []edit{{`"tilecount": 2`, `"tilecount": 1`}, {`"id": 1, "properties": [{"name": "collision"`, `"id": 0, "properties": [{"name": "collision"`}},
			[]string{`layer "floor": the tile at 6,0 has number 2, which no tileset of the map has`}},
		{"layer of another size", []edit{{`"name": "walls", "x": 0, "y": 0, "width": 12`, `"name": "walls", "x": 0, "y": 0, "width": 11`}}, []string{`layer "walls": it is 11 x 8 tiles, the map is 12 x 8`}},
		{"unknown encoding", []edit{{`"name": "walls",`, `"name": "walls", "encoding": "base64", "compression": "zstd",`}, {`"name": "floor",`, `"name": "floor", "encoding": "xml",`}},
			[]string{`layer "walls": its data is no base64 text`, `layer "floor": unknown encoding "xml"`}},
		{"mistyped collision", []edit{{`"properties": [{"name": "collision", "type": "bool", "value": true}], "data"`, `"properties": [{"name": "colision", "type": "bool", "value": true}], "data"`}},
			[]string{`layer "walls": unknown property "colision": known here are collision`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := officeText(t)
			for _, e := range c.edits {
				if !strings.Contains(text, e.old) {
					t.Fatalf("the map has no %s", e.old)
				}
				text = strings.Replace(text, e.old, e.new, 1)
			}
			m, err := ParseMap("office.tmj", []byte(text), nil)
			if err == nil || m != nil {
				t.Fatalf("map %v, error %v", m, err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in:\n%v", want, err)
				}
			}
			problems := err.(interface{ Unwrap() []error }).Unwrap()
			if len(problems) < len(c.want) {
				t.Errorf("%d problems, want %d:\n%v", len(problems), len(c.want), err)
			}
			var me *MapError
			if !errors.As(problems[0], &me) || me.File != "office.tmj" {
				t.Errorf("%#v is no *MapError of the file", problems[0])
			}
		})
	}
}

// TestErrorsAtOnce: one look at the report is enough to mend the file.
func TestErrorsAtOnce(t *testing.T) {
	text := strings.NewReplacer(`"MeetingRoom"`, `"Cafe"`, `"chair-1"`, "", `"30000000-0000-4000-8000-000000000003"`, `"x"`,
		`"x": 272, "y": 48`, `"x": 208, "y": 48`, `"world_id"`, `"wid"`).Replace(officeText(t))
	_, err := ParseMap("office.tmj", []byte(text), nil)
	if n := len(err.(interface{ Unwrap() []error }).Unwrap()); n != 5 {
		t.Errorf("%d problems, want 5:\n%v", n, err)
	}
}

func TestErrorsBounded(t *testing.T) {
	zones := strings.Repeat(`{"name": "z", "type": "Nowhere"},`, 500)
	text := strings.Replace(officeText(t), `{"id": 1, "name": "Hall"`, zones+`{"id": 1, "name": "Hall"`, 1)
	_, err := ParseMap("office.tmj", []byte(text), nil)
	if n := len(err.(interface{ Unwrap() []error }).Unwrap()); n != maxErrors+1 || !strings.Contains(err.Error(), " more") {
		t.Errorf("%d problems, want %d and how many more", n, maxErrors+1)
	}
}

func TestCheckWorlds(t *testing.T) {
	a, b := office(t), office(t)
	if err := CheckWorlds([]*Map{a}); err != nil {
		t.Error(err)
	}
	err := CheckWorlds([]*Map{a, b})
	if err == nil || !strings.Contains(err.Error(), hallID.String()) {
		t.Errorf("two maps with the same ids: %v", err)
	}
}

func FuzzParseMap(f *testing.F) {
	f.Add([]byte(officeText(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseMap("fuzz.tmj", data, func(string) ([]byte, error) { return data, nil })
		if (m == nil) == (err == nil) {
			t.Fatalf("map %v, error %v", m, err)
		}
		if err != nil {
			_ = err.Error()
			return
		}
		// Whatever was accepted is a world that one can arrive in.
		if _, err := json.Marshal(m.Description()); err != nil {
			t.Fatal(err)
		}
		w := NewWorld(m, DefaultRules())
		for range 3 {
			if _, err := w.Join(Identity{User: uuid.New()}, t0); err != nil {
				break // full
			}
		}
		checkWorld(t, w)
	})
}
