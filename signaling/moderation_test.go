package signaling

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// muterLog is what the SFU would be told.
type muterLog chan string

func (l muterLog) Mute(zone, user uuid.UUID, muted bool) {
	what := "unmute "
	if muted {
		what = "mute "
	}
	l <- what + zone.String() + user.String()
}

func (c *client) wantMuted(user uuid.UUID, muted bool) {
	c.t.Helper()
	var u protocol.UserMuted
	if c.skipTo(protocol.TypeUserMuted, &u); u.UserID != user || (u.Until != nil) != muted {
		c.t.Fatalf("%+v", u)
	}
	if u.Until != nil {
		if _, err := time.Parse(time.RFC3339, *u.Until); err != nil {
			c.t.Fatal(err)
		}
	}
}

func TestMute(t *testing.T) {
	log := make(muterLog, 16)
	h := newHouse(t, func(o *Options) { o.Muter = log })
	admin, target := h.enter(space.Editor, "user_muted"), h.enter(space.Plain, "user_muted")
	old := h.enter(space.Plain)
	admin.before()
	target.before()
	mute := func(seconds float64) {
		admin.send(protocol.TypeMuteUser, protocol.MuteUser{TargetUserID: target.user, Duration: seconds})
	}
	wantLog := func(want string) {
		t.Helper()
		if got := <-log; got != want+target.user.String() {
			t.Errorf("the SFU was told %s, want %s", got, want)
		}
	}
	mute(300)
	admin.wantMuted(target.user, true)
	target.wantMuted(target.user, true)
	old.silent()
	wantLog("mute " + hallID.String())
	// Who arrives is told, and it follows the user into a zone, out of the world and back.
	late := h.connect(h.claims(space.Plain), "user_muted")
	late.join(houseID)
	late.wantMuted(target.user, true)
	target.send(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: hallID, ToZoneID: teamID, Position: protocol.Position{X: 16, Y: 1}})
	target.skipTo(protocol.TypeZoneTransitioned, nil)
	target.wantMuted(target.user, true)
	wantLog("unmute " + hallID.String())
	wantLog("mute " + teamID.String())
	target.join(annexID)
	target.silent()
	target.join(houseID)
	target.wantMuted(target.user, true)
	admin.wantMuted(target.user, true)
	late.wantMuted(target.user, true)
	wantLog("unmute " + teamID.String())
	wantLog("mute " + hallID.String())
	mute(0)
	admin.wantMuted(target.user, false)
	target.wantMuted(target.user, false)
	wantLog("unmute " + hallID.String())
	mute(0.05) // and it ends by itself
	admin.wantMuted(target.user, true)
	admin.wantMuted(target.user, false)
	wantLog("mute " + hallID.String())
	wantLog("unmute " + hallID.String())
}

func TestModerationRefused(t *testing.T) {
	h := newHouse(t, nil)
	admin, editor, guest := h.enter(space.Admin), h.enter(space.Editor), h.enter(space.Guest)
	far := h.connect(h.claims(space.Guest))
	far.join(annexID)
	for _, c := range []*client{admin, editor, guest} {
		c.before()
	}
	for _, tc := range []struct {
		name   string
		by     *client
		typ    string
		msg    any
		code   protocol.Code
		field  string
		reason any
	}{
		{"a guest mutes", guest, "MUTE_USER", protocol.MuteUser{TargetUserID: editor.user, Duration: 1}, protocol.PermissionDenied, "", "role"},
		{"role before target", guest, "MUTE_USER", protocol.MuteUser{TargetUserID: uuid.New(), Duration: 1}, protocol.PermissionDenied, "", "role"},
		{"an editor mutes an admin", editor, "MUTE_USER", protocol.MuteUser{TargetUserID: admin.user, Duration: 1}, protocol.PermissionDenied, "", "rank"},
		{"nobody", admin, "MUTE_USER", protocol.MuteUser{TargetUserID: uuid.New(), Duration: 1}, protocol.InvalidRequest, "target_user_id", nil},
		{"oneself", admin, "MUTE_USER", protocol.MuteUser{TargetUserID: admin.user, Duration: 1}, protocol.InvalidRequest, "target_user_id", nil},
		{"in another world", admin, "MUTE_USER", protocol.MuteUser{TargetUserID: far.user, Duration: 1}, protocol.InvalidRequest, "target_user_id", nil},
		{"an editor removes", editor, "REMOVE_FROM_ZONE", protocol.RemoveFromZone{TargetUserID: guest.user, ZoneID: hallID}, protocol.PermissionDenied, "", "role"},
		{"from the spawn zone", admin, "REMOVE_FROM_ZONE", protocol.RemoveFromZone{TargetUserID: guest.user, ZoneID: hallID}, protocol.InvalidRequest, "zone_id", nil},
		{"from where it is not", admin, "REMOVE_FROM_ZONE", protocol.RemoveFromZone{TargetUserID: guest.user, ZoneID: roomID}, protocol.InvalidRequest, "zone_id", nil},
		{"an editor kicks", editor, "KICK_FROM_WORLD", protocol.KickFromWorld{TargetUserID: guest.user, WorldID: houseID}, protocol.PermissionDenied, "", "role"},
		{"from another world", admin, "KICK_FROM_WORLD", protocol.KickFromWorld{TargetUserID: guest.user, WorldID: annexID}, protocol.InvalidRequest, "world_id", nil},
	} {
		tc.by.send(tc.typ, tc.msg)
		if e := tc.by.wantError(tc.code, tc.typ, tc.field); e.Details["reason"] != tc.reason {
			t.Errorf("%s: %+v", tc.name, e)
		}
	}
	for _, c := range []*client{admin, editor, guest, far} {
		c.silent()
	}
}

func TestRemoveFromZone(t *testing.T) {
	h := newHouse(t, nil)
	admin, target := h.pair(space.Admin)
	target.walk(roomID, hallID, 11, 1)
	admin.expect(protocol.TypePeerLeft, nil)
	admin.send(protocol.TypeRemoveFromZone, protocol.RemoveFromZone{TargetUserID: target.user, ZoneID: roomID})
	var z protocol.ZoneTransitioned
	if target.expect(protocol.TypeZoneTransitioned, &z); z.Zone.ZoneID != hallID || len(z.PresenceSnapshot) != 1 {
		t.Errorf("%+v", z)
	}
	target.expect(protocol.TypePresenceBroadcast, nil) // of the snapshot
	admin.expect(protocol.TypePeerJoined, nil)
	target.send(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: hallID, ToZoneID: roomID, Position: protocol.Position{X: 11, Y: 1}})
	if e := target.wantError(protocol.PermissionDenied, "ZONE_TRANSITION", "to_zone_id"); e.Details["reason"] != "removed" {
		t.Errorf("%+v", e)
	}
}

func TestRemovedInItsGrace(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Grace = time.Minute })
	admin, target := h.pair(space.Admin)
	target.walk(roomID, hallID, 11, 1)
	admin.expect(protocol.TypePeerLeft, nil)
	target.drop()
	h.waitFor(func() bool { return h.srv.members[target.user].session == nil })
	admin.send(protocol.TypeRemoveFromZone, protocol.RemoveFromZone{TargetUserID: target.user, ZoneID: roomID})
	admin.expect(protocol.TypePeerJoined, nil)
	back := h.connect(target.claims)
	if s := back.join(houseID); s.CurrentZone.ZoneID != hallID {
		t.Errorf("%+v", s)
	}
}

func TestKickFromWorld(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Grace = time.Minute })
	admin, target := h.pair(space.Admin)
	admin.send(protocol.TypeKickFromWorld, protocol.KickFromWorld{TargetUserID: target.user, WorldID: houseID})
	if e := target.wantError(protocol.PermissionDenied, "", ""); e.Details["action"] != "KICK_FROM_WORLD" {
		t.Errorf("%+v", e)
	}
	target.wantClose(4403)
	admin.expect(protocol.TypePeerLeft, nil) // without a grace
	back := h.connect(target.claims)
	back.send(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: houseID})
	if e := back.wantError(protocol.PermissionDenied, "JOIN_WORLD", "world_id"); e.Details["reason"] != "kicked" {
		t.Errorf("%+v", e)
	}
	back.join(annexID)
}
