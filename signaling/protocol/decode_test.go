package protocol

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const (
	idA     = `"11111111-1111-4111-8111-111111111111"`
	idB     = `"22222222-2222-4222-8222-222222222222"`
	someSDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// goodZone holds, per type, a payload whose fields are all required unless optional says otherwise.
var goodZone = map[string]string{
	TypeConnect:         `{"token":"t","client_version":"1.0.0","features":["presence_batch","x"]}`,
	TypeJoinWorld:       `{"world_id":` + idA + `}`,
	TypePresenceUpdate:  `{"position":{"x":18,"y":26.5},"facing":"north","state":"walking","zone_id":` + idA + `}`,
	TypeZoneTransition:  `{"from_zone_id":` + idA + `,"to_zone_id":` + idB + `,"position":{"x":20,"y":30}}`,
	TypeMoveIntent:      `{"position":{"x":19,"y":27},"timestamp":1234567890}`,
	TypeInteractRequest: `{"object_id":` + idA + `,"action":"sit"}`,
	TypeInteractEnd:     `{"object_id":` + idA + `,"lock_id":` + idB + `}`,
	TypeSDPOffer:        `{"to":` + idA + `,"sdp":"` + b64(someSDP) + `"}`,
	TypeSDPAnswer:       `{"to":` + idA + `,"sdp":"` + b64(someSDP) + `"}`,
	TypeICECandidate:    `{"to":` + idA + `,"candidate":{"candidate":"candidate:1 1 udp 1 127.0.0.1 9 typ host","sdpMid":"0","sdpMLineIndex":0}}`,
	TypeICEFailed:       `{"peer_id":` + idA + `}`,
	TypeSFUConnected:    `{"zone_id":` + idA + `}`,
	TypeSFUDisconnected: `{"zone_id":` + idA + `,"reason":"manual"}`,
	TypeError:           `{"code":"SERVER_ERROR","message":"m","details":{}}`,
	TypeMuteUser:        `{"target_user_id":` + idA + `,"duration":300}`,
	TypeRemoveFromZone:  `{"target_user_id":` + idA + `,"zone_id":` + idB + `}`,
	TypeKickFromWorld:   `{"target_user_id":` + idA + `,"world_id":` + idB + `}`,
}

var optional = map[string]bool{"token": true, "client_version": true, "features": true, "message": true, "details": true}

func zoneFrame(typ, payload string) []byte {
	return []byte(`{"type":"` + typ + `","payload":` + payload + `,"protocol_version":1,"added":true}`)
}

func decodeZone(t *testing.T, frame []byte) (Message, error) {
	t.Helper()
	env, err := Decode(frame)
	if err != nil {
		return nil, err
	}
	return env.Zone()
}

func TestZoneMessagesGoodMissingAndWrong(t *testing.T) {
	if len(goodZone) != len(ZoneTypes()) {
		t.Fatalf("%d payloads for %d types", len(goodZone), len(ZoneTypes()))
	}
	for typ, payload := range goodZone {
		t.Run(typ, func(t *testing.T) {
			if _, err := decodeZone(t, zoneFrame(typ, payload)); err != nil {
				t.Fatalf("good payload refused: %v", err)
			}
			var fields map[string]json.RawMessage
			if err := json.Unmarshal([]byte(payload), &fields); err != nil {
				t.Fatal(err)
			}
			for name := range fields {
				if !optional[name] {
					without := map[string]json.RawMessage{}
					for k, v := range fields {
						if k != name {
							without[k] = v
						}
					}
					b, _ := json.Marshal(without)
					_, err := decodeZone(t, zoneFrame(typ, string(b)))
					wantField(t, err, typ, name)
				}
				if name == "details" {
					continue
				}
				with := map[string]json.RawMessage{}
				for k, v := range fields {
					with[k] = v
				}
				for _, wrong := range []string{`true`, `[1]`, `{"a":1}`} {
					if name == "candidate" && wrong[0] == '{' {
						continue
					}
					with[name] = json.RawMessage(wrong)
					b, _ := json.Marshal(with)
					_, err := decodeZone(t, zoneFrame(typ, string(b)))
					wantField(t, err, typ, name)
				}
			}
		})
	}
}

func wantField(t *testing.T, err error, typ, field string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: no error for field %s", typ, field)
	}
	if e.Code != InvalidRequest || e.Details["type"] != typ || !(e.Field() == field || strings.HasPrefix(e.Field(), field+".")) {
		t.Fatalf("%s.%s: %+v", typ, field, e)
	}
}

// refusedValues are payloads that lack no field.
var refusedValues = []struct{ name, typ, payload, field string }{
	{"short uuid", TypeJoinWorld, `{"world_id":"1111"}`, "world_id"},
	{"uuid without hyphens", TypeJoinWorld, `{"world_id":"11111111111141118111111111111111"}`, "world_id"},
	{"uuid in braces", TypeJoinWorld, `{"world_id":"{11111111-1111-4111-8111-11111111111}"}`, "world_id"},
	{"null uuid", TypeJoinWorld, `{"world_id":null}`, "world_id"},
	{"no x", TypeMoveIntent, `{"position":{"y":1},"timestamp":1}`, "position.x"},
	{"text y", TypeMoveIntent, `{"position":{"x":1,"y":"1"},"timestamp":1}`, "position.y"},
	{"endless x", TypeMoveIntent, `{"position":{"x":1e999,"y":1},"timestamp":1}`, "position.x"},
	{"timestamp as text", TypeMoveIntent, `{"position":{"x":1,"y":1},"timestamp":"1"}`, "timestamp"},
	{"facing", TypePresenceUpdate, `{"position":{"x":1,"y":1},"facing":"up","state":"idle","zone_id":` + idA + `}`, "facing"},
	{"state", TypePresenceUpdate, `{"position":{"x":1,"y":1},"facing":"north","state":"Idle","zone_id":` + idA + `}`, "state"},
	{"action", TypeInteractRequest, `{"object_id":` + idA + `,"action":"eat"}`, "action"},
	{"reason", TypeSFUDisconnected, `{"zone_id":` + idA + `,"reason":"bored"}`, "reason"},
	{"negative mute", TypeMuteUser, `{"target_user_id":` + idA + `,"duration":-1}`, "duration"},
	{"endless mute", TypeMuteUser, `{"target_user_id":` + idA + `,"duration":1e12}`, "duration"},
	{"sdp not base64", TypeSDPOffer, `{"to":` + idA + `,"sdp":"v=0 %"}`, "sdp"},
	{"base64 of no sdp", TypeSDPAnswer, `{"to":` + idA + `,"sdp":"` + b64("hello") + `"}`, "sdp"},
	{"empty sdp", TypeSDPOffer, `{"to":` + idA + `,"sdp":""}`, "sdp"},
	{"to the SFU", TypeSDPOffer, `{"to":"sfu","sdp":"` + b64(someSDP) + `"}`, "to"},
	{"candidate without text", TypeICECandidate, `{"to":` + idA + `,"candidate":{}}`, "candidate.candidate"},
	{"mid as number", TypeICECandidate, `{"to":` + idA + `,"candidate":{"candidate":"","sdpMid":0}}`, "candidate.sdpMid"},
	{"negative line", TypeICECandidate, `{"to":` + idA + `,"candidate":{"candidate":"","sdpMLineIndex":-1}}`, "candidate.sdpMLineIndex"},
	{"token as number", TypeConnect, `{"token":7}`, "token"},
	{"feature as number", TypeConnect, `{"token":"t","features":[7]}`, "features"},
}

func TestValuesThatAreRefused(t *testing.T) {
	for _, c := range refusedValues {
		t.Run(c.name, func(t *testing.T) {
			_, err := decodeZone(t, zoneFrame(c.typ, c.payload))
			wantField(t, err, c.typ, c.field)
		})
	}
}

// refusedFrames are wrong outside of their payload.
var refusedFrames = []struct{ name, frame, field string }{
	{"empty", ``, ""},
	{"text", `hello`, ""},
	{"array", `[]`, ""},
	{"null", `null`, ""},
	{"two objects", `{"type":"CONNECT"} {}`, ""},
	{"no type", `{"payload":{}}`, "type"},
	{"type as number", `{"type":1,"payload":{}}`, "type"},
	{"type in another case", `{"Type":"CONNECT","payload":{}}`, "type"},
	{"payload as array", `{"type":"CONNECT","payload":[]}`, "payload"},
	{"payload null", `{"type":"CONNECT","payload":null}`, "payload"},
	{"no payload", `{"type":"JOIN_WORLD"}`, "payload"},
	{"version as text", `{"type":"CONNECT","payload":{},"protocol_version":"1"}`, "protocol_version"},
	{"version null", `{"type":"CONNECT","payload":{},"protocol_version":null}`, "protocol_version"},
	{"version 2", `{"type":"JOIN_WORLD","payload":{"world_id":` + idA + `},"protocol_version":2}`, "protocol_version"},
	{"unknown type", `{"type":"FLY","payload":{}}`, "type"},
	{"a server's type", `{"type":"WORLD_STATE","payload":{}}`, "type"},
	{"a type of the SFU link", `{"type":"VIEW","payload":{}}`, "type"},
}

func TestEnvelopes(t *testing.T) {
	for _, c := range refusedFrames {
		t.Run(c.name, func(t *testing.T) {
			_, err := decodeZone(t, []byte(c.frame))
			var e *Error
			if !errors.As(err, &e) || e.Code != InvalidRequest || e.Field() != c.field {
				t.Fatalf("%#v", err)
			}
		})
	}
	deep := strings.Repeat(`{"type":`, 8000)
	if _, err := Decode([]byte(deep)); err == nil {
		t.Fatal("nested text taken")
	}
}

func TestCandidateEndAndPassThrough(t *testing.T) {
	m, err := decodeZone(t, zoneFrame(TypeICECandidate, `{"to":`+idA+`,"candidate":null}`))
	if err != nil || string(m.(*ICECandidate).Candidate) != "null" {
		t.Fatal(m, err)
	}
	m, err = decodeZone(t, zoneFrame(TypeICECandidate, `{"to":`+idA+`,"candidate":{"candidate":"c","more":[1]}}`))
	if err != nil || string(m.(*ICECandidate).Candidate) != `{"candidate":"c","more":[1]}` {
		t.Fatal(m, err)
	}
}

// goodSFU and badSFU are payloads on the SFU link.
var goodSFU = map[string]string{
	TypeConnect:      `{"token":"t","session":"s"}`,
	TypeSDPOffer:     `{"to":"sfu","sdp":"` + b64(someSDP) + `"}`,
	TypeICECandidate: `{"to":"sfu","candidate":null}`,
	TypeView:         `{"pinned":[` + idA + `],"max_video":4,"sizes":{` + idB + `:360}}`,
	TypeError:        `{"code":"SERVER_ERROR"}`,
}

var badSFU = map[string]string{
	TypeSDPOffer:     `{"to":` + idA + `,"sdp":"` + b64(someSDP) + `"}`,
	TypeICECandidate: `{"candidate":null}`,
	TypeView:         `{"sizes":{"x":360}}`,
	TypeSDPAnswer:    `{"to":"sfu","sdp":"` + b64(someSDP) + `"}`,
	TypeJoinWorld:    `{"world_id":` + idA + `}`,
}

func TestSFULink(t *testing.T) {
	decode := func(typ, payload string) (Message, error) {
		env, err := Decode(zoneFrame(typ, payload))
		if err != nil {
			return nil, err
		}
		return env.SFULink()
	}
	for typ, payload := range goodSFU {
		if _, err := decode(typ, payload); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
	for typ, payload := range badSFU {
		if _, err := decode(typ, payload); err == nil {
			t.Errorf("%s: %s taken", typ, payload)
		}
	}
	m, _ := decode(TypeView, goodSFU[TypeView])
	if v := m.(*View); len(v.Pinned) != 1 || *v.MaxVideo != 4 || len(v.Sizes) != 1 {
		t.Errorf("%+v", v)
	}
}

func TestServerFrames(t *testing.T) {
	frame := MustEncode(TypePeerLeft, PeerLeft{})
	want := `{"type":"PEER_LEFT","payload":{"user_id":"00000000-0000-0000-0000-000000000000"},"protocol_version":1}`
	if string(frame) != want {
		t.Fatalf("%s", frame)
	}
	if got := string(EncodeError(&Error{Code: ServerError})); !strings.Contains(got, `"details":{}`) {
		t.Fatal(got)
	}
	var env Envelope
	env, err := Decode(MustEncode(TypeUserMuted, UserMuted{}))
	if err != nil || string(env.Payload) != `{"user_id":"00000000-0000-0000-0000-000000000000","until":null}` {
		t.Fatal(string(env.Payload), err)
	}
	var m UserMuted
	if env.Into(&m) != nil || m.Until != nil {
		t.Fatal(m)
	}
}
