package space

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

const floorsEmbedded = `"name": "floors", "tilewidth": 32, "tileheight": 32, "tilecount": 2, "columns": 0,
   "tiles": [{"id": 1, "properties": [{"name": "collision", "type": "bool", "value": true}, {"name": "maker", "type": "string", "value": "someone"}]}]`

// outside is the office with its tileset in a file of its own.
func outside(t *testing.T, source string) []byte {
	t.Helper()
	text := officeText(t)
	if !strings.Contains(text, floorsEmbedded) {
		t.Fatal("the office has another tileset")
	}
	return []byte(strings.Replace(text, floorsEmbedded, `"source": "`+source+`"`, 1))
}

func TestExternalTileset(t *testing.T) {
	asked := ""
	m, err := ParseMap("office.tmj", outside(t, "./tiles/../tiles/floors.tsj"), func(name string) ([]byte, error) {
		asked = name
		return []byte(`{"type": "tileset", "version": "1.10", ` + floorsEmbedded + `}`), nil
	})
	if err != nil || asked != "tiles/floors.tsj" {
		t.Fatalf("asked for %q: %v", asked, err)
	}
	for _, at := range []Tile{{6, 0}, {6, 5}, {7, 3}} {
		if !m.Blocked(at) {
			t.Errorf("%v is no wall", at)
		}
	}
	if m.Blocked(Tile{6, 4}) {
		t.Error("the doorway is a wall")
	}
}

func TestExternalTilesetErrors(t *testing.T) {
	const good = `{"type": "tileset", ` + floorsEmbedded + `}`
	for _, c := range []struct {
		name, source, file, want string
		err                      error
		read                     bool // the file is asked for
	}{
		{name: "above", source: "../floors.tsj", want: `office.tmj: object tileset "../floors.tsj": it is outside the world's folder`},
		{name: "above, hidden", source: "a/../../floors.tsj", want: "it is outside the world's folder"},
		{name: "absolute", source: "/etc/floors.tsj", want: "it is outside the world's folder"},
		{name: "another system's absolute", source: `C:\\floors.tsj`, want: "it is outside the world's folder"},
		{name: "another system's parent", source: `..\\floors.tsj`, want: "it is outside the world's folder"},
		{name: "XML", source: "floors.tsx", want: "want a JSON tileset: open it in Tiled"},
		{name: "anything", source: "passwd", want: "want a JSON tileset"},
		{name: "missing", source: "floors.tsj", err: fs.ErrNotExist, read: true, want: `tileset "floors.tsj": it cannot be read: file does not exist`},
		{name: "no JSON", source: "floors.tsj", file: "<tileset/>", read: true, want: `tileset "floors.tsj": no JSON tileset of Tiled`},
		{name: "a map", source: "floors.tsj", file: `{"type": "map"}`, read: true, want: `it is a Tiled "map", want a tileset`},
		{name: "no type", source: "floors.json", file: `{}`, read: true, want: `it is a Tiled "", want a tileset`},
		{name: "one that points on", source: "floors.tsj", file: `{"type": "tileset", "source": "more.tsj"}`, read: true, want: "want a tileset"},
		{name: "collision as text", source: "floors.tsj", read: true, file: strings.Replace(good, `"value": true`, `"value": "yes"`, 1), want: `tileset "floors.tsj": property "collision" is "yes", want a bool`},
		{name: "too few tiles", source: "floors.tsj", read: true, file: `{"type": "tileset", "tilecount": 1}`, want: `layer "floor": the tile at 6,0 has number 2, which no tileset of the map has`},
		{name: "impossible numbers", source: "floors.tsj", read: true, file: `{"type": "tileset", "tilecount": -1}`, want: `tileset "floors.tsj": it numbers its -1 tiles from 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			read := false
			_, err := ParseMap("office.tmj", outside(t, c.source), func(string) ([]byte, error) {
				read = true
				return []byte(c.file), c.err
			})
			if err == nil || !strings.Contains(err.Error(), c.want) || read != c.read {
				t.Errorf("asked for the file: %v; no %q in:\n%v", read, c.want, err)
			}
			var me *MapError
			if !errors.As(err, &me) || me.File != "office.tmj" {
				t.Errorf("%v is no *MapError of the file", err)
			}
		})
	}
}

// TestTilesetGrew: tiles that were added to a tileset since the map was saved must not be taken for the next tileset's.
func TestTilesetGrew(t *testing.T) {
	text := strings.Replace(officeText(t), `{"firstgid": 1,`, `{"firstgid": 3, "name": "more", "tilecount": 4}, {"firstgid": 1,`, 1)
	if _, err := ParseMap("office.tmj", []byte(text), nil); err != nil {
		t.Fatalf("side by side: %v", err)
	}
	text = strings.Replace(text, `"tilecount": 2`, `"tilecount": 3`, 1)
	_, err := ParseMap("office.tmj", []byte(text), nil)
	if err == nil || !strings.Contains(err.Error(), `tileset "floors": its tiles have the numbers 1 to 3 on this map, and tileset "more" begins at 3`) {
		t.Errorf("%v", err)
	}
	gap := strings.NewReplacer(`"firstgid": 3`, `"firstgid": 10`, "1,1,1,1,1,1,2,1,1,1,1,1,", "1,1,1,1,1,1,2,1,1,1,1,5,").Replace(officeText(t))
	gap = strings.Replace(gap, `{"firstgid": 1,`, `{"firstgid": 10, "name": "more", "tilecount": 4}, {"firstgid": 1,`, 1)
	if _, err := ParseMap("office.tmj", []byte(gap), nil); err == nil || !strings.Contains(err.Error(), "has number 5, which no tileset") {
		t.Errorf("a number between two tilesets: %v", err)
	}
}
