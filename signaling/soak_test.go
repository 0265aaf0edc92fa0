package signaling

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// TestNothingIsLeft: after 200 joins and leaves, by every way there is to leave, the server holds nothing. That no
// goroutine is left is TestMain's to see.
func TestNothingIsLeft(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Grace = 10 * time.Millisecond })
	for range 50 {
		join := func(c *client, world uuid.UUID) {
			c.send(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: world})
			c.skipTo(protocol.TypeWorldState, nil)
		}
		a, b := h.connect(h.claims(space.Plain)), h.connect(h.claims(space.Plain), "presence_batch")
		join(a, houseID)
		join(b, houseID)
		b.send(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: hallID, ToZoneID: teamID, Position: protocol.Position{X: 16, Y: 1}})
		b.skipTo(protocol.TypeZoneTransitioned, nil)
		c := h.connect(b.claims) // replaces b
		join(c, houseID)
		join(c, annexID)
		d := h.connect(h.claims(space.Plain)) // never joins
		for _, x := range []*client{a, b, c, d} {
			x.drop()
		}
	}
	h.waitFor(func() bool {
		s := h.srv
		return len(s.members)+len(s.current)+len(s.sessions) == 0
	})
	h.srv.mu.Lock()
	defer h.srv.mu.Unlock()
	if n := len(h.srv.registry.sessions); n != 0 {
		t.Errorf("%d connections in the registry", n)
	}
	for _, w := range h.srv.order {
		if n := w.live.Len(); n != 0 {
			t.Errorf("%d in %s", n, w.live.Map().Name)
		}
	}
}

// view is what a client has been told.
type view struct {
	zone     uuid.UUID
	position protocol.Position
	peers    map[uuid.UUID]protocol.Position
}

func (v *view) snapshot(peers []protocol.PeerPresence) {
	v.peers = map[uuid.UUID]protocol.Position{}
	for _, p := range peers {
		v.peers[p.UserID] = p.Position
	}
}

// take follows one frame, and says what no client may be told.
func (v *view) take(env protocol.Envelope) error {
	known := func(id uuid.UUID) error {
		if _, ok := v.peers[id]; !ok {
			return fmt.Errorf("%s about %s, who is not in the zone", env.Type, id)
		}
		return nil
	}
	switch env.Type {
	case protocol.TypeWorldState:
		var m protocol.WorldState
		panicIf(env.Into(&m))
		v.zone, v.position = m.CurrentZone.ZoneID, m.Position
		v.snapshot(m.PresenceSnapshot)
	case protocol.TypeZoneTransitioned:
		var m protocol.ZoneTransitioned
		panicIf(env.Into(&m))
		v.zone, v.position = m.Zone.ZoneID, m.Position
		v.snapshot(m.PresenceSnapshot)
	case protocol.TypePositionCorrection:
		var m protocol.PositionCorrection
		panicIf(env.Into(&m))
		v.position = m.CorrectPosition
	case protocol.TypePeerJoined:
		var m protocol.PeerJoined
		panicIf(env.Into(&m))
		if known(m.User.UserID) == nil {
			return fmt.Errorf("%s joined twice", m.User.UserID)
		}
		v.peers[m.User.UserID] = m.Position
	case protocol.TypePeerLeft:
		var m protocol.PeerLeft
		panicIf(env.Into(&m))
		err := known(m.UserID)
		delete(v.peers, m.UserID)
		return err
	case protocol.TypePresenceBroadcast:
		var m protocol.PresenceBroadcast
		panicIf(env.Into(&m))
		if err := known(m.UserID); err != nil {
			return err
		}
		v.peers[m.UserID] = m.Position
	case protocol.TypePresenceBatch:
		var m protocol.PresenceBatch
		panicIf(env.Into(&m))
		for _, u := range m.Updates {
			if err := known(u.UserID); err != nil {
				return err
			}
			v.peers[u.UserID] = u.Position
		}
	case protocol.TypeSDPOffer:
		var m protocol.Description
		panicIf(env.Into(&m))
		return known(uuid.MustParse(m.From))
	}
	return nil
}

// TestViewsAgree has several clients do what they like, all at once. Nobody may be told of someone who is not in
// its zone, and when it is quiet everyone's view is the server's.
func TestViewsAgree(t *testing.T) {
	const clients, steps = 6, 150
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	h := newHouse(t, func(o *Options) {
		o.Grace = time.Minute
		o.Tick = time.Millisecond
	})
	claims := make([]Claims, clients)
	cs := make([]*client, clients)
	views := make([]*view, clients)
	done := make(chan error, clients)
	for i := range clients {
		claims[i], views[i] = h.claims(space.Plain), &view{}
		features := []string{}
		if i%2 == 0 {
			features = append(features, "presence_batch")
		}
		cs[i] = h.connect(claims[i], features...)
	}
	for i := range clients {
		go func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(i)))
			c, v := cs[i], views[i]
			follow := func() error {
				for {
					select {
					case env := <-c.frames:
						if err := v.take(env); err != nil {
							return err
						}
						continue
					default:
						return nil
					}
				}
			}
			join := func() error {
				c.raw(`{"type":"JOIN_WORLD","payload":{"world_id":"` + houseID.String() + `"}}`)
				for v.zone == uuid.Nil {
					if err := v.take(<-c.frames); err != nil {
						return err
					}
				}
				return nil
			}
			err := join()
			zones := []uuid.UUID{hallID, roomID, vaultID, teamID}
			for n := 0; n < steps && err == nil; n++ {
				at := protocol.Position{X: float64(rnd.IntN(20)), Y: float64(rnd.IntN(12))}
				switch rnd.IntN(6) {
				case 0:
					c.send(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: v.zone, ToZoneID: zones[rnd.IntN(4)], Position: at})
				case 1:
					c.send(protocol.TypeSDPOffer, protocol.Description{To: claims[rnd.IntN(clients)].User.String(), SDP: someSDP()})
				case 2:
					c.send(protocol.TypePresenceUpdate, protocol.PresenceUpdate{Position: at, Facing: "north", State: "idle", ZoneID: v.zone})
				case 3:
					if rnd.IntN(10) == 0 {
						err = join()
					}
				default:
					c.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: at, Timestamp: float64(n)})
				}
				if err == nil {
					err = follow()
				}
			}
			done <- err
		}()
	}
	for range clients {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // a second fence, for what the others' last messages brought
		for i, c := range cs {
			for _, env := range c.before() {
				if err := views[i].take(env); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	deadline := time.After(patience)
	for i, c := range cs {
		for !h.agrees(claims[i].User, views[i]) {
			select { // presence of the last tick may still come
			case env := <-c.frames:
				if err := views[i].take(env); err != nil {
					t.Fatal(err)
				}
			case <-deadline:
				t.Fatalf("client %d was told %+v", i, views[i])
			}
		}
	}
}

func (h *house) agrees(user uuid.UUID, v *view) bool {
	h.srv.mu.Lock()
	defer h.srv.mu.Unlock()
	m := h.srv.members[user]
	others := h.srv.others(m)
	if m.zone().ID != v.zone || len(others) != len(v.peers) {
		return false
	}
	for _, o := range others {
		if p, ok := v.peers[o.user]; !ok || p != o.position() {
			return false
		}
	}
	return true
}
