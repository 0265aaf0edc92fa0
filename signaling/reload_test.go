package signaling

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

const deskOfHouse = `{"id":21,"name":"Desk","type":"desk","x":18,"y":3,"width":1,"height":1,"properties":[{"name":"object_id","type":"string","value":"30000000-0000-4000-8000-000000000002"},{"name":"actions","type":"string","value":"use"}]}`

// withoutPresence is for tests that count messages: presence comes when its tick does.
func withoutPresence(o *Options) { o.Tick = time.Hour }

// without takes a zone's line out of zonesOfHouse: its tiles belong to the hall then.
func without(zone string) string {
	var lines []string
	for line := range strings.SplitSeq(zonesOfHouse, "\n") {
		if line != "" && !strings.Contains(line, zone) {
			lines = append(lines, strings.TrimSuffix(line, ","))
		}
	}
	return strings.Join(lines, ",\n")
}

// reload draws the house anew; the other worlds stay.
func (h *house) reload(zones, objects string) {
	h.t.Helper()
	all := worlds(h.t)
	all[0] = parseWorld(h.t, houseID, "Home", zones, objects)
	h.srv.Reload(all)
}

func (h *house) live(zone uuid.UUID) int { return h.ctl.Snapshot(zone).Live }

// TestReloadZoneGone: who was in a zone that is gone goes to the spawn zone, one after the other, and everyone concerned
// reads what it would if they had walked.
func TestReloadZoneGone(t *testing.T) {
	h := newHouse(t, withoutPresence)
	stays := h.enter(space.Plain, "topology_changed")
	a, b := h.enter(space.Plain, "topology_changed"), h.enter(space.Plain, "topology_changed")
	a.before()
	a.walk(roomID, hallID, 11, 1)
	b.before()
	b.walk(roomID, hallID, 12, 1)
	for _, c := range []*client{stays, a, b} {
		c.before()
	}
	h.reload(without("Room"), "")
	joined := func(c *client, who *client) {
		t.Helper()
		var j protocol.PeerJoined
		if c.skipTo(protocol.TypePeerJoined, &j); j.User.UserID != who.user {
			t.Errorf("%s joined, want %s", j.User.UserID, who.user)
		}
	}
	var z protocol.ZoneTransitioned
	if a.expect(protocol.TypeZoneTransitioned, &z); z.Zone.ZoneID != hallID || len(z.PresenceSnapshot) != 1 || z.PresenceSnapshot[0].UserID != stays.user {
		t.Errorf("%+v", z)
	}
	joined(a, b)
	b.expect(protocol.TypePeerLeft, nil) // the first left before the second
	if b.expect(protocol.TypeZoneTransitioned, &z); z.Zone.ZoneID != hallID || len(z.PresenceSnapshot) != 2 {
		t.Errorf("%+v", z)
	}
	joined(stays, a)
	joined(stays, b)
	if h.live(roomID) != 0 || h.live(hallID) != 3 {
		t.Errorf("the controller counts %d in the room and %d in the hall", h.live(roomID), h.live(hallID))
	}
	stays.before()
	stays.send(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: hallID, ToZoneID: roomID, Position: protocol.Position{X: 11, Y: 1}})
	stays.skipTo(protocol.TypeError, nil) // there is no such zone
	a.before()
	a.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 11, Y: 1}}) // where the room was
	for _, env := range a.before() {
		if env.Type == protocol.TypePositionCorrection {
			t.Error("the room's tiles are not the hall's")
		}
	}
}

// TestReloadWall: where a wall is drawn over somebody in the spawn zone, only the tile changes; elsewhere people stay
// unless their tile is another zone's, and hear nothing.
func TestReloadWall(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.pair(space.Plain)
	a.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 4.5, Y: 4}})
	b.skipTo(protocol.TypePresenceBroadcast, nil)
	c := h.connect(h.claims(space.Plain))
	c.join(houseID)
	c.before()
	c.walk(teamID, hallID, 16, 1)
	a.before()
	b.before()
	b.send(protocol.TypePresenceUpdate, protocol.PresenceUpdate{Position: protocol.Position{X: 6, Y: 6}, Facing: "west", State: "idle", ZoneID: hallID})
	a.skipTo(protocol.TypePresenceBroadcast, nil)
	b.before()
	// The house in which a plant stands at 4,4.
	h.reload(zonesOfHouse, strings.NewReplacer(`"x":18,"y":3`, `"x":4,"y":4`, `"value":"use"}`, `"value":"use"},{"name":"solid","type":"bool","value":true}`).Replace(deskOfHouse))
	var p protocol.PositionCorrection
	if a.expect(protocol.TypePositionCorrection, &p); p.Reason != protocol.CorrectionReason(space.Occupied) || p.CorrectPosition != (protocol.Position{X: 1, Y: 1}) {
		t.Errorf("%+v", p)
	}
	var u protocol.PresenceBroadcast
	if b.expect(protocol.TypePresenceBroadcast, &u); u.UserID != a.user || u.Position != p.CorrectPosition {
		t.Errorf("%+v", u)
	}
	a.silent()
	b.silent()
	c.silent()
	if h.live(hallID) != 2 || h.live(teamID) != 1 {
		t.Errorf("%d in the hall, %d in the team's area", h.live(hallID), h.live(teamID))
	}
}

// TestReloadLocks: what is gone is nobody's; what stays is held on.
func TestReloadLocks(t *testing.T) {
	h := newHouse(t, func(o *Options) { withoutPresence(o); o.Rules.Reach = 20 })
	a, b := h.pair(space.Plain, "object_released")
	a.interact(chairID, protocol.Sit)
	a.granted(chairID)
	b.expect(protocol.TypeObjectOccupied, nil)
	a.walk(teamID, hallID, 16, 1)
	b.expect(protocol.TypeObjectReleased, nil)
	b.expect(protocol.TypePeerLeft, nil)
	b.interact(chairID, protocol.Sit)
	lock := b.granted(chairID)
	a.interact(deskID, protocol.Use)
	desk := a.granted(deskID)
	h.reload(zonesOfHouse, deskOfHouse) // the chair is gone
	var r protocol.ObjectReleased
	if b.expect(protocol.TypeObjectReleased, &r); r.ObjectID != chairID {
		t.Errorf("%+v", r)
	}
	a.silent()
	b.send(protocol.TypeInteractEnd, protocol.InteractEnd{ObjectID: chairID, LockID: lock})
	b.wantError(protocol.ObjectNotFound, "INTERACT_END", "object_id")
	a.interact(deskID, protocol.Use)
	if again := a.granted(deskID); again != desk {
		t.Error("the desk was lost")
	}
	h.reload(without("Team"), deskOfHouse) // the desk is the hall's now, and so is who holds it, by another door
	a.skipTo(protocol.TypeZoneTransitioned, nil)
	for _, env := range b.before() {
		if env.Type == protocol.TypeObjectOccupied {
			t.Error("the desk is held on")
		}
	}
	b.interact(deskID, protocol.Use)
	b.granted(deskID)
}

// TestReloadWorlds: a world whose map is gone closes, a new one opens, and so does one that is another workspace's now.
func TestReloadWorlds(t *testing.T) {
	h := newHouse(t, withoutPresence)
	a := h.connect(h.claims(space.Plain))
	a.join(annexID)
	b := h.enter(space.Plain)
	gone := h.connect(h.claims(space.Plain))
	gone.join(annexID)
	a.before()
	gone.drop()
	h.waitFor(func() bool { return h.srv.members[gone.user].session == nil })
	other := uuid.New()
	all := worlds(t)
	fresh := parseWorld(t, other, "Other", strings.ReplaceAll(zonesOfHouse, "20000000-", "23000000-"), "")
	h.srv.Reload([]*space.Map{all[0], fresh})
	if e := a.wantError(protocol.WorldNotFound, "", "world_id"); e.Details["reason"] != "closed" {
		t.Errorf("%+v", e)
	}
	a.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 2, Y: 2}})
	if e := a.wantError(protocol.InvalidRequest, "MOVE_INTENT", ""); e.Details["reason"] != "not_joined" {
		t.Errorf("%+v", e)
	}
	a.send(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: annexID})
	a.wantError(protocol.WorldNotFound, "JOIN_WORLD", "world_id")
	a.join(other)
	b.silent()
	again := h.connect(gone.claims)
	again.join(houseID)
	b.expect(protocol.TypePeerJoined, nil)

	sold := parseWorld(t, houseID, "House", zonesOfHouse, "")
	sold.Workspace = uuid.New()
	h.srv.Reload([]*space.Map{sold})
	b.skipTo(protocol.TypeError, nil)
	b.send(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: houseID})
	b.skipTo(protocol.TypeError, nil)
	h.srv.mu.Lock()
	defer h.srv.mu.Unlock()
	if len(h.srv.members) != 0 || len(h.srv.worlds) != 1 || len(h.srv.order) != 1 {
		t.Errorf("%d members in %d worlds", len(h.srv.members), len(h.srv.worlds))
	}
}

// TestReloadInGrace: who has no connection just then finds itself in the spawn zone when it is back.
func TestReloadInGrace(t *testing.T) {
	h := newHouse(t, withoutPresence)
	a := h.enter(space.Plain)
	a.walk(roomID, hallID, 11, 1)
	a.drop()
	h.waitFor(func() bool { return h.srv.members[a.user].session == nil })
	h.reload(without("Room"), "")
	back := h.connect(a.claims)
	if s := back.join(houseID); s.CurrentZone.ZoneID != hallID {
		t.Errorf("%+v", s)
	}
	if h.live(roomID) != 0 || h.live(hallID) != 1 {
		t.Errorf("the controller counts %d in the room and %d in the hall", h.live(roomID), h.live(hallID))
	}
}

// TestReloadFull: where there is no room for all, who is left over is out of the world and told why.
func TestReloadFull(t *testing.T) {
	h := newHouse(t, withoutPresence)
	a, b := h.pair(space.Plain)
	a.walk(teamID, hallID, 16, 1)
	b.expect(protocol.TypePeerLeft, nil)
	b.walk(roomID, hallID, 11, 1)
	// The hall is one tile, and the rest is someone else's.
	zone := func(id, name, typ string, more string, areas ...string) string {
		s := `{"id":1,"name":"` + name + `","type":"` + typ + `",` + areas[0] + `,"properties":[{"name":"zone_id","type":"string","value":"` + id + `"}` + more + `]}`
		for _, area := range areas[1:] {
			s += `,{"id":1,"name":"","type":"",` + area + `,"properties":[{"name":"area_of","type":"string","value":"` + id + `"}]}`
		}
		return s
	}
	h.reload(zone(hallID.String(), "Hall", "OpenArea", "", `"x":1,"y":1,"width":1,"height":1`)+","+
		zone(vaultID.String(), "Vault", "PrivateRoom", `,{"name":"roles","type":"string","value":"admin"}`, `"x":0,"y":0,"width":20,"height":1`,
			`"x":0,"y":1,"width":1,"height":1`, `"x":2,"y":1,"width":18,"height":1`, `"x":0,"y":2,"width":20,"height":10`), "")
	// The room stands before the team's area in the file.
	b.skipTo(protocol.TypeZoneTransitioned, nil)
	if e := a.wantError(protocol.PermissionDenied, "", ""); e.Details["reason"] != "full" {
		t.Errorf("%+v", e)
	}
	a.send(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: houseID})
	a.wantError(protocol.PermissionDenied, "JOIN_WORLD", "world_id")
	if h.live(teamID) != 0 || h.live(roomID) != 0 || h.live(hallID) != 1 {
		t.Error("the controller counts who is out")
	}
}

// TestReloadTold: a world that is drawn anew is told to everyone in it who asked to be, before what follows from it, and
// to nobody else; who was in its grace is told when it is back. A map that says the same is not told.
func TestReloadTold(t *testing.T) {
	h := newHouse(t, withoutPresence)
	knowing := []string{"topology_changed", "object_released", "presence_batch", "user_muted", "world_changed"}
	a := h.enter(space.Plain, knowing...)
	old := h.enter(space.Plain, knowing[:4]...)
	gone := h.enter(space.Plain, knowing...)
	elsewhere := h.connect(h.claims(space.Plain), knowing...)
	elsewhere.join(annexID)
	elsewhere.before()
	outside := h.connect(h.claims(space.Plain), knowing...)
	gone.drop()
	h.waitFor(func() bool { return h.srv.members[gone.user].session == nil })
	a.before()
	a.walk(roomID, hallID, 11, 1)
	a.before()
	old.before()

	h.srv.Reload(worlds(t)) // as they were
	a.silent()

	h.reload(without("Room"), "")
	var w protocol.WorldChanged
	if a.expect(protocol.TypeWorldChanged, &w); w.WorldID != houseID {
		t.Errorf("%+v", w)
	}
	a.expect(protocol.TypeZoneTransitioned, nil)
	old.expect(protocol.TypePeerJoined, nil)
	old.silent()
	elsewhere.silent()
	outside.silent()

	back := h.connect(gone.claims, knowing...)
	back.join(houseID)
	told := 0
	for _, env := range back.before() {
		if env.Type == protocol.TypeWorldChanged {
			told++
		}
	}
	if told != 1 {
		t.Errorf("who was in its grace was told %d times", told)
	}
	back.join(houseID)
	for _, env := range back.before() {
		if env.Type == protocol.TypeWorldChanged {
			t.Error("told again")
		}
	}
}

// TestReloadUnderway: maps change again and again under people who walk, sit down and come back; afterwards the world, the
// server and the controller still agree on who is where.
func TestReloadUnderway(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Rules.Reach = 20 })
	zones := []uuid.UUID{hallID, roomID, teamID, vaultID}
	people := make([]*client, 5)
	for i := range people {
		people[i] = h.enter(space.Plain, "presence_batch", "object_released")
	}
	var walking sync.WaitGroup
	stop, steps := make(chan struct{}), make(chan struct{})
	for i, c := range people {
		walking.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				case steps <- struct{}{}:
				}
				from, to := zones[n%4], zones[(n/4+i)%4]
				x, y := float64(11+n%4), float64(1+i)
				if to == hallID || to == teamID {
					x = float64(n%9) + map[uuid.UUID]float64{teamID: 15}[to]
				}
				frame := protocol.MustEncode(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: from, ToZoneID: to, Position: protocol.Position{X: x, Y: y}})
				switch n % 7 {
				case 0:
					frame = protocol.MustEncode(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: houseID})
				case 1:
					frame = protocol.MustEncode(protocol.TypeInteractRequest, protocol.InteractRequest{ObjectID: deskID, Action: protocol.Use})
				case 2, 3:
					frame = protocol.MustEncode(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: x, Y: y}, Timestamp: float64(n)})
				}
				c.raw(string(frame))
				c.before() // whatever it was answered
			}
		})
	}
	for n := range 60 {
		switch n % 3 {
		case 0:
			h.reload(without("Room"), deskOfHouse)
		case 1:
			h.reload(without("Team"), "")
		case 2:
			h.reload(zonesOfHouse, deskOfHouse)
		}
		for range 2 * len(people) { // let them walk a little
			<-steps
		}
	}
	close(stop)
	walking.Wait()
	h.srv.mu.Lock()
	defer h.srv.mu.Unlock()
	in := 0
	for _, z := range zones {
		members := h.srv.worlds[houseID].live.InZone(z)
		if n := h.live(z); n != len(members) {
			t.Errorf("%d are in zone %s, the controller counts %d", len(members), z, n)
		}
		in += len(members)
	}
	if in != len(h.srv.members) || in != len(people) {
		t.Errorf("%d are in zones, %d are members, %d came", in, len(h.srv.members), len(people))
	}
}
