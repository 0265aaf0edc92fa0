package signaling

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// watcher is a client that holds every frame it gets against the published schema.
type watcher struct {
	*client
	schema *jsonschema.Schema
	seen   map[string]bool
}

func (w *watcher) check(env protocol.Envelope) {
	w.t.Helper()
	w.seen[env.Type] = true
	frame := must(protocol.Encode(env.Type, env.Payload))
	if err := w.schema.Validate(must(jsonschema.UnmarshalJSON(bytes.NewReader(frame)))); err != nil {
		w.t.Errorf("%s: %v", frame, err)
	}
}

func (w *watcher) until(typ string) json.RawMessage {
	w.t.Helper()
	for {
		env := w.next()
		w.check(env)
		if env.Type == typ {
			return env.Payload
		}
	}
}

// TestServerFramesKeepToTheSchema: three clients meet every message that the zone link has.
func TestServerFramesKeepToTheSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	file := must(os.ReadFile("protocol/schema.json"))
	if err := compiler.AddResource("schema.json", must(jsonschema.UnmarshalJSON(bytes.NewReader(file)))); err != nil {
		t.Fatal(err)
	}
	schema := must(compiler.Compile("schema.json#/$defs/zone.server"))
	h := newHouse(t, func(o *Options) { o.Rules.Reach = 3 })
	seen := map[string]bool{}
	enter := func(role space.Role, features ...protocol.Feature) *watcher {
		claims := h.claims(role)
		w := &watcher{client: h.dial(), schema: schema, seen: seen}
		w.user, w.claims = claims.User, claims
		var listed []string
		for _, f := range features {
			listed = append(listed, string(f))
		}
		w.send(protocol.TypeConnect, protocol.Connect{Token: h.token(claims), Features: listed})
		w.until(protocol.TypeConnected)
		w.send(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: houseID})
		w.until(protocol.TypeWorldState)
		return w
	}
	a := enter(space.Admin, protocol.Features()...)
	b := enter(space.Plain, protocol.Features()...)
	old := enter(space.Plain)
	a.until(protocol.TypePeerJoined)

	// Presence, one's own steps and those that are refused.
	pose := protocol.PresenceUpdate{Position: protocol.Position{X: 2.25, Y: 4}, Facing: protocol.East, State: protocol.Walking, ZoneID: hallID}
	a.send(protocol.TypePresenceUpdate, pose)
	b.until(protocol.TypePresenceBatch)
	old.until(protocol.TypePresenceBroadcast)
	a.send(protocol.TypeMoveIntent, protocol.MoveIntent{Position: wall, Timestamp: 1})
	a.until(protocol.TypePositionCorrection)

	// Objects.
	a.interact(chairID, protocol.Sit)
	var granted protocol.InteractGranted
	panicIf(json.Unmarshal(a.until(protocol.TypeInteractGranted), &granted))
	b.until(protocol.TypeObjectOccupied)
	b.interact(chairID, protocol.Sit)
	b.until(protocol.TypeInteractDenied)
	late := enter(space.Plain) // whose WORLD_STATE has people and objects
	late.until(protocol.TypeObjectOccupied)
	a.send(protocol.TypeInteractEnd, protocol.InteractEnd{ObjectID: chairID, LockID: granted.LockID})
	b.until(protocol.TypeObjectReleased)

	// Negotiation.
	for _, typ := range []string{protocol.TypeSDPOffer, protocol.TypeSDPAnswer} {
		a.send(typ, protocol.Description{To: b.user.String(), SDP: someSDP()})
		b.until(typ)
	}
	mid, line := "0", uint16(0)
	init := protocol.ICECandidateInit{Candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host", SDPMid: &mid, SDPMLineIndex: &line}
	for _, c := range []any{init, nil} {
		a.send(protocol.TypeICECandidate, protocol.ICECandidate{To: b.user.String(), Candidate: []byte(asJSON(c))})
		b.until(protocol.TypeICECandidate)
	}

	// Topology: the relay, then the SFU.
	a.send(protocol.TypeICEFailed, protocol.ICEFailed{PeerID: b.user})
	b.until(protocol.TypeTURNCredentials)
	b.until(protocol.TypeTopologyChanged)
	a.send(protocol.TypeICEFailed, protocol.ICEFailed{PeerID: b.user})
	b.until(protocol.TypePromoteToSFU)

	// Moderation, other zones, and the end.
	for _, seconds := range []float64{300, 0} {
		a.send(protocol.TypeMuteUser, protocol.MuteUser{TargetUserID: b.user, Duration: seconds})
		b.until(protocol.TypeUserMuted)
	}
	a.send(protocol.TypeZoneTransition, protocol.ZoneTransition{FromZoneID: hallID, ToZoneID: roomID, Position: protocol.Position{X: 11, Y: 1}})
	a.until(protocol.TypeZoneTransitioned)
	b.until(protocol.TypePeerLeft)
	h.reload(zonesOfHouse, deskOfHouse)
	b.until(protocol.TypeWorldChanged)
	b.send(protocol.TypeKickFromWorld, protocol.KickFromWorld{TargetUserID: a.user, WorldID: houseID})
	b.until(protocol.TypeError)
	a.send(protocol.TypeKickFromWorld, protocol.KickFromWorld{TargetUserID: b.user, WorldID: houseID})
	b.until(protocol.TypeError)

	for _, spec := range protocol.Messages() {
		if spec.Link == protocol.ZoneLink && spec.From == protocol.Server && !seen[spec.Type] {
			t.Errorf("no %s came; there were %v", spec.Type, slices.Sorted(maps.Keys(seen)))
		}
	}
}
