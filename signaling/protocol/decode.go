package protocol

import (
	"encoding/json"

	"github.com/google/uuid"
)

// Message is a decoded client message: a pointer to one of the structs of this package.
type Message any

type decoder func(*reader) Message

// decoders finds what a client may send, by link and type.
var decoders = func() map[Link]map[string]decoder {
	found := map[Link]map[string]decoder{ZoneLink: {}, SFULink: {}}
	for _, s := range messages {
		if s.From == Client {
			found[s.Link][s.Type] = s.decode
		}
	}
	return found
}()

// types are the types of those messages.
var types = func() map[string]string {
	found := make(map[string]string)
	for _, s := range messages {
		found[s.Type] = s.Type
	}
	return found
}()

// Zone decodes and checks the payload of a client's message on the zone link. The error is an *Error.
func (e Envelope) Zone() (Message, error) { return e.decode(ZoneLink) }

// SFULink decodes and checks the payload of a client's message on the SFU link. The error is an *Error.
func (e Envelope) SFULink() (Message, error) { return e.decode(SFULink) }

// ZoneTypes lists the types that clients may send on the zone link.
func ZoneTypes() []string {
	var types []string
	for _, s := range messages {
		if s.Link == ZoneLink && s.From == Client {
			types = append(types, s.Type)
		}
	}
	return types
}

func (e Envelope) decode(link Link) (Message, error) {
	d, ok := decoders[link][e.Type]
	if !ok {
		return nil, Errorf(InvalidRequest, Named(e.Type), "%q is no message that a client sends on the %s link", clip(e.Type), link).With("field", "type")
	}
	if e.Version != nil && *e.Version != Version {
		return nil, Errorf(InvalidRequest, e.Type, "protocol_version is %d; this server speaks %d", *e.Version, Version).
			With("field", "protocol_version").With("supported_versions", SupportedVersions())
	}
	r := newReader(e.Type, e.Payload)
	m := d(r)
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

const (
	maxMute      = 366 * 24 * 3600 // a year of seconds: longer mutes are a user's removal
	maxFeatures  = 64
	maxToken     = 16 << 10
	maxText      = 256
	maxCode      = 64
	maxErrorText = 1 << 16
	maxPinned    = 1024
	maxHeight    = 1 << 16
)

// decodeConnect leaves an absent token, which null is too, to the caller: without a token CONNECT is AUTH_FAILED, not INVALID_REQUEST.
func decodeConnect(r *reader) Message {
	m := &Connect{}
	if r.err != nil {
		return m
	}
	if r.has("token") {
		m.Token = r.text("token", maxToken, "a JWT")
	}
	if r.has("client_version") {
		m.ClientVersion = r.text("client_version", maxText, "a string")
	}
	if r.has("session") {
		m.Session = r.text("session", maxText, "a string")
	}
	for _, raw := range r.items("features", maxFeatures, "an array of strings") {
		m.Features = append(m.Features, r.textOf("features", raw, maxText, "an array of strings"))
	}
	return m
}

func decodeJoinWorld(r *reader) Message { return &JoinWorld{WorldID: r.uuid("world_id")} }

func decodePresenceUpdate(r *reader) Message {
	return &PresenceUpdate{
		Position: r.position("position"),
		Facing:   enum[Facing](r, "facing"),
		State:    enum[State](r, "state"),
		ZoneID:   r.uuid("zone_id"),
	}
}

func decodeZoneTransition(r *reader) Message {
	return &ZoneTransition{FromZoneID: r.uuid("from_zone_id"), ToZoneID: r.uuid("to_zone_id"), Position: r.position("position")}
}

func decodeMoveIntent(r *reader) Message {
	return &MoveIntent{Position: r.position("position"), Timestamp: r.number("timestamp")}
}

func decodeInteractRequest(r *reader) Message {
	return &InteractRequest{ObjectID: r.uuid("object_id"), Action: enum[Action](r, "action")}
}

func decodeInteractEnd(r *reader) Message {
	return &InteractEnd{ObjectID: r.uuid("object_id"), LockID: r.uuid("lock_id")}
}

func decodeMemberDescription(r *reader) Message {
	return &Description{To: r.uuid("to").String(), SDP: r.sdp("sdp")}
}

func decodeMemberCandidate(r *reader) Message {
	return &ICECandidate{To: r.uuid("to").String(), Candidate: r.candidate("candidate")}
}

func decodeSFUDescription(r *reader) Message {
	return &Description{To: r.sfu("to"), SDP: r.sdp("sdp")}
}

func decodeSFUCandidate(r *reader) Message {
	return &ICECandidate{To: r.sfu("to"), Candidate: r.candidate("candidate")}
}

func decodeICEFailed(r *reader) Message { return &ICEFailed{PeerID: r.uuid("peer_id")} }

func decodeSFUConnected(r *reader) Message { return &SFUConnected{ZoneID: r.uuid("zone_id")} }

func decodeSFUDisconnected(r *reader) Message {
	return &SFUDisconnected{ZoneID: r.uuid("zone_id"), Reason: enum[DisconnectReason](r, "reason")}
}

func decodeMuteUser(r *reader) Message {
	m := &MuteUser{TargetUserID: r.uuid("target_user_id"), Duration: r.number("duration")}
	if r.err == nil && (m.Duration < 0 || m.Duration > maxMute) {
		r.fail("duration", `"duration" is %v; it must be 0 to %d seconds`, m.Duration, maxMute)
	}
	return m
}

func decodeRemoveFromZone(r *reader) Message {
	return &RemoveFromZone{TargetUserID: r.uuid("target_user_id"), ZoneID: r.uuid("zone_id")}
}

func decodeKickFromWorld(r *reader) Message {
	return &KickFromWorld{TargetUserID: r.uuid("target_user_id"), WorldID: r.uuid("world_id")}
}

// decodeError reads a client's ERROR, which is only logged: any shape of details will do.
func decodeError(r *reader) Message {
	e := &Error{Code: Code(r.text("code", maxCode, "a string")), Details: Details{}}
	if r.has("message") {
		e.Message = clip(r.text("message", maxErrorText, "a string"))
	}
	return e
}

func decodeView(r *reader) Message {
	v := &View{}
	for _, raw := range r.items("pinned", maxPinned, "an array of user_ids") {
		v.Pinned = append(v.Pinned, r.uuidOf("pinned", raw))
	}
	if r.has("max_video") {
		n := int(r.integer("max_video"))
		if r.err == nil && n < 0 {
			r.fail("max_video", `"max_video" is %d; it must not be negative`, n)
		}
		v.MaxVideo = &n
	}
	if r.has("sizes") {
		const want = "an object of user_id: height in pixels"
		raw, _ := r.fields.get("sizes")
		var sizes map[string]json.RawMessage
		if !isKind(raw, '{') || json.Unmarshal(raw, &sizes) != nil {
			r.wrong("sizes", raw, want)
			return v
		}
		v.Sizes = make(map[uuid.UUID]int, len(sizes))
		for key, h := range sizes {
			id, err := ParseUUID(key)
			if err != nil {
				r.fail("sizes", `"sizes" has the key %q; it must be %s`, clip(key), want)
				return v
			}
			n := r.integerOf("sizes", h, want)
			if r.err == nil && (n < 0 || n > maxHeight) {
				r.fail("sizes", `"sizes" gives %d; it must be a height in pixels, up to %d`, n, maxHeight)
			}
			v.Sizes[id] = int(n)
		}
	}
	return v
}
