package signaling

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/signaling/identity"
	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

func TestConnect(t *testing.T) {
	h := newHouse(t, nil)
	claims := h.claims(space.Plain)
	c := h.dial()
	c.send(protocol.TypeConnect, protocol.Connect{Token: h.token(claims), Features: []string{"presence_batch", "flying", "topology_changed"}})
	var got protocol.Connected
	c.expect(protocol.TypeConnected, &got)
	want := protocol.User{UserID: claims.User, WorkspaceID: workspace, DisplayName: claims.Name, AvatarID: "fox"}
	if got.User != want || got.ServerVersion == "" || got.ProtocolMinor != protocol.Minor {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(got.Features, []protocol.Feature{"topology_changed", "presence_batch"}) {
		t.Errorf("features %v", got.Features)
	}
	c.silent()
}

func TestConnectRefused(t *testing.T) {
	h := newHouse(t, nil)
	claims := h.claims(space.Plain)
	good := h.token(claims)
	mint := func(change func(jwt.MapClaims)) string {
		m := jwt.MapClaims{
			"sub": uuid.NewString(), "workspace_id": workspace.String(), "name": "N", "avatar_id": "fox", "role": "member",
			"exp": time.Now().Add(time.Hour).Unix(), "iss": "atrium", "aud": "atrium",
		}
		change(m)
		return must(jwt.NewWithClaims(jwt.SigningMethodHS256, m).SignedString(h.auth.Secret))
	}
	_, rsaToken := rsaPair(t)
	connect := func(token string) string {
		return asJSON(map[string]any{"type": "CONNECT", "payload": map[string]any{"token": token}, "protocol_version": 1})
	}
	cases := []struct {
		name, frame string
		code        protocol.Code
		field       string
		close       int // 0: the connection stays
	}{
		{"no version", `{"type":"CONNECT","payload":{"token":"` + good + `"}}`, protocol.InvalidRequest, "protocol_version", 4400},
		{"another version", `{"type":"CONNECT","payload":{"token":"` + good + `"},"protocol_version":2}`, protocol.InvalidRequest, "protocol_version", 4400},
		{"version as text", `{"type":"CONNECT","payload":{"token":"` + good + `"},"protocol_version":"1"}`, protocol.InvalidRequest, "protocol_version", 4400},
		{"no token", `{"type":"CONNECT","payload":{},"protocol_version":1}`, protocol.AuthFailed, "token", 4401},
		{"token null", `{"type":"CONNECT","payload":{"token":null},"protocol_version":1}`, protocol.AuthFailed, "token", 4401},
		{"no payload", `{"type":"CONNECT","protocol_version":1}`, protocol.AuthFailed, "token", 4401},
		{"empty token", connect(""), protocol.AuthFailed, "token", 4401},
		{"no JWT", connect("x"), protocol.AuthFailed, "", 4401},
		{"forged", connect(good[:len(good)-4] + "AAAA"), protocol.AuthFailed, "", 4401},
		{"algorithm none", connect(must(jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"sub": uuid.NewString()}).SignedString(jwt.UnsafeAllowNoneSignatureType))), protocol.AuthFailed, "", 4401},
		{"another algorithm", connect(rsaToken), protocol.AuthFailed, "", 4401},
		{"expired", connect(mint(func(m jwt.MapClaims) { m["exp"] = time.Now().Add(-6 * time.Second).Unix() })), protocol.AuthFailed, "", 4401},
		{"no expiry", connect(mint(func(m jwt.MapClaims) { delete(m, "exp") })), protocol.AuthFailed, "", 4401},
		{"no audience", connect(mint(func(m jwt.MapClaims) { delete(m, "aud") })), protocol.AuthFailed, "", 4401},
		{"the SFU's audience", connect(mint(func(m jwt.MapClaims) { m["aud"] = "atrium-sfu" })), protocol.AuthFailed, "", 4401},
		{"another issuer", connect(mint(func(m jwt.MapClaims) { m["iss"] = "else" })), protocol.AuthFailed, "", 4401},
		{"no issuer", connect(mint(func(m jwt.MapClaims) { delete(m, "iss") })), protocol.AuthFailed, "", 4401},
		{"sub", connect(mint(func(m jwt.MapClaims) { m["sub"] = "me" })), protocol.AuthFailed, "", 4401},
		{"role", connect(mint(func(m jwt.MapClaims) { m["role"] = "king" })), protocol.AuthFailed, "", 4401},
		{"worlds", connect(mint(func(m jwt.MapClaims) { m["worlds"] = []string{"here"} })), protocol.AuthFailed, "", 4401},
		{"other message first", `{"type":"JOIN_WORLD","payload":{"world_id":"` + houseID.String() + `"}}`, protocol.AuthFailed, "", 4401},
		{"unknown message first", `{"type":"FLY","payload":{}}`, protocol.AuthFailed, "", 4401},
		{"other message first, unreadable", `{"type":"JOIN_WORLD","payload":7}`, protocol.AuthFailed, "", 4401},
		{"no JSON", `hello`, protocol.InvalidRequest, "", 0},
		{"half a JSON", `{"type":"CONNECT"`, protocol.InvalidRequest, "", 0},
		{"no object", `[]`, protocol.InvalidRequest, "", 0},
		{"no type", `{"payload":{}}`, protocol.InvalidRequest, "type", 0},
		{"type as number", `{"type":7}`, protocol.InvalidRequest, "type", 0},
		{"payload as text", `{"type":"CONNECT","payload":"x","protocol_version":1}`, protocol.InvalidRequest, "payload", 0},
		{"token as number", `{"type":"CONNECT","payload":{"token":1},"protocol_version":1}`, protocol.InvalidRequest, "token", 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := h.dial()
			c.t = t
			c.raw(tc.frame)
			var e protocol.Error
			c.expect(protocol.TypeError, &e)
			if e.Code != tc.code || e.Field() != tc.field {
				t.Fatalf("%+v", e)
			}
			if tc.field == "protocol_version" && asJSON(e.Details["supported_versions"]) != "[1]" {
				t.Errorf("%+v", e)
			}
			if tc.close != 0 {
				c.wantClose(tc.close)
				return
			}
			c.send(protocol.TypeConnect, protocol.Connect{Token: good})
			c.expect(protocol.TypeConnected, nil)
		})
	}
	// Who is CONNECTED is told, and stays.
	known := h.connect(h.claims(space.Plain))
	known.raw(`hello`)
	known.wantError(protocol.InvalidRequest, "", "")
	known.raw(`{"type":"CONNECT","payload":{"token":1},"protocol_version":1}`)
	known.wantError(protocol.InvalidRequest, "CONNECT", "token")
	known.silent()
	// The leeway of five seconds holds the other way too.
	c := h.dial()
	c.raw(connect(mint(func(m jwt.MapClaims) { m["exp"] = time.Now().Add(-2 * time.Second).Unix() })))
	c.expect(protocol.TypeConnected, nil)
}

func rsaPair(t *testing.T) (*rsa.PublicKey, string) {
	t.Helper()
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	return &key.PublicKey, signed(jwt.SigningMethodRS256, key)
}

func signed(method jwt.SigningMethod, key any) string {
	return must(jwt.NewWithClaims(method, jwt.MapClaims{
		"sub": uuid.NewString(), "workspace_id": workspace.String(), "name": "N", "avatar_id": "fox", "role": "member",
		"exp": time.Now().Add(time.Hour).Unix(), "iss": "atrium", "aud": []string{"atrium", "other"},
	}).SignedString(key))
}

func TestPublicKeys(t *testing.T) {
	rsaKey, rsaToken := rsaPair(t)
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, func(o *Options) {
		o.Auth = Auth{PublicKeys: []crypto.PublicKey{rsaKey, &ec.PublicKey, pub}}
	})
	for name, token := range map[string]string{
		"RS256": rsaToken, "ES256": signed(jwt.SigningMethodES256, ec), "EdDSA": signed(jwt.SigningMethodEdDSA, priv),
	} {
		c := h.dial()
		c.send(protocol.TypeConnect, protocol.Connect{Token: token})
		if env := c.next(); env.Type != protocol.TypeConnected {
			t.Errorf("%s: %s", name, env.Payload)
		}
	}
	// A public key is no secret: HS256 signed with it is what the algorithm's name in the header would allow.
	for name, token := range map[string]string{
		"HS256 by the public key": signed(jwt.SigningMethodHS256, []byte(pub)),
		"RS512":                   signed(jwt.SigningMethodRS512, must(rsa.GenerateKey(rand.Reader, 2048))),
	} {
		c := h.dial()
		c.send(protocol.TypeConnect, protocol.Connect{Token: token})
		if env := c.next(); env.Type != protocol.TypeError {
			t.Errorf("%s: %s", name, env.Payload)
		}
		c.wantClose(4401)
	}
}

func TestNoConnectInTime(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.ConnectTimeout = 20 * time.Millisecond })
	h.dial().wantClose(4408)
}

func TestFramesTheSocketRefuses(t *testing.T) {
	h := newHouse(t, nil)
	c := h.connect(h.claims(space.Plain))
	c.raw(`{"type":"` + strings.Repeat("x", 64<<10) + `"}`)
	c.wantClose(1009)
	c = h.connect(h.claims(space.Plain))
	if err := c.ws.WriteMessage(websocket.BinaryMessage, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	c.wantClose(1003)
}

func TestVersionAfterConnect(t *testing.T) {
	h := newHouse(t, nil)
	c := h.connect(h.claims(space.Plain))
	c.raw(`{"type":"JOIN_WORLD","payload":{"world_id":"` + houseID.String() + `"},"protocol_version":2}`)
	c.wantError(protocol.InvalidRequest, "JOIN_WORLD", "protocol_version")
	c.raw(`{"type":"JOIN_WORLD","payload":{"world_id":"` + houseID.String() + `","more":1}}`)
	c.expect(protocol.TypeWorldState, nil)
}

func TestRenewal(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Grace = time.Minute })
	a, b := h.pair(space.Guest)
	claims := a.claims
	claims.Role, claims.Name = space.Admin, "Renewed"
	a.send(protocol.TypeConnect, protocol.Connect{Token: h.token(claims)})
	var got protocol.Connected
	a.expect(protocol.TypeConnected, &got)
	if got.User.DisplayName != "Renewed" {
		t.Errorf("%+v", got)
	}
	b.silent()
	a.walk(vaultID, hallID, 12, 8) // what a guest may not
	other := h.claims(space.Plain)
	a.send(protocol.TypeConnect, protocol.Connect{Token: h.token(other)})
	a.wantError(protocol.AuthFailed, "CONNECT", "token")
	a.wantClose(4401)
}

func TestTokenEnds(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Grace = 20 * time.Millisecond })
	b := h.enter(space.Guest)
	claims := h.claims(space.Guest)
	claims.Expires = h.now().Add(3*time.Second - identity.Leeway) // exp has whole seconds: between two and three are left
	a := h.connect(claims)
	a.join(houseID)
	b.expect(protocol.TypePeerJoined, nil)
	a.skipTo(protocol.TypeError, nil)
	a.wantClose(4401)
	b.expect(protocol.TypePeerLeft, nil)
}

func TestReplaced(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Grace = time.Minute })
	a, b := h.pair(space.Plain)
	a2 := h.connect(a.claims)
	e := a.wantError(protocol.InvalidRequest, "", "")
	if e.Details["reason"] != "replaced" {
		t.Errorf("%+v", e)
	}
	a.wantClose(4409)
	// Between CONNECT and JOIN_WORLD the user has its place and no way to use it.
	a2.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 1, Y: 1}})
	a2.wantError(protocol.InvalidRequest, "MOVE_INTENT", "")
	b.send(protocol.TypeSDPOffer, protocol.Description{To: a.user.String(), SDP: someSDP()})
	b.silent()
	s := a2.join(houseID)
	if len(s.Peers) != 1 || s.Peers[0].UserID != b.user {
		t.Errorf("%+v", s)
	}
	a2.expect(protocol.TypePresenceBroadcast, nil)
	var d protocol.Description
	a2.expect(protocol.TypeSDPOffer, &d)
	if d.From != b.user.String() {
		t.Errorf("%+v", d)
	}
	b.silent()
}

func TestReplacedAndNeverJoins(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Grace = 30 * time.Millisecond })
	a, b := h.pair(space.Plain)
	h.connect(a.claims)
	a.skipTo(protocol.TypeError, nil)
	var left protocol.PeerLeft
	b.expect(protocol.TypePeerLeft, &left)
	if left.UserID != a.user {
		t.Errorf("%+v", left)
	}
}

func TestShutdown(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.pair(space.Plain)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.srv.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	a.wantClose(1001)
	b.wantClose(1001)
	_, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(h.http.URL, "http")+"/signal", nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatal(resp, err)
	}
	_ = resp.Body.Close()
}

func TestHeartbeat(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Heartbeat = 20 * time.Millisecond; o.Grace = 20 * time.Millisecond })
	b := h.enter(space.Plain)
	a := h.connectOn(h.dial(func(ws *websocket.Conn) {
		ws.SetPingHandler(func(string) error { return nil })
	}), h.claims(space.Plain))
	a.join(houseID)
	b.expect(protocol.TypePeerJoined, nil)
	b.expect(protocol.TypePeerLeft, nil)
	a.wantClose(4408)
}
