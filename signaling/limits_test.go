package signaling

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

func TestRateLimited(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Limits = Limits{Presence: 1000, Movement: 1, Negotiation: 1000, Other: 1000} })
	a, b := h.pair(space.Plain)
	for i := range 50 {
		a.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 8, Y: float64(i % 2)}})
	}
	told := 0
	for _, env := range a.before() { // a fence is another kind, and passes
		var e protocol.Error
		a.fill(env, protocol.TypeError, &e)
		if e.Code != protocol.RateLimited || e.Details["type"] != "MOVE_INTENT" {
			t.Errorf("%+v", e)
		}
		told++
	}
	if told < 1 || told > 2 {
		t.Errorf("told %d times", told)
	}
	b.before()
}

func TestFloodingIsClosed(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Limits = Limits{Other: 1}; o.Flooding = 1500 * time.Millisecond })
	b := h.enter(space.Plain)
	a := h.connect(h.claims(space.Plain))
	stop, start := make(chan struct{}), time.Now()
	go func() {
		defer close(stop)
		for a.ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"FLOOD","payload":{}}`)) == nil {
			select {
			case <-a.closed:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	told := 0
	for over := false; !over; {
		var e protocol.Error
		a.expect(protocol.TypeError, &e)
		over = strings.Contains(e.Message, "on end")
		if e.Code != protocol.RateLimited {
			continue // within the burst
		}
		if e.Details["kind"] == "other" && e.Details["type"] != "FLOOD" {
			t.Errorf("%+v does not name the message", e)
		}
		told++
	}
	took := time.Since(start)
	a.wantClose(protocol.CloseFlooding)
	<-stop
	if told < 2 || float64(told-1) > took.Seconds() {
		t.Errorf("told %d times in %v, want once a second, its last words included", told, took)
	}
	_ = b
}

func TestMalformed(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.pair(space.Plain)
	for frame, field := range map[string]string{
		`hello`:                   "",
		`[]`:                      "",
		`{"payload":{}}`:          "type",
		`{"type":7,"payload":{}}`: "type",
		strings.Repeat(`{"a":`, 9000) + `1` + strings.Repeat(`}`, 9000): "type",
		strings.Repeat(`[`, 60000):                                      "",
	} {
		a.raw(frame)
		a.wantError(protocol.InvalidRequest, "", field)
	}
	a.raw(`{"type":"JOIN_WORLD","payload":[]}`)
	a.wantError(protocol.InvalidRequest, "JOIN_WORLD", "payload")
	for typ, named := range map[string]string{"VIEW": "VIEW", "FLY": "FLY", strings.Repeat("F", 64): strings.Repeat("F", 64), strings.Repeat("F", 65): ""} {
		a.raw(`{"type":"` + typ + `","payload":{}}`)
		a.wantError(protocol.InvalidRequest, named, "type")
	}
	b.silent()
}

// TestSlowReader: one that stops reading is closed, and the others are told everything meanwhile.
func TestSlowReader(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Queue = 32; o.Grace = 20 * time.Millisecond })
	a, b := h.pair(space.Plain)
	ws, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(h.http.URL, "http")+"/signal", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_ = ws.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10)
	defer func() { _ = ws.Close() }()
	slow := h.claims(space.Plain)
	for _, f := range [][]byte{
		protocol.MustEncode(protocol.TypeConnect, protocol.Connect{Token: h.token(slow)}),
		protocol.MustEncode(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: houseID}),
	} {
		if err := ws.WriteMessage(websocket.TextMessage, f); err != nil {
			t.Fatal(err)
		}
	}
	a.expect(protocol.TypePeerJoined, nil)
	b.expect(protocol.TypePeerJoined, nil)

	big := `{"candidate":"` + strings.Repeat("x", 60<<10) + `"}`
	for n := 0; ; n++ {
		a.send(protocol.TypeICECandidate, protocol.ICECandidate{To: slow.User.String(), Candidate: json.RawMessage(big)})
		a.send(protocol.TypeICECandidate, protocol.ICECandidate{To: b.user.String(), Candidate: json.RawMessage(`{"candidate":""}`)})
		env := b.next()
		if env.Type == protocol.TypePeerLeft {
			break
		}
		b.fill(env, protocol.TypeICECandidate, nil)
		if n == 5000 {
			t.Fatal("the slow reader is not closed")
		}
	}
}

func TestGuestAndWorlds(t *testing.T) {
	h := newHouse(t, nil)
	call := func(method, path, token, body string) (int, []byte) {
		t.Helper()
		req := must(http.NewRequest(method, h.http.URL+path, strings.NewReader(body)))
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode, must(io.ReadAll(resp.Body))
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	status, body := call("POST", "/api/guest", "", `{"display_name":" Ann ","avatar_id":"fox"}`)
	var g protocol.GuestResponse
	if err := json.Unmarshal(body, &g); status != 200 || err != nil || g.WorldID != houseID || g.User.DisplayName != "Ann" || g.User.WorkspaceID != workspace {
		t.Fatal(status, string(body), err)
	}
	c := h.dial()
	c.send(protocol.TypeConnect, protocol.Connect{Token: g.Token})
	var got protocol.Connected
	if c.expect(protocol.TypeConnected, &got); got.User != g.User {
		t.Errorf("%+v, %+v", got.User, g.User)
	}

	one := h.claims(space.Plain)
	one.Worlds = append(one.Worlds, annexID)
	documents := "/api/worlds/" + houseID.String() + "/documents/"
	for _, tc := range []struct {
		method, path, token, body string
		status                    int
		has                       string
	}{
		{"POST", "/api/guest", "", `{"display_name":"","avatar_id":"fox"}`, 400, `"field":"display_name"`},
		{"POST", "/api/guest", "", `{"display_name":"A\u0000nn","avatar_id":"fox"}`, 400, `"field":"display_name"`},
		{"POST", "/api/guest", "", `{"display_name":"\u202ennA","avatar_id":"fox"}`, 400, `"field":"display_name"`},
		{"POST", "/api/guest", "", `{"display_name":"Zoë 👩‍🚀","avatar_id":"fox"}`, 200, "Zoë 👩‍🚀"},
		{"POST", "/api/guest", "", `{"display_name":"Ann"}`, 400, `"field":"avatar_id"`},
		{"POST", "/api/guest", "", `{"display_name":1,"avatar_id":"fox"}`, 400, `"field":"display_name"`},
		{"POST", "/api/guest", "", `Ann`, 400, "INVALID_REQUEST"},
		{"POST", "/api/guest", "", strings.Repeat(" ", 5000), 400, "INVALID_REQUEST"},
		{"GET", "/api/worlds", "", "", 401, "AUTH_FAILED"},
		{"GET", "/api/worlds", "x", "", 401, "AUTH_FAILED"},
		{"GET", "/api/worlds", g.Token, "", 200, `{"worlds":[{"world_id":"` + houseID.String() + `","name":"House"},{"world_id":"` + annexID.String() + `","name":"Annex"}]}`},
		{"GET", "/api/worlds", h.token(one), "", 200, `{"worlds":[{"world_id":"` + annexID.String() + `","name":"Annex"}]}`},
		{"GET", "/api/worlds/" + houseID.String(), "", "", 401, "AUTH_FAILED"},
		{"GET", "/api/worlds/" + houseID.String(), h.token(one), "", 403, "PERMISSION_DENIED"},
		{"GET", "/api/worlds/" + foreignID.String(), g.Token, "", 403, "PERMISSION_DENIED"},
		{"GET", "/api/worlds/" + teamID.String(), g.Token, "", 404, "WORLD_NOT_FOUND"},
		{"GET", "/api/worlds/x", g.Token, "", 404, "WORLD_NOT_FOUND"},
		{"GET", "/api/worlds/" + houseID.String(), g.Token, "", 200, `"zone_type":"PrivateRoom"`},
		{"GET", documents + deskDocID.String(), "", "", 401, "AUTH_FAILED"},
		{"GET", documents + deskDocID.String(), h.token(one), "", 403, "PERMISSION_DENIED"},
		{"GET", documents + deskDocID.String(), g.Token, "", 200, `{"document_id":"` + deskDocID.String() + `","name":"Desk","text":""}`},
		{"GET", documents + houseID.String(), g.Token, "", 404, "OBJECT_NOT_FOUND"},
		{"GET", documents + "x", g.Token, "", 404, `"field":"document_id"`},
		{"GET", "/api/worlds/" + teamID.String() + "/documents/" + deskDocID.String(), g.Token, "", 404, "WORLD_NOT_FOUND"},
		{"GET", "/api/", "", "", 404, `"code":"INVALID_REQUEST"`},
		{"GET", "/api/rooms", "", "", 404, `"code":"INVALID_REQUEST"`},
		{"POST", "/api/rooms", "", "{}", 404, `"code":"INVALID_REQUEST"`},
		{"GET", "/api/worlds/", "", "", 404, `"code":"INVALID_REQUEST"`},
		{"GET", "/api/worlds/x/zones", "", "", 404, `"code":"INVALID_REQUEST"`},
		{"GET", "/api/guest", "", "", 405, `"code":"INVALID_REQUEST"`},
		{"DELETE", "/api/worlds", "", "", 405, `"code":"INVALID_REQUEST"`},
		{"OPTIONS", "/api/worlds", "", "", 204, ``},
	} {
		status, body := call(tc.method, tc.path, tc.token, tc.body)
		if status != tc.status || !bytes.Contains(body, []byte(tc.has)) {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, status, body)
		}
	}
	off := newHouse(t, func(o *Options) { o.GuestLogin = false })
	h = off
	if status, _ := call("POST", "/api/guest", "", `{"display_name":"Ann","avatar_id":"fox"}`); status != 403 {
		t.Error(status)
	}
}
