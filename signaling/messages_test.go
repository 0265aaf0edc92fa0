package signaling

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
	"atrium/topology"
)

// What is no value of a field, by what the field holds.
var (
	noText     = []string{`true`, `7`, `null`, `[]`, `{}`}
	noUUID     = append([]string{`""`, `"x"`, `"11111111111141118111111111111111"`, `"{11111111-1111-4111-8111-111111111111}"`}, noText...)
	noNumber   = []string{`true`, `"1"`, `null`, `[]`, `{}`, `1e999`}
	noPosition = []string{`true`, `7`, `"x"`, `null`, `[1,2]`, `{}`, `{"x":1}`, `{"y":1}`, `{"x":"1","y":1}`, `{"x":1,"y":null}`, `{"x":1,"y":1e999}`, `{"X":1,"Y":1}`}
	noWord     = append([]string{`""`, `"nothing"`, `"NORTH"`}, noText...)
	noSDP      = append([]string{`""`, `"%"`, `"` + base64.StdEncoding.EncodeToString([]byte("hello")) + `"`, `"` + base64.RawURLEncoding.EncodeToString([]byte("v=0?>")) + `"`}, noText...)
	noInit     = []string{`true`, `7`, `"candidate:1"`, `[]`, `{}`, `{"candidate":7}`, `{"candidate":"","sdpMid":0}`, `{"candidate":"","sdpMLineIndex":"0"}`, `{"candidate":"","sdpMLineIndex":-1}`, `{"candidate":"","usernameFragment":1}`}
	noDuration = append([]string{`-1`, `1e12`}, noNumber...)
)

// fields are those of each client's message that needs a place, with what they must not hold.
var fields = map[string]map[string][]string{
	"JOIN_WORLD":       {"world_id": noUUID},
	"PRESENCE_UPDATE":  {"position": noPosition, "facing": noWord, "state": noWord, "zone_id": noUUID},
	"ZONE_TRANSITION":  {"from_zone_id": noUUID, "to_zone_id": noUUID, "position": noPosition},
	"MOVE_INTENT":      {"position": noPosition, "timestamp": noNumber},
	"INTERACT_REQUEST": {"object_id": noUUID, "action": noWord},
	"INTERACT_END":     {"object_id": noUUID, "lock_id": noUUID},
	"SDP_OFFER":        {"to": noUUID, "sdp": noSDP},
	"SDP_ANSWER":       {"to": noUUID, "sdp": noSDP},
	"ICE_CANDIDATE":    {"to": noUUID, "candidate": noInit},
	"ICE_FAILED":       {"peer_id": noUUID},
	"SFU_CONNECTED":    {"zone_id": noUUID},
	"SFU_DISCONNECTED": {"zone_id": noUUID, "reason": noWord},
	"MUTE_USER":        {"target_user_id": noUUID, "duration": noDuration},
	"REMOVE_FROM_ZONE": {"target_user_id": noUUID, "zone_id": noUUID},
	"KICK_FROM_WORLD":  {"target_user_id": noUUID, "world_id": noUUID},
}

// goodFields are values that would do, of a message of a to b in the hall.
func goodFields(b uuid.UUID) map[string]string {
	text := func(v any) string { return asJSON(v) }
	return map[string]string{
		"world_id": text(houseID), "position": `{"x":7,"y":7}`, "facing": `"north"`, "state": `"idle"`, "zone_id": text(hallID),
		"from_zone_id": text(hallID), "to_zone_id": text(teamID), "timestamp": `1`, "object_id": text(chairID), "action": `"sit"`,
		"lock_id": text(uuid.New()), "to": text(b), "sdp": text(someSDP()), "candidate": `{"candidate":""}`, "peer_id": text(b),
		"reason": `"manual"`, "target_user_id": text(b), "duration": `5`,
	}
}

// TestEveryFieldOfEveryMessage leaves out each field and puts every wrong value in its place: the sender is told which one
// it was, nothing else happens to anybody, and the connection goes on.
func TestEveryFieldOfEveryMessage(t *testing.T) {
	for _, typ := range protocol.ZoneTypes() {
		if fields[typ] == nil && typ != protocol.TypeConnect && typ != protocol.TypeError {
			t.Errorf("%s is not in the table", typ)
		}
	}
	h := newHouse(t, nil)
	a, b := h.pair(space.Admin)
	all := goodFields(b.user)
	for typ, table := range fields {
		good := make(map[string]json.RawMessage)
		for name := range table {
			good[name] = json.RawMessage(all[name])
		}
		refused := func(name, value string, payload map[string]json.RawMessage) {
			t.Helper()
			frame := `{"type":"` + typ + `","payload":{`
			for _, key := range slices.Sorted(maps.Keys(payload)) {
				frame += asJSON(key) + ":" + string(payload[key]) + ","
			}
			a.raw(strings.TrimSuffix(frame, ",") + `},"protocol_version":1}`)
			var e protocol.Error
			a.expect(protocol.TypeError, &e)
			field := e.Field()
			if e.Code != protocol.InvalidRequest || e.Details["type"] != typ || field != name && !strings.HasPrefix(field, name+".") || e.Message == "" {
				t.Errorf("%s with %s %s: %+v", typ, name, value, e)
			}
		}
		for name, wrong := range table {
			without := maps.Clone(good)
			delete(without, name)
			refused(name, "left out", without)
			for _, value := range wrong {
				with := maps.Clone(good)
				with[name] = json.RawMessage(value)
				refused(name, value, with)
			}
		}
		for _, payload := range []string{`,"payload":null`, `,"payload":[]`, `,"payload":"x"`, ``} {
			a.raw(`{"type":"` + typ + `"` + payload + `}`)
			a.wantError(protocol.InvalidRequest, typ, "payload")
		}
		for _, version := range []string{`2`, `0`, `-1`, `1.5`, `"1"`, `null`, `true`, `[1]`} {
			a.raw(`{"type":"` + typ + `","payload":` + asJSON(good) + `,"protocol_version":` + version + `}`)
			a.wantError(protocol.InvalidRequest, typ, "protocol_version")
		}
	}
	a.silent()
	b.silent()
}

// TestClientsErrorIsNotAnswered, however it is written: two sides that answer errors would never end.
func TestClientsErrorIsNotAnswered(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.pair(space.Plain)
	for _, rest := range []string{`"payload":{"code":"SERVER_ERROR","message":"m","details":{}}`, `"payload":{}`, `"payload":7`, `"payload":null`, `"more":1`, `"payload":{},"protocol_version":2`, `"payload":{},"protocol_version":"x"`} {
		a.raw(`{"type":"ERROR",` + rest + `}`)
	}
	a.silent()
	b.silent()
	c := h.dial() // but it is no CONNECT
	c.raw(`{"type":"ERROR","payload":7}`)
	c.wantError(protocol.AuthFailed, "ERROR", "")
	c.wantClose(protocol.CloseAuth)
}

// TestNumbersAsClientsWriteThem: a clock that has fractions, versions and durations as other languages write them.
func TestNumbersAsClientsWriteThem(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Tick = time.Hour })
	a, b := h.pair(space.Plain)
	move := func(x, stamp string) {
		a.raw(`{"type":"MOVE_INTENT","payload":{"position":{"x":` + x + `,"y":7},"timestamp":` + stamp + `},"protocol_version":1.0}`)
	}
	for _, stamp := range []string{`1234.25`, `1234.5`, `1.2345e3`, `1234.50`, `1700000000123.456`} {
		move("7.5e0", stamp)
	}
	a.silent()
	move("8", `1700000000123.45`)
	var c protocol.PositionCorrection
	if a.expect(protocol.TypePositionCorrection, &c); c.Reason != protocol.Invalid || c.CorrectPosition.X != 7.5 {
		t.Errorf("%+v", c)
	}
	h.srv.sendPresence()
	b.expect(protocol.TypePresenceBroadcast, nil)
	b.silent()
}

// audience is everyone who could hear of what one does.
type audience struct {
	h                *house
	a, b             *client // in the hall, of the seed's protocol alone; a acts
	full             *client // in the hall, with every feature
	team             *client // in another zone
	annex, forecourt *client // in another world; CONNECTED and in none
	lock             uuid.UUID
}

// TestWhoHears: for each message that is carried out, every frame that everyone gets, and nothing else.
func TestWhoHears(t *testing.T) {
	type heard struct{ a, b, full, team string }
	cases := []struct {
		name  string
		first func(x *audience) // what comes before, unheard
		do    func(x *audience) (typ string, payload any)
		want  heard
	}{
		{"PRESENCE_UPDATE", nil, func(x *audience) (string, any) {
			return "PRESENCE_UPDATE", protocol.PresenceUpdate{Position: protocol.Position{X: 7, Y: 7}, Facing: "west", State: "walking", ZoneID: hallID}
		}, heard{b: "PRESENCE_BROADCAST", full: "PRESENCE_BATCH"}},
		{"PRESENCE_UPDATE into a wall", nil, func(x *audience) (string, any) {
			return "PRESENCE_UPDATE", protocol.PresenceUpdate{Position: wall, Facing: "west", State: "walking", ZoneID: hallID}
		}, heard{a: "POSITION_CORRECTION"}},
		{"MOVE_INTENT", nil, func(x *audience) (string, any) {
			return "MOVE_INTENT", protocol.MoveIntent{Position: protocol.Position{X: 7, Y: 7}, Timestamp: 1}
		}, heard{b: "PRESENCE_BROADCAST", full: "PRESENCE_BATCH"}},
		{"MOVE_INTENT into a wall", nil, func(x *audience) (string, any) {
			return "MOVE_INTENT", protocol.MoveIntent{Position: wall, Timestamp: 1}
		}, heard{a: "POSITION_CORRECTION"}},
		{"ZONE_TRANSITION", nil, func(x *audience) (string, any) {
			return "ZONE_TRANSITION", protocol.ZoneTransition{FromZoneID: hallID, ToZoneID: teamID, Position: protocol.Position{X: 17, Y: 7}}
		}, heard{a: "ZONE_TRANSITIONED PRESENCE_BROADCAST", b: "PEER_LEFT", full: "PEER_LEFT", team: "PEER_JOINED PRESENCE_BROADCAST"}},
		{"ZONE_TRANSITION into a wall", nil, func(x *audience) (string, any) {
			return "ZONE_TRANSITION", protocol.ZoneTransition{FromZoneID: hallID, ToZoneID: teamID, Position: wall}
		}, heard{a: "POSITION_CORRECTION"}},
		{"ZONE_TRANSITION with an object", (*audience).sit, func(x *audience) (string, any) {
			return "ZONE_TRANSITION", protocol.ZoneTransition{FromZoneID: hallID, ToZoneID: teamID, Position: protocol.Position{X: 17, Y: 7}}
		}, heard{a: "ZONE_TRANSITIONED PRESENCE_BROADCAST", b: "PEER_LEFT", full: "OBJECT_RELEASED PEER_LEFT", team: "PEER_JOINED PRESENCE_BROADCAST"}},
		{"JOIN_WORLD of one's own", nil, func(x *audience) (string, any) {
			return "JOIN_WORLD", protocol.JoinWorld{WorldID: houseID}
		}, heard{a: "WORLD_STATE PRESENCE_BROADCAST PRESENCE_BROADCAST"}},
		{"INTERACT_REQUEST", nil, func(x *audience) (string, any) {
			return "INTERACT_REQUEST", protocol.InteractRequest{ObjectID: chairID, Action: "sit"}
		}, heard{a: "INTERACT_GRANTED", b: "OBJECT_OCCUPIED", full: "OBJECT_OCCUPIED"}},
		{"INTERACT_REQUEST again", (*audience).sit, func(x *audience) (string, any) {
			return "INTERACT_REQUEST", protocol.InteractRequest{ObjectID: chairID, Action: "sit"}
		}, heard{a: "INTERACT_GRANTED"}},
		{"INTERACT_REQUEST denied", nil, func(x *audience) (string, any) {
			return "INTERACT_REQUEST", protocol.InteractRequest{ObjectID: deskID, Action: "use"}
		}, heard{a: "INTERACT_DENIED"}},
		{"INTERACT_END", (*audience).sit, func(x *audience) (string, any) {
			return "INTERACT_END", protocol.InteractEnd{ObjectID: chairID, LockID: x.lock}
		}, heard{full: "OBJECT_RELEASED"}},
		{"SDP_OFFER", nil, func(x *audience) (string, any) {
			return "SDP_OFFER", protocol.Description{To: x.b.user.String(), SDP: someSDP()}
		}, heard{b: "SDP_OFFER"}},
		{"SDP_ANSWER", nil, func(x *audience) (string, any) {
			return "SDP_ANSWER", protocol.Description{To: x.full.user.String(), SDP: someSDP()}
		}, heard{full: "SDP_ANSWER"}},
		{"ICE_CANDIDATE", nil, func(x *audience) (string, any) {
			return "ICE_CANDIDATE", protocol.ICECandidate{To: x.b.user.String(), Candidate: json.RawMessage(`null`)}
		}, heard{b: "ICE_CANDIDATE"}},
		{"ICE_FAILED", nil, func(x *audience) (string, any) {
			return "ICE_FAILED", protocol.ICEFailed{PeerID: x.b.user}
		}, heard{a: "TURN_CREDENTIALS", b: "TURN_CREDENTIALS", full: "TOPOLOGY_CHANGED"}},
		{"MUTE_USER", nil, func(x *audience) (string, any) {
			return "MUTE_USER", protocol.MuteUser{TargetUserID: x.b.user, Duration: 300}
		}, heard{full: "USER_MUTED"}},
		{"MUTE_USER who is elsewhere", nil, func(x *audience) (string, any) {
			return "MUTE_USER", protocol.MuteUser{TargetUserID: x.team.user, Duration: 300}
		}, heard{}},
		{"REMOVE_FROM_ZONE", nil, func(x *audience) (string, any) {
			return "REMOVE_FROM_ZONE", protocol.RemoveFromZone{TargetUserID: x.team.user, ZoneID: teamID}
		}, heard{
			a: "PEER_JOINED PRESENCE_BROADCAST", b: "PEER_JOINED PRESENCE_BROADCAST", full: "PEER_JOINED PRESENCE_BATCH",
			team: "ZONE_TRANSITIONED PRESENCE_BROADCAST PRESENCE_BROADCAST PRESENCE_BROADCAST",
		}},
		{"KICK_FROM_WORLD", nil, func(x *audience) (string, any) {
			return "KICK_FROM_WORLD", protocol.KickFromWorld{TargetUserID: x.team.user, WorldID: houseID}
		}, heard{team: "ERROR"}},
		{"an unknown message", nil, func(x *audience) (string, any) { return "FLY", struct{}{} }, heard{a: "ERROR"}},
	}
	policy := topology.DefaultPolicy()
	policy.PromoteAt = 100
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			x := newAudience(t, policy)
			if tc.first != nil {
				tc.first(x)
			}
			typ, payload := tc.do(x)
			x.a.send(typ, payload)
			inTime := types(x.a.before())
			x.h.srv.sendPresence() // the tick
			hear := func(name string, c *client, had []string, want string) {
				t.Helper()
				got := strings.Join(append(had, types(c.before())...), " ")
				if got != want {
					t.Errorf("%s hears %q, should hear %q", name, got, want)
				}
			}
			hear("the sender", x.a, inTime, tc.want.a)
			hear("who shares the zone", x.b, nil, tc.want.b)
			hear("who shares it and lists every feature", x.full, nil, tc.want.full)
			if typ == protocol.TypeKickFromWorld {
				x.team.expect(protocol.TypeError, nil)
				x.team.wantClose(protocol.CloseKicked)
			} else {
				hear("who is in another zone", x.team, nil, tc.want.team)
			}
			hear("who is in another world", x.annex, nil, "")
			hear("who is in no world", x.forecourt, nil, "")
		})
	}
}

func newAudience(t *testing.T, policy topology.Policy) *audience {
	h := newHouse(t, func(o *Options) { o.Tick = time.Hour; o.Rules.Reach = 3 }, policy)
	x := &audience{h: h, a: h.enter(space.Admin), b: h.enter(space.Plain)}
	var every []string
	for _, f := range protocol.Features() {
		every = append(every, string(f))
	}
	x.full = h.enter(space.Plain, every...)
	x.team = h.enter(space.Plain)
	x.team.send(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: hallID, ToZoneID: teamID, Position: protocol.Position{X: 16, Y: 7}})
	x.team.before()
	x.annex = h.connect(h.claims(space.Plain))
	x.annex.join(annexID)
	x.forecourt = h.connect(h.claims(space.Plain))
	h.srv.sendPresence()
	for _, c := range []*client{x.a, x.b, x.full, x.team, x.annex, x.forecourt} {
		c.before()
	}
	return x
}

// sit has a hold the chair.
func (x *audience) sit() {
	x.a.interact(chairID, protocol.Sit)
	x.lock = x.a.granted(chairID)
	x.b.before()
	x.full.before()
}

func types(envs []protocol.Envelope) []string {
	list := []string{}
	for _, e := range envs {
		list = append(list, e.Type)
	}
	return list
}
