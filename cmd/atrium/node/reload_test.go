package node_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"atrium/cmd/atrium/node"
)

const (
	hallZone = "20000000-0000-4000-8000-000000000001"
	roomZone = "20000000-0000-4000-8000-000000000002"
)

// office puts the test's world into a folder, with edits.
func office(t *testing.T, dir string, edits ...string) {
	t.Helper()
	data, err := os.ReadFile("../../../signaling/space/testdata/office.tmj")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(edits...).Replace(string(data))
	if len(edits) > 0 && text == string(data) {
		t.Fatal("the edits change nothing")
	}
	if err := os.WriteFile(filepath.Join(dir, "office.tmj"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestReloadWorlds: a map that is wrong changes nothing and every error is told; a good one moves who cannot stay.
func TestReloadWorlds(t *testing.T) {
	dir := t.TempDir()
	office(t, dir)
	n := start(t, config(t, "ATRIUM_WORLDS_DIR="+dir, "ATRIUM_MOVEMENT_SLACK=50"))
	a := enter(t, n, nil)
	b := enter(t, n, nil)
	a.expect("PEER_JOINED")
	b.send("ZONE_TRANSITION", map[string]any{"from_zone_id": hallZone, "to_zone_id": roomZone, "position": map[string]any{"x": 8, "y": 1}})
	b.expect("ZONE_TRANSITIONED")
	a.expect("PEER_LEFT")
	live := func(zone string) int { return n.Zone(uuid.MustParse(zone)).Live }

	office(t, dir, `"MeetingRoom"`, `"Kitchen"`, `"value": "Office"`, `"value": ""`, `{"firstgid": 1,`, `{"firstgid": 3, "source": "../more.tsj"}, {"firstgid": 1,`)
	err := n.ReloadWorlds()
	var bad *node.ConfigError
	if !errors.As(err, &bad) || len(bad.Errs) != 3 || strings.Count(err.Error(), filepath.Join(dir, "office.tmj")+": ") != 3 {
		t.Fatalf("%v", err)
	}
	if live(roomZone) != 1 || live(hallZone) != 1 {
		t.Errorf("%d in the room, %d in the hall", live(roomZone), live(hallZone))
	}
	if err := os.Rename(filepath.Join(dir, "office.tmj"), filepath.Join(dir, "office.old")); err != nil {
		t.Fatal(err)
	}
	if err := n.ReloadWorlds(); err == nil || !strings.Contains(err.Error(), "worlds.dir") {
		t.Errorf("no world at all: %v", err)
	}

	// The room is a part of the hall now, and the walls' tileset has a file of its own.
	const floors = `"name": "floors", "tilewidth": 32, "tileheight": 32, "tilecount": 2, "columns": 0,
   "tiles": [{"id": 1, "properties": [{"name": "collision", "type": "bool", "value": true}, {"name": "maker", "type": "string", "value": "someone"}]}]`
	office(t, dir, floors, `"source": "tiles/floors.tsj"`, `"Room", "type": "MeetingRoom"`, `"Lounge", "type": "TeamArea"`, roomZone, "20000000-0000-4000-8000-000000000009")
	if err := n.ReloadWorlds(); err == nil || !strings.Contains(err.Error(), `tileset "tiles/floors.tsj": it cannot be read`) {
		t.Errorf("%v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "tiles"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tiles", "floors.tsj"), []byte(`{"type": "tileset", `+floors+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.ReloadWorlds(); err != nil {
		t.Fatal(err)
	}
	var moved struct {
		Zone struct {
			ID string `json:"zone_id"`
		} `json:"zone"`
		Snapshot []struct {
			ID string `json:"user_id"`
		} `json:"presence_snapshot"`
	}
	if err := json.Unmarshal(b.expect("ZONE_TRANSITIONED"), &moved); err != nil || moved.Zone.ID != hallZone || len(moved.Snapshot) != 1 || moved.Snapshot[0].ID != a.id {
		t.Errorf("%+v, %v", moved, err)
	}
	a.expect("PEER_JOINED")
	if live(roomZone) != 0 || live(hallZone) != 2 {
		t.Errorf("%d in the room, %d in the hall", live(roomZone), live(hallZone))
	}
	res, body := do(t, client(t, nil), http.MethodPost, n.Addrs.HTTP+"/api/guest", `{"display_name":"Ada","avatar_id":"1"}`)
	var guest struct {
		Token   string `json:"token"`
		WorldID string `json:"world_id"`
	}
	if err := json.Unmarshal([]byte(body), &guest); err != nil {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	if res, body := get(t, client(t, nil), n.Addrs.HTTP+"/api/worlds/"+guest.WorldID, "Authorization", "Bearer "+guest.Token); res.StatusCode != 200 || !strings.Contains(body, `"Lounge"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
