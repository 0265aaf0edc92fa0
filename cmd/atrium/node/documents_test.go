package node_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/configs"
	"atrium/signaling/identity"
	"atrium/signaling/space"
)

// TestDocumentsOfWorlds: a document that an object of a world names is open to those who may join the world, any other to
// everyone in its workspace.
func TestDocumentsOfWorlds(t *testing.T) {
	cfg := config(t)
	n := start(t, cfg)
	secrets, err := cfg.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	const whiteboard = "338fb179-d145-5f05-a6c1-8e4dc346e9dd" // in the demo's world
	elsewhere := uuid.New()
	cases := []struct {
		name      string
		workspace uuid.UUID
		worlds    []uuid.UUID
		document  string
		open      bool
	}{
		{"the world's workspace", configs.DemoWorkspace, nil, whiteboard, true},
		{"without that world", configs.DemoWorkspace, []uuid.UUID{uuid.New()}, whiteboard, false},
		{"another workspace", elsewhere, nil, whiteboard, false},
		{"another document", elsewhere, nil, uuid.NewString(), true},
	}
	for _, c := range cases {
		user := uuid.New()
		token, err := identity.Mint(identity.Auth{Secret: secrets.Auth}, identity.Claims{
			User: user, Workspace: c.workspace, Name: "Ada", Avatar: "1", Role: space.Guest, Worlds: c.worlds, Expires: time.Now().Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		d := websocket.Dialer{HandshakeTimeout: patience, Subprotocols: []string{"atrium.documents", token}}
		ws, res, err := d.DialContext(t.Context(), strings.Replace(n.Addrs.HTTP, "http", "ws", 1)+"/documents", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if err := ws.WriteJSON(map[string]any{"JoinDocument": map[string]any{"document_id": c.document, "user_id": user}}); err != nil {
			t.Fatal(err)
		}
		if err := ws.WriteMessage(websocket.TextMessage, []byte("[]")); err != nil { // its answer comes first where the join has none
			t.Fatal(err)
		}
		_ = ws.SetReadDeadline(time.Now().Add(patience))
		var m struct {
			Error struct {
				Code string `json:"code"`
			}
		}
		if err := ws.ReadJSON(&m); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]string{true: "PARSE_ERROR", false: "AUTH_ERROR"}[c.open]; m.Error.Code != want {
			t.Errorf("%s: %s, should be %s", c.name, m.Error.Code, want)
		}
		_ = ws.Close()
	}
	_, metrics := get(t, client(t, nil), "http://"+strings.TrimPrefix(n.Addrs.Admin, "http://")+"/metrics")
	if !strings.Contains(metrics, "atrium_documents_messages_in_total") {
		t.Error("no metrics of documents")
	}
}

// TestKickedOutOfDocuments: who is kicked from a world is put out of its documents too, and does not get in again.
func TestKickedOutOfDocuments(t *testing.T) {
	cfg := config(t)
	n := start(t, cfg)
	secrets, err := cfg.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	target, admin := enter(t, n, nil), uuid.New()
	token := func(user uuid.UUID, role space.Role) string {
		token, err := identity.Mint(identity.Auth{Secret: secrets.Auth}, identity.Claims{
			User: user, Workspace: configs.DemoWorkspace, Name: "Ada", Avatar: "1", Role: role, Expires: time.Now().Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	const whiteboard = "338fb179-d145-5f05-a6c1-8e4dc346e9dd"
	user := uuid.MustParse(target.id)
	d := websocket.Dialer{HandshakeTimeout: patience, Subprotocols: []string{"atrium.documents", token(user, space.Guest)}}
	ws, res, err := d.DialContext(t.Context(), strings.Replace(n.Addrs.HTTP, "http", "ws", 1)+"/documents", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	defer ws.Close()
	tell := func(tag string) string { // and gives the code of the first error that comes
		if err := ws.WriteJSON(map[string]any{tag: map[string]any{"document_id": whiteboard, "user_id": user}}); err != nil {
			t.Fatal(err)
		}
		if err := ws.WriteMessage(websocket.TextMessage, []byte("[]")); err != nil {
			t.Fatal(err)
		}
		_ = ws.SetReadDeadline(time.Now().Add(patience))
		var m struct{ Error struct{ Code string } }
		if err := ws.ReadJSON(&m); err != nil {
			t.Fatal(err)
		}
		return m.Error.Code
	}
	if code := tell("JoinDocument"); code != "PARSE_ERROR" {
		t.Fatalf("the join is answered by %s", code)
	}
	boss := &person{t: t, ws: dial(t, n.Addrs.HTTP+"/signal", nil)}
	boss.send("CONNECT", map[string]any{"token": token(admin, space.Admin)})
	boss.expect("CONNECTED")
	boss.send("JOIN_WORLD", map[string]any{"world_id": target.world})
	boss.expect("WORLD_STATE")
	boss.send("KICK_FROM_WORLD", map[string]any{"target_user_id": target.id, "world_id": target.world})
	boss.expect("PEER_LEFT")
	var m struct{ Error struct{ Code string } }
	_ = ws.SetReadDeadline(time.Now().Add(patience))
	if err := ws.ReadJSON(&m); err != nil || m.Error.Code != "AUTH_ERROR" {
		t.Fatalf("after the kick: %+v, %v", m, err)
	}
	if code := tell("JoinDocument"); code != "AUTH_ERROR" {
		t.Errorf("joins again: %s", code)
	}
}

func TestDocumentsAreOff(t *testing.T) {
	n := start(t, config(t, "ATRIUM_DOCUMENTS_ENABLED=false"))
	if res, _ := get(t, client(t, nil), n.Addrs.HTTP+"/documents"); res.StatusCode != http.StatusNotFound {
		t.Errorf("%d", res.StatusCode)
	}
	on := start(t, config(t))
	res, body := get(t, client(t, nil), on.Addrs.HTTP+"/documents")
	var e struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil || res.StatusCode != http.StatusUnauthorized || e.Error.Code != "AUTH_ERROR" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
