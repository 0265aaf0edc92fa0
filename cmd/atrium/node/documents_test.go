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
