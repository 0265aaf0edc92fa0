package signaling

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

func (c *client) interact(object uuid.UUID, action protocol.Action) {
	c.t.Helper()
	c.send(protocol.TypeInteractRequest, protocol.InteractRequest{ObjectID: object, Action: action})
}

func (c *client) granted(object uuid.UUID) uuid.UUID {
	c.t.Helper()
	var g protocol.InteractGranted
	if c.expect(protocol.TypeInteractGranted, &g); g.ObjectID != object || g.LockID == uuid.Nil {
		c.t.Fatalf("%+v", g)
	}
	return g.LockID
}

func (c *client) denied(object uuid.UUID, reason protocol.Denial) {
	c.t.Helper()
	var d protocol.InteractDenied
	if c.expect(protocol.TypeInteractDenied, &d); d != (protocol.InteractDenied{ObjectID: object, Reason: reason}) {
		c.t.Fatalf("%+v, want %s", d, reason)
	}
}

func TestObjects(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Rules.Reach = 3 })
	a, b := h.enter(space.Plain), h.enter(space.Plain, "object_released")
	old := h.enter(space.Plain)
	a.before()
	b.before()
	// The chair is at 3,3 and people arrive around 1,1: within three tiles.
	a.interact(chairID, protocol.Sit)
	lock := a.granted(chairID)
	for _, c := range []*client{b, old} {
		var o protocol.ObjectOccupied
		if c.expect(protocol.TypeObjectOccupied, &o); o != (protocol.ObjectOccupied{ObjectID: chairID, UserID: a.user}) {
			t.Errorf("%+v", o)
		}
	}
	a.interact(chairID, protocol.Sit)
	if again := a.granted(chairID); again != lock {
		t.Error("granted again with another lock")
	}
	b.interact(chairID, protocol.Sit)
	b.denied(chairID, protocol.DenyOccupied)
	b.silent()

	// Who arrives is told.
	d := h.connect(h.claims(space.Plain))
	if s := d.join(houseID); len(s.Objects) != 1 || s.Objects[0] != (protocol.ObjectHold{ObjectID: chairID, UserID: a.user}) {
		t.Errorf("%+v", s.Objects)
	}
	for range 3 {
		d.expect(protocol.TypePresenceBroadcast, nil)
	}
	d.expect(protocol.TypeObjectOccupied, nil)
	d.silent()
	for _, c := range []*client{a, b, old} {
		c.expect(protocol.TypePeerJoined, nil)
	}

	end := func(c *client, object, lock uuid.UUID) {
		c.send(protocol.TypeInteractEnd, protocol.InteractEnd{ObjectID: object, LockID: lock})
	}
	end(a, uuid.New(), lock)
	a.wantError(protocol.ObjectNotFound, "INTERACT_END", "object_id")
	end(a, chairID, uuid.New())
	a.wantError(protocol.PermissionDenied, "INTERACT_END", "lock_id")
	end(b, chairID, lock)
	b.wantError(protocol.PermissionDenied, "INTERACT_END", "lock_id")
	end(a, chairID, lock)
	a.silent()
	b.expect(protocol.TypeObjectReleased, nil)
	old.silent() // a message that it does not know
	b.interact(chairID, protocol.Sit)
	b.granted(chairID)
	old.expect(protocol.TypeObjectOccupied, nil)
	a.expect(protocol.TypeObjectOccupied, nil)
}

func TestObjectsDenied(t *testing.T) {
	h := newHouse(t, nil)
	a := h.enter(space.Plain)
	guest := h.enter(space.Guest)
	a.before()
	a.interact(uuid.New(), protocol.Sit)
	a.wantError(protocol.ObjectNotFound, "INTERACT_REQUEST", "object_id")
	a.interact(deskID, protocol.Use) // in another zone, whatever else is wrong
	a.denied(deskID, protocol.DenyInvalid)
	a.interact(chairID, protocol.Use)
	a.denied(chairID, protocol.DenyInvalid)
	a.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 6.2, Y: 3}})
	a.interact(chairID, protocol.Sit)
	a.denied(chairID, protocol.DenyInvalid)
	a.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 5.9, Y: 1}})
	a.interact(chairID, protocol.Sit)
	a.granted(chairID)
	guest.send(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: hallID, ToZoneID: teamID, Position: protocol.Position{X: 16, Y: 2}})
	guest.skipTo(protocol.TypeZoneTransitioned, nil)
	guest.interact(deskID, protocol.Use)
	guest.denied(deskID, protocol.DenyUnauthorized)
	a.send(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: hallID, ToZoneID: teamID, Position: protocol.Position{X: 17, Y: 2}})
	a.skipTo(protocol.TypeZoneTransitioned, nil)
	a.before()
	a.interact(deskID, protocol.Use)
	a.granted(deskID)
}

func TestLocksEnd(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Grace = 300 * time.Millisecond; o.Rules.Reach = 3 })
	a, b := h.pair(space.Plain, "object_released")
	take := func() {
		t.Helper()
		a.interact(chairID, protocol.Sit)
		a.granted(chairID)
		b.expect(protocol.TypeObjectOccupied, nil)
	}
	take()
	a.walk(teamID, hallID, 16, 1)
	b.expect(protocol.TypeObjectReleased, nil)
	b.expect(protocol.TypePeerLeft, nil)
	a.walk(hallID, teamID, 4, 2)
	a.before()
	b.expect(protocol.TypePeerJoined, nil)
	b.skipTo(protocol.TypePresenceBroadcast, nil)
	take()
	a = h.connect(a.claims) // replaced, and back in its place: it holds on
	if s := a.join(houseID); len(s.Objects) != 1 {
		t.Errorf("%+v", s.Objects)
	}
	a.before()
	b.interact(chairID, protocol.Sit)
	b.denied(chairID, protocol.DenyOccupied)
	a.drop()
	b.expect(protocol.TypeObjectReleased, nil) // when the grace is over
	b.expect(protocol.TypePeerLeft, nil)
}

// TestOneWins: of many who reach for the chair at once, one gets it.
func TestOneWins(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Rules.Reach = 20 })
	cs := make([]*client, 12)
	for i := range cs {
		cs[i] = h.enter(space.Plain)
	}
	for _, c := range cs {
		c.before()
	}
	for _, c := range cs {
		go c.interact(chairID, protocol.Sit)
	}
	won := 0
	for _, c := range cs {
		for answered := false; !answered; {
			switch env := c.next(); env.Type {
			case protocol.TypeInteractGranted:
				won++
				answered = true
			case protocol.TypeInteractDenied:
				answered = true
			}
		}
	}
	if won != 1 {
		t.Errorf("%d hold the chair", won)
	}
}
