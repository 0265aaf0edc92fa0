package signaling

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

func TestJoinWorld(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Tick = time.Hour }) // no tick tells again what the join tells
	a := h.connect(h.claims(space.Plain))
	s := a.join(houseID)
	hall := protocol.Zone{ZoneID: hallID, ZoneType: protocol.OpenArea, WorldID: houseID}
	if s.WorldID != houseID || s.CurrentZone != hall || s.MediaTopology != protocol.P2PDirect || s.Position != (protocol.Position{X: 1, Y: 1}) {
		t.Errorf("%+v", s)
	}
	if s.Peers == nil || s.PresenceSnapshot == nil || s.Objects == nil || len(s.Peers)+len(s.PresenceSnapshot)+len(s.Objects) != 0 {
		t.Errorf("lists are empty, not null: %s", asJSON(s))
	}
	a.silent()
	a.send(protocol.TypePresenceUpdate, protocol.PresenceUpdate{Position: protocol.Position{X: 2.5, Y: 7}, Facing: "west", State: "sitting", ZoneID: hallID})

	b := h.connect(h.claims(space.Plain))
	a.silent() // connected is not joined, and what one does is not told to oneself
	sb := b.join(houseID)
	want := protocol.PeerPresence{
		User:     protocol.User{UserID: a.user, WorkspaceID: workspace, DisplayName: a.claims.Name, AvatarID: "fox"},
		Position: protocol.Position{X: 2.5, Y: 7}, Facing: "west", State: "sitting",
	}
	if len(sb.Peers) != 1 || sb.Peers[0] != want.User || len(sb.PresenceSnapshot) != 1 || sb.PresenceSnapshot[0] != want {
		t.Errorf("%s", asJSON(sb))
	}
	var p protocol.PresenceBroadcast
	b.expect(protocol.TypePresenceBroadcast, &p)
	if p != (protocol.PresenceBroadcast{UserID: a.user, Position: want.Position, Facing: "west", State: "sitting"}) {
		t.Errorf("%+v", p)
	}
	b.silent()
	var j protocol.PeerJoined
	a.expect(protocol.TypePeerJoined, &j)
	if j.User.UserID != b.user || j.Position != sb.Position || j.User.DisplayName != b.claims.Name {
		t.Errorf("%+v", j)
	}
	a.silent()
}

func TestJoinWorldBatch(t *testing.T) {
	h := newHouse(t, nil)
	h.pair(space.Plain)
	c := h.connect(h.claims(space.Plain), "presence_batch")
	c.join(houseID)
	var batch protocol.PresenceBatch
	c.expect(protocol.TypePresenceBatch, &batch)
	if len(batch.Updates) != 2 {
		t.Errorf("%+v", batch)
	}
	c.silent()
}

func TestJoinWorldRefused(t *testing.T) {
	h := newHouse(t, nil)
	claims := h.claims(space.Plain)
	claims.Worlds = []uuid.UUID{annexID}
	a := h.connect(claims)
	for _, tc := range []struct {
		world uuid.UUID
		code  protocol.Code
	}{{uuid.New(), protocol.WorldNotFound}, {foreignID, protocol.PermissionDenied}, {houseID, protocol.PermissionDenied}} {
		a.send(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: tc.world})
		a.wantError(tc.code, "JOIN_WORLD", "world_id")
	}
	a.join(annexID)
}

func TestBeforeJoinWorld(t *testing.T) {
	h := newHouse(t, nil)
	a := h.connect(h.claims(space.Admin))
	id := uuid.NewString()
	for typ, payload := range map[string]string{
		"PRESENCE_UPDATE":  `{"position":{"x":1,"y":1},"facing":"north","state":"idle","zone_id":"` + id + `"}`,
		"ZONE_TRANSITION":  `{"from_zone_id":"` + id + `","to_zone_id":"` + id + `","position":{"x":1,"y":1}}`,
		"MOVE_INTENT":      `{"position":{"x":1,"y":1},"timestamp":1}`,
		"INTERACT_REQUEST": `{"object_id":"` + id + `","action":"sit"}`,
		"INTERACT_END":     `{"object_id":"` + id + `","lock_id":"` + id + `"}`,
		"SDP_OFFER":        `{"to":"` + id + `","sdp":"` + someSDP() + `"}`,
		"SDP_ANSWER":       `{"to":"` + id + `","sdp":"` + someSDP() + `"}`,
		"ICE_CANDIDATE":    `{"to":"` + id + `","candidate":null}`,
		"ICE_FAILED":       `{"peer_id":"` + id + `"}`,
		"SFU_CONNECTED":    `{"zone_id":"` + id + `"}`,
		"SFU_DISCONNECTED": `{"zone_id":"` + id + `","reason":"manual"}`,
		"MUTE_USER":        `{"target_user_id":"` + id + `","duration":1}`,
		"REMOVE_FROM_ZONE": `{"target_user_id":"` + id + `","zone_id":"` + id + `"}`,
		"KICK_FROM_WORLD":  `{"target_user_id":"` + id + `","world_id":"` + id + `"}`,
	} {
		a.raw(`{"type":"` + typ + `","payload":` + payload + `}`)
		if e := a.wantError(protocol.InvalidRequest, typ, ""); e.Details["reason"] != "not_joined" {
			t.Errorf("%+v", e)
		}
		a.raw(`{"type":"` + typ + `","payload":{}}`) // well-formed comes first
		var e protocol.Error
		if a.expect(protocol.TypeError, &e); e.Code != protocol.InvalidRequest || e.Field() == "" {
			t.Errorf("%+v", e)
		}
	}
	a.raw(`{"type":"ERROR","payload":{"code":"SERVER_ERROR","message":"mine"}}`)
	a.silent()
}

func TestPresence(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.pair(space.Plain)
	c := h.enter(space.Plain, "presence_batch")
	a.skipTo(protocol.TypePeerJoined, nil)
	b.skipTo(protocol.TypePeerJoined, nil)
	elsewhere := h.enter(space.Plain)
	for _, o := range []*client{a, b, c} {
		o.skipTo(protocol.TypePeerJoined, nil)
	}
	elsewhere.walk(teamID, hallID, 16, 1)
	for _, o := range []*client{a, b, c} {
		o.skipTo(protocol.TypePeerLeft, nil)
	}

	at := func(x float64) protocol.PresenceUpdate {
		return protocol.PresenceUpdate{Position: protocol.Position{X: x, Y: 8}, Facing: "east", State: "walking", ZoneID: hallID}
	}
	for x := 1.0; x <= 9; x++ {
		a.send(protocol.TypePresenceUpdate, at(x))
	}
	var p protocol.PresenceBroadcast
	for n := 0; p.Position.X != 9; n++ { // the latest comes, whatever came between
		if n == 9 {
			t.Fatal("more than were sent")
		}
		b.expect(protocol.TypePresenceBroadcast, &p)
		if p.UserID != a.user || p.Facing != "east" || p.State != "walking" {
			t.Fatalf("%+v", p)
		}
	}
	var batch protocol.PresenceBatch
	for last := 0.0; last != 9; {
		c.expect(protocol.TypePresenceBatch, &batch)
		if len(batch.Updates) != 1 || batch.Updates[0].UserID != a.user {
			t.Fatalf("%+v", batch)
		}
		last = batch.Updates[0].Position.X
	}
	a.silent()
	elsewhere.silent()

	// MOVE_INTENT changes the position only.
	a.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 2, Y: 9}, Timestamp: 1})
	b.expect(protocol.TypePresenceBroadcast, &p)
	if p != (protocol.PresenceBroadcast{UserID: a.user, Position: protocol.Position{X: 2, Y: 9}, Facing: "east", State: "walking"}) {
		t.Errorf("%+v", p)
	}
}

func TestPresenceBatchLeavesOutOneself(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Tick = 50 * time.Millisecond })
	a, b := h.pair(space.Plain, "presence_batch")
	for i, c := range []*client{a, b} {
		c.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 7, Y: float64(i)}})
	}
	for _, c := range []*client{a, b} {
		var batch protocol.PresenceBatch
		c.expect(protocol.TypePresenceBatch, &batch)
		if len(batch.Updates) != 1 || batch.Updates[0].UserID == c.user {
			t.Errorf("%+v", batch)
		}
	}
}

func TestCorrections(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.pair(space.Plain)
	a.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 2, Y: 2}, Timestamp: 100})
	b.expect(protocol.TypePresenceBroadcast, nil)
	for _, tc := range []struct {
		name   string
		typ    string
		msg    any
		reason protocol.CorrectionReason
	}{
		{"stale", "MOVE_INTENT", protocol.MoveIntent{Position: protocol.Position{X: 2, Y: 3}, Timestamp: 99}, "invalid"},
		{"outside", "MOVE_INTENT", protocol.MoveIntent{Position: protocol.Position{X: -1, Y: 3}, Timestamp: 100}, "invalid"},
		{"wall", "MOVE_INTENT", protocol.MoveIntent{Position: protocol.Position{X: 5.5, Y: 5.5}, Timestamp: 100}, "collision"},
		{"another zone", "MOVE_INTENT", protocol.MoveIntent{Position: protocol.Position{X: 12, Y: 1}, Timestamp: 100}, "invalid"},
		{"someone", "MOVE_INTENT", protocol.MoveIntent{Position: protocol.Position{X: 2.2, Y: 1.2}, Timestamp: 100}, "occupied"},
		{"wall by presence", "PRESENCE_UPDATE", protocol.PresenceUpdate{Position: wall, Facing: "north", State: "idle", ZoneID: hallID}, "collision"},
	} {
		if tc.name == "someone" { // b stands where it arrived; the spec's first free tile is beside the spawn
			tc.msg = protocol.MoveIntent{Position: protocol.Position{X: positionOf(h, b.user).X, Y: positionOf(h, b.user).Y}, Timestamp: 100}
		}
		a.send(tc.typ, tc.msg)
		var c protocol.PositionCorrection
		a.expect(protocol.TypePositionCorrection, &c)
		if c.CorrectPosition != (protocol.Position{X: 2, Y: 2}) || c.Reason != tc.reason {
			t.Errorf("%s: %+v", tc.name, c)
		}
	}
	b.silent()
}

func positionOf(h *house, user uuid.UUID) protocol.Position {
	h.srv.mu.Lock()
	defer h.srv.mu.Unlock()
	return h.srv.members[user].position()
}

func TestPresenceOfAnotherZone(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.pair(space.Plain)
	say := func(zone uuid.UUID) {
		a.send(protocol.TypePresenceUpdate, protocol.PresenceUpdate{Position: protocol.Position{X: 2, Y: 2}, Facing: "north", State: "idle", ZoneID: zone})
	}
	say(roomID)
	a.wantError(protocol.InvalidRequest, "PRESENCE_UPDATE", "zone_id")
	say(uuid.New())
	a.wantError(protocol.ZoneNotFound, "PRESENCE_UPDATE", "zone_id")
	b.silent()
}

func TestZoneTransition(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.pair(space.Plain)
	c := h.enter(space.Plain)
	a.expect(protocol.TypePeerJoined, nil)
	b.expect(protocol.TypePeerJoined, nil)

	z := c.walk(roomID, hallID, 11, 2)
	if z.Zone != (protocol.Zone{ZoneID: roomID, ZoneType: protocol.MeetingRoom, WorldID: houseID}) || z.Position != (protocol.Position{X: 11, Y: 2}) ||
		z.MediaTopology != protocol.P2PDirect || z.PresenceSnapshot == nil || len(z.PresenceSnapshot) != 0 {
		t.Errorf("%s", asJSON(z))
	}
	var left protocol.PeerLeft
	a.expect(protocol.TypePeerLeft, &left)
	if left.UserID != c.user {
		t.Errorf("%+v", left)
	}
	b.expect(protocol.TypePeerLeft, nil)
	a.silent()

	z = a.walk(roomID, hallID, 12, 2)
	if len(z.PresenceSnapshot) != 1 || z.PresenceSnapshot[0].UserID != c.user || z.PresenceSnapshot[0].Position != (protocol.Position{X: 11, Y: 2}) {
		t.Errorf("%s", asJSON(z))
	}
	a.expect(protocol.TypePresenceBroadcast, nil)
	var j protocol.PeerJoined
	c.expect(protocol.TypePeerJoined, &j)
	if j.User.UserID != a.user || j.Position != (protocol.Position{X: 12, Y: 2}) {
		t.Errorf("%+v", j)
	}
	b.expect(protocol.TypePeerLeft, nil)
	b.silent()
}

func TestZoneTransitionRefused(t *testing.T) {
	h := newHouse(t, nil)
	a := h.enter(space.Guest)
	go_ := func(from, to uuid.UUID, x, y float64) {
		a.send(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: from, ToZoneID: to, Position: protocol.Position{X: x, Y: y}})
	}
	go_(roomID, vaultID, 11, 8) // all wrong: the first check counts
	a.wantError(protocol.InvalidRequest, "ZONE_TRANSITION", "from_zone_id")
	go_(hallID, uuid.New(), 11, 8)
	a.wantError(protocol.ZoneNotFound, "ZONE_TRANSITION", "to_zone_id")
	go_(hallID, vaultID, 11, 8)
	if e := a.wantError(protocol.PermissionDenied, "ZONE_TRANSITION", "to_zone_id"); e.Details["reason"] != "role" {
		t.Errorf("%+v", e)
	}
	for x := 11.0; x < 13; x++ {
		h.enter(space.Guest).walk(roomID, hallID, x, 1)
		a.skipTo(protocol.TypePeerLeft, nil)
	}
	go_(hallID, roomID, 13, 1)
	if e := a.wantError(protocol.PermissionDenied, "ZONE_TRANSITION", "to_zone_id"); e.Details["reason"] != "full" {
		t.Errorf("%+v", e)
	}
	go_(hallID, teamID, 3, 3) // a position of the hall
	var c protocol.PositionCorrection
	a.expect(protocol.TypePositionCorrection, &c)
	if c.CorrectPosition != (protocol.Position{X: 1, Y: 1}) || c.Reason != "invalid" {
		t.Errorf("%+v", c)
	}
}

func TestAnotherWorld(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.pair(space.Plain)
	if s := a.join(annexID); s.WorldID != annexID || len(s.Peers) != 0 {
		t.Errorf("%+v", s)
	}
	b.expect(protocol.TypePeerLeft, nil)
	b.silent()
	b.send(protocol.TypeSDPOffer, protocol.Description{To: a.user.String(), SDP: someSDP()})
	b.wantError(protocol.InvalidRequest, "SDP_OFFER", "to")
}

func TestJoinAgainIsAResume(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.pair(space.Plain)
	a.walk(teamID, hallID, 16, 3)
	b.expect(protocol.TypePeerLeft, nil)
	s := a.join(houseID)
	if s.CurrentZone.ZoneID != teamID || s.Position != (protocol.Position{X: 16, Y: 3}) {
		t.Errorf("%+v", s)
	}
	b.silent()
}

func TestGraceAndResume(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Grace = time.Minute })
	a, b := h.pair(space.Plain)
	c := h.enter(space.Plain)
	a.expect(protocol.TypePeerJoined, nil)
	b.expect(protocol.TypePeerJoined, nil)
	a.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 7, Y: 7}, Timestamp: 1000})
	b.expect(protocol.TypePresenceBroadcast, nil)
	c.expect(protocol.TypePresenceBroadcast, nil)
	a.drop()
	h.waitFor(func() bool { m := h.srv.members[a.user]; return m != nil && m.session == nil })
	b.silent()

	for i := range keptPerSender + 5 {
		b.send(protocol.TypeICECandidate, protocol.ICECandidate{To: a.user.String(), Candidate: []byte(`{"candidate":"` + string(rune('0'+i%10)) + `"}`)})
	}
	b.silent()
	c.send(protocol.TypeSDPOffer, protocol.Description{To: a.user.String(), SDP: someSDP()})
	c.silent()

	a2 := h.connect(a.claims)
	s := a2.join(houseID)
	if s.Position != (protocol.Position{X: 7, Y: 7}) || s.CurrentZone.ZoneID != hallID || len(s.Peers) != 2 {
		t.Errorf("%+v", s)
	}
	a2.expect(protocol.TypePresenceBroadcast, nil)
	a2.expect(protocol.TypePresenceBroadcast, nil)
	for range keptPerSender {
		var cand protocol.ICECandidate
		a2.expect(protocol.TypeICECandidate, &cand)
		if cand.From != b.user.String() {
			t.Fatalf("%+v", cand)
		}
	}
	a2.expect(protocol.TypeSDPOffer, nil)
	a2.silent()
	b.silent()
	a2.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: protocol.Position{X: 7, Y: 8}, Timestamp: 1}) // its clock starts afresh
	b.expect(protocol.TypePresenceBroadcast, nil)
}

func (h *house) waitFor(cond func() bool) {
	h.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		h.srv.mu.Lock()
		ok := cond()
		h.srv.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatal("it did not come about")
		}
	}
}

func TestGraceEnds(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Grace = 30 * time.Millisecond })
	a, b := h.pair(space.Plain)
	a.drop()
	var left protocol.PeerLeft
	b.expect(protocol.TypePeerLeft, &left)
	if left.UserID != a.user {
		t.Errorf("%+v", left)
	}
	a2 := h.connect(a.claims)
	if s := a2.join(houseID); s.Position != (protocol.Position{X: 1, Y: 1}) {
		t.Errorf("a new arrival stands at the spawn: %+v", s)
	}
	b.expect(protocol.TypePeerJoined, nil)
}

func TestKeptOfOneWhoLeftIsGone(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Grace = time.Minute })
	a, b := h.pair(space.Plain)
	a.drop()
	h.waitFor(func() bool { return h.srv.members[a.user].session == nil })
	b.send(protocol.TypeSDPOffer, protocol.Description{To: a.user.String(), SDP: someSDP()})
	b.walk(teamID, hallID, 16, 1)
	a2 := h.connect(a.claims)
	if s := a2.join(houseID); len(s.Peers) != 0 {
		t.Errorf("%+v", s)
	}
	a2.silent()
}

func TestEveryTypeHasARoute(t *testing.T) {
	for _, typ := range protocol.ZoneTypes() {
		switch typ {
		case protocol.TypeConnect, protocol.TypeJoinWorld, protocol.TypeError: // handled by themselves
		default:
			if routes[typ].member == nil {
				t.Errorf("%s has no handler", typ)
			}
		}
	}
}
