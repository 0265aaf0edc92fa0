package signaling

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"atrium/signaling/identity"
	"atrium/signaling/protocol"
	"atrium/signaling/space"
	"atrium/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The worlds of the tests: a house of four zones side by side without walls, its annex, and someone else's.
var (
	workspace = uuid.MustParse("0a000000-0000-4000-8000-000000000001")
	houseID   = uuid.MustParse("10000000-0000-4000-8000-000000000001")
	annexID   = uuid.MustParse("10000000-0000-4000-8000-000000000002")
	foreignID = uuid.MustParse("10000000-0000-4000-8000-000000000003")
	hallID    = uuid.MustParse("20000000-0000-4000-8000-000000000001")
	roomID    = uuid.MustParse("20000000-0000-4000-8000-000000000002")
	vaultID   = uuid.MustParse("20000000-0000-4000-8000-000000000003")
	teamID    = uuid.MustParse("20000000-0000-4000-8000-000000000004")
	chairID   = uuid.MustParse("30000000-0000-4000-8000-000000000001")
	deskID    = uuid.MustParse("30000000-0000-4000-8000-000000000002") // it has a document
	deskDocID = uuid.MustParse("40000000-0000-4000-8000-000000000001")
	wall      = protocol.Position{X: 5, Y: 5}
)

const zonesOfHouse = `
 {"id":1,"name":"Hall","type":"OpenArea","x":0,"y":0,"width":10,"height":12,"properties":[{"name":"zone_id","type":"string","value":"20000000-0000-4000-8000-000000000001"}]},
 {"id":2,"name":"Room","type":"MeetingRoom","x":10,"y":0,"width":5,"height":6,"properties":[{"name":"zone_id","type":"string","value":"20000000-0000-4000-8000-000000000002"},{"name":"capacity","type":"int","value":2}]},
 {"id":3,"name":"Vault","type":"PrivateRoom","x":10,"y":6,"width":5,"height":6,"properties":[{"name":"zone_id","type":"string","value":"20000000-0000-4000-8000-000000000003"},{"name":"roles","type":"string","value":"member,editor,admin"}]},
 {"id":4,"name":"Team","type":"TeamArea","x":15,"y":0,"width":5,"height":12,"properties":[{"name":"zone_id","type":"string","value":"20000000-0000-4000-8000-000000000004"}]}`

func parseWorld(t testing.TB, id uuid.UUID, name, zones, objects string) *space.Map {
	t.Helper()
	const width, height = 20, 12
	tiles := make([]string, width*height)
	for i := range tiles {
		tiles[i] = "0"
	}
	tiles[int(wall.Y)*width+int(wall.X)] = "1"
	m, err := space.ParseMap(name+".tmj", fmt.Appendf(nil, `{"type":"map","version":"1.10","orientation":"orthogonal","renderorder":"right-down","infinite":false,
	 "width":%d,"height":%d,"tilewidth":1,"tileheight":1,"tilesets":[{"firstgid":1,"name":"t","tilewidth":1,"tileheight":1,"tilecount":1,"columns":1}],
	 "properties":[{"name":"world_id","type":"string","value":%q},{"name":"name","type":"string","value":%q}],
	 "layers":[{"id":1,"type":"tilelayer","name":"walls","x":0,"y":0,"width":%d,"height":%d,"properties":[{"name":"collision","type":"bool","value":true}],"data":[%s]},
	  {"id":2,"type":"objectgroup","name":"zones","objects":[%s]},
	  {"id":3,"type":"objectgroup","name":"spawns","objects":[{"id":50,"name":"door","point":true,"x":1.5,"y":1.5,"width":0,"height":0}]},
	  {"id":4,"type":"objectgroup","name":"objects","objects":[%s]}]}`,
		width, height, id, name, width, height, strings.Join(tiles, ","), zones, objects), nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Workspace = workspace
	return m
}

func worlds(t testing.TB) []*space.Map {
	swap := func(s, n string) string { return strings.ReplaceAll(s, "20000000-", n) }
	foreign := parseWorld(t, foreignID, "Foreign", swap(zonesOfHouse, "22000000-"), "")
	foreign.Workspace = uuid.MustParse("0a000000-0000-4000-8000-000000000002")
	return []*space.Map{
		parseWorld(t, houseID, "House", zonesOfHouse,
			`{"id":20,"name":"Chair","type":"chair","x":3,"y":3,"width":1,"height":1,"properties":[{"name":"object_id","type":"string","value":"30000000-0000-4000-8000-000000000001"},{"name":"actions","type":"string","value":"sit"}]},
			 {"id":21,"name":"Desk","type":"desk","x":18,"y":3,"width":1,"height":1,"properties":[{"name":"object_id","type":"string","value":"30000000-0000-4000-8000-000000000002"},{"name":"actions","type":"string","value":"use"},{"name":"solid","type":"bool","value":true},{"name":"roles","type":"string","value":"member,editor,admin"},{"name":"document_id","type":"string","value":"40000000-0000-4000-8000-000000000001"}]}`),
		parseWorld(t, annexID, "Annex", swap(zonesOfHouse, "21000000-"), ""),
		foreign,
	}
}

// house is a server with a real controller behind a real listener.
type house struct {
	t    testing.TB
	srv  *Server
	ctl  *topology.Controller
	http *httptest.Server
	auth Auth
	skew atomic.Int64 // of the server's clock
}

// sink joins the controller to the server as the process does; the SFU and TURN are not here.
type sink struct{ *Server }

func (sink) EndSession(zone, user uuid.UUID, reason string)           {}
func (sink) EndAllocations(zone, user uuid.UUID, upTo topology.Epoch) {}
func (h *house) now() time.Time                                       { return time.Now().Add(time.Duration(h.skew.Load())) }
func (h *house) token(c Claims) string                                { return must(identity.Mint(h.auth, c)) }
func (h *house) claims(role space.Role) Claims                        { return claimsAt(h.now(), role) }
func must[T any](v T, err error) T                                    { panicIf(err); return v }
func panicIf(err error) {
	if err != nil {
		panic(err)
	}
}
func claimsAt(now time.Time, role space.Role) Claims {
	id := uuid.New()
	return Claims{User: id, Workspace: workspace, Name: "N" + id.String()[:4], Avatar: "fox", Role: role, Expires: now.Add(time.Hour)}
}

func newHouse(t testing.TB, change func(*Options), policies ...topology.Policy) *house {
	t.Helper()
	h := &house{t: t, auth: Auth{Secret: []byte("a secret of thirty-two bytes, yes")}}
	policy := topology.DefaultPolicy()
	if len(policies) > 0 {
		policy = policies[0]
	}
	s := &sink{}
	h.ctl = topology.New(topology.Config{
		Default: policy, SFUSecret: []byte("another secret of thirty-two bytes"), TokenTTL: time.Minute,
		TURN: topology.TURNConfig{Enabled: true, URLs: []string{"turn:127.0.0.1:3478"}, Secret: []byte("turn"), TTL: time.Hour, AllocationsPerPair: 6},
	}, s, slog.New(slog.DiscardHandler))
	o := Options{
		Worlds: worlds(t), Auth: h.auth, Controller: h.ctl, GuestLogin: true, Now: h.now,
		Rules:  space.Rules{MaxSpeed: 1000, Slack: 100, Reach: 2, Removal: time.Minute, Kick: time.Minute},
		Limits: Limits{Presence: 1000, Movement: 1000, Negotiation: 1000, Other: 1000},
		Tick:   10 * time.Millisecond,
	}
	if change != nil {
		change(&o)
	}
	h.srv = New(o)
	s.Server = h.srv
	h.http = httptest.NewServer(h.srv.Handler())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.srv.Shutdown(ctx); err != nil {
			t.Error("shutdown:", err)
		}
		h.ctl.Close()
		h.http.Close()
	})
	return h
}

// client is a client that knows the wire only.
type client struct {
	t      testing.TB
	ws     *websocket.Conn
	user   uuid.UUID
	claims Claims
	frames chan protocol.Envelope
	over   chan struct{} // the test is: nobody takes frames any more
	closed chan struct{} // then code is set
	code   int
}

func (h *house) dial(set ...func(*websocket.Conn)) *client {
	h.t.Helper()
	ws, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(h.http.URL, "http")+"/signal", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = resp.Body.Close()
	c := &client{t: h.t, ws: ws, frames: make(chan protocol.Envelope, 4096), over: make(chan struct{}), closed: make(chan struct{})}
	for _, f := range set {
		f(ws)
	}
	go c.read()
	h.t.Cleanup(func() { close(c.over); _ = ws.Close(); <-c.closed })
	return c
}

func (c *client) read() {
	defer close(c.closed)
	for {
		_, frame, err := c.ws.ReadMessage()
		if err != nil {
			var e *websocket.CloseError
			if errors.As(err, &e) {
				c.code = e.Code
			}
			return
		}
		env, err := protocol.Decode(frame)
		if err != nil || env.Version == nil || *env.Version != 1 {
			c.t.Errorf("a frame of the server is no envelope of version 1: %s", frame)
		}
		select {
		case c.frames <- env:
		case <-c.over:
		}
	}
}

func (c *client) raw(text string) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) send(typ string, payload any) {
	c.t.Helper()
	c.raw(string(protocol.MustEncode(typ, payload)))
}

const patience = 10 * time.Second

func (c *client) next() protocol.Envelope {
	c.t.Helper()
	select {
	case env := <-c.frames:
		return env
	case <-time.After(patience):
		c.t.Fatal("nothing came")
	case <-c.closed:
		select {
		case env := <-c.frames:
			return env
		default:
			c.t.Fatalf("closed with %d", c.code)
		}
	}
	panic("not reached")
}

// expect is the next frame, which must be of the type.
func (c *client) expect(typ string, into any) {
	c.t.Helper()
	c.fill(c.next(), typ, into)
}

func (c *client) fill(env protocol.Envelope, typ string, into any) {
	c.t.Helper()
	if env.Type != typ {
		c.t.Fatalf("got %s %s, want %s", env.Type, env.Payload, typ)
	}
	if into != nil {
		if err := env.Into(into); err != nil {
			c.t.Fatal(err)
		}
	}
}

// skipTo reads on to a frame of the type.
func (c *client) skipTo(typ string, into any) {
	c.t.Helper()
	for {
		env := c.next()
		if env.Type == typ {
			c.fill(env, typ, into)
			return
		}
	}
}

// before gives what had come when the server answered a message that has no other effect: what is not in it
// was not sent. The answer takes the lock under which everyone else's messages are carried out, to their last frame.
// It asks twice: presence that waits while the first answer is queued is written behind it, though ahead of the second.
func (c *client) before() []protocol.Envelope {
	c.t.Helper()
	nothing := uuid.New()
	var got []protocol.Envelope
	for range 2 {
		c.send(protocol.TypeInteractEnd, protocol.InteractEnd{ObjectID: nothing, LockID: nothing})
		for {
			env := c.next()
			if env.Type == protocol.TypeError && strings.Contains(string(env.Payload), protocol.TypeInteractEnd) {
				break
			}
			got = append(got, env)
		}
	}
	return got
}

// silent asserts that nothing came.
func (c *client) silent() {
	c.t.Helper()
	for _, env := range c.before() {
		c.t.Errorf("%s came: %s", env.Type, env.Payload)
	}
}

func (c *client) wantError(code protocol.Code, typ, field string) protocol.Error {
	c.t.Helper()
	var e protocol.Error
	c.expect(protocol.TypeError, &e)
	got, _ := e.Details["type"].(string)
	if e.Code != code || e.Field() != field || got != typ || e.Message == "" {
		c.t.Fatalf("got %+v, want %s about %q of %q", e, code, field, typ)
	}
	return e
}

func (c *client) wantClose(code int) {
	c.t.Helper()
	select {
	case <-c.closed:
		if c.code != code {
			c.t.Fatalf("closed with %d, want %d", c.code, code)
		}
	case <-time.After(patience):
		c.t.Fatal("not closed")
	}
}

// drop loses the connection without a word.
func (c *client) drop() { _ = c.ws.Close(); <-c.closed }

// connect is a client that is CONNECTED.
func (h *house) connect(claims Claims, features ...string) *client {
	h.t.Helper()
	return h.connectOn(h.dial(), claims, features...)
}

func (h *house) connectOn(c *client, claims Claims, features ...string) *client {
	h.t.Helper()
	c.user, c.claims = claims.User, claims
	c.send(protocol.TypeConnect, protocol.Connect{Token: h.token(claims), ClientVersion: "1.0.0", Features: features})
	c.expect(protocol.TypeConnected, nil)
	return c
}

func (c *client) join(world uuid.UUID) protocol.WorldState {
	c.t.Helper()
	var s protocol.WorldState
	c.send(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: world})
	c.expect(protocol.TypeWorldState, &s)
	return s
}

// enter is a client in the house's hall, all that the join tells read.
func (h *house) enter(role space.Role, features ...string) *client {
	h.t.Helper()
	c := h.connect(h.claims(role), features...)
	c.join(houseID)
	c.before()
	return c
}

// pair is two clients in the hall that have heard all there is to hear.
func (h *house) pair(role space.Role, features ...string) (a, b *client) {
	h.t.Helper()
	a, b = h.enter(role, features...), h.enter(role, features...)
	a.expect(protocol.TypePeerJoined, nil)
	return a, b
}

func (c *client) walk(to uuid.UUID, from uuid.UUID, x, y float64) protocol.ZoneTransitioned {
	c.t.Helper()
	var z protocol.ZoneTransitioned
	c.send(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: from, ToZoneID: to, Position: protocol.Position{X: x, Y: y}})
	c.expect(protocol.TypeZoneTransitioned, &z)
	return z
}

func someSDP() string {
	return base64.StdEncoding.EncodeToString([]byte("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"))
}

func asJSON(v any) string { return string(must(json.Marshal(v))) }
