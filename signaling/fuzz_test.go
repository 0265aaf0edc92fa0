package signaling

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// FuzzMessage sends what comes as the payload of a message of each type to a live server, by an admin in a world. The
// server goes on, whoever shares the zone is not harmed, and the world stays whole.
func FuzzMessage(f *testing.F) {
	h := newHouse(f, func(o *Options) {
		o.Grace = time.Minute
		o.Rules.Kick = time.Nanosecond
		o.Rules.Removal = time.Nanosecond
	})
	claims, other := h.claims(space.Admin), h.claims(space.Admin)
	types := protocol.ZoneTypes()
	for i, typ := range types {
		payload := make(map[string]json.RawMessage)
		for name := range fields[typ] {
			payload[name] = json.RawMessage(goodFields(other.User)[name])
		}
		f.Add(byte(i), []byte(asJSON(payload)))
		for name, wrong := range fields[typ] { // one wrong value of each field
			with := maps.Clone(payload)
			with[name] = json.RawMessage(wrong[0])
			f.Add(byte(i), []byte(asJSON(with)))
		}
	}
	f.Add(byte(slices.Index(types, protocol.TypeConnect)), []byte(`{"token":"x","features":["presence_batch"]}`))
	f.Add(byte(slices.Index(types, protocol.TypeError)), []byte(`{"code":"SERVER_ERROR"}`))
	f.Fuzz(func(t *testing.T, n byte, payload []byte) {
		typ := types[int(n)%len(types)]
		frame := `{"type":"` + typ + `","payload":` + string(payload) + `,"protocol_version":1}`
		if len(frame) > 60<<10 || !utf8.ValidString(frame) {
			return // the socket's to refuse
		}
		h.t = t
		a, b := h.connect(claims), h.connect(other) // in the places that they have
		for _, c := range []*client{a, b} {
			c.send(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: houseID})
		}
		if !a.answers() || !b.answers() {
			t.Fatal("closed before anything was sent")
		}
		a.raw(frame)
		if !a.answers() && typ != protocol.TypeConnect { // which closes where the token is none
			t.Fatalf("closed by %s", frame)
		}
		if !b.answers() && typ != protocol.TypeKickFromWorld {
			t.Fatalf("another's connection is closed by %s", frame)
		}
		h.whole(t)
	})
}

// answers says whether the server still does, and fails for an answer that says that it failed.
func (c *client) answers() bool {
	c.t.Helper()
	fence := protocol.MustEncode(protocol.TypeInteractEnd, protocol.InteractEnd{ObjectID: foreignID, LockID: foreignID})
	if c.ws.WriteMessage(websocket.TextMessage, fence) != nil {
		return false
	}
	for {
		select {
		case env := <-c.frames:
			switch {
			case env.Type != protocol.TypeError:
			case strings.Contains(string(env.Payload), string(protocol.ServerError)):
				c.t.Fatalf("the server failed: %s", env.Payload)
			case strings.Contains(string(env.Payload), protocol.TypeInteractEnd) && strings.Contains(string(env.Payload), string(protocol.ObjectNotFound)):
				return true
			}
		case <-c.closed:
			return false
		case <-time.After(patience):
			c.t.Fatal("nothing comes")
		}
	}
}

// whole checks what must hold in every world: nobody in two zones, nobody on a collision tile, one holder per lock.
func (h *house) whole(t *testing.T) {
	t.Helper()
	h.srv.mu.Lock()
	defer h.srv.mu.Unlock()
	for _, w := range h.srv.order {
		m := w.live.Map()
		in := make(map[string]string)
		stands := make(map[space.Tile]string)
		for _, z := range m.Zones() {
			for _, p := range w.live.InZone(z.ID) {
				user := p.User.String()
				if other, ok := in[user]; ok {
					t.Fatalf("%s is in %s and in %s", user, other, z.Name)
				}
				in[user] = z.Name
				tile := p.Pose.Point().Tile()
				if at, ok := m.ZoneAt(tile); m.Blocked(tile) || m.Solid(tile) || !ok || at != z {
					t.Fatalf("%s stands at %+v", user, tile)
				}
				if other, ok := stands[tile]; ok {
					t.Fatalf("%s stands on %s", user, other)
				}
				stands[tile] = user
			}
			held := make(map[string]bool)
			for _, l := range w.live.Locks(z.ID) {
				if held[l.Object.String()] || in[l.User.String()] != z.Name {
					t.Fatalf("%+v is held by who is in %q", l, in[l.User.String()])
				}
				held[l.Object.String()] = true
			}
		}
		if len(in) != w.live.Len() {
			t.Fatalf("%d in zones, %d in the world", len(in), w.live.Len())
		}
	}
}
