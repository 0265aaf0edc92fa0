package protocol

import (
	"encoding/json"

	"github.com/google/uuid"
)

// Message is a decoded client message: a pointer to one of the structs of this package.
type Message any

type decoder func(*reader) Message

// Zone decodes and checks the payload of a client's message on the zone link. The error is an *Error.
func (e Envelope) Zone() (Message, error) { return e.decode(zoneDecoders, "the zone link") }

// SFULink decodes and checks the payload of a client's message on the SFU link. The error is an *Error.
func (e Envelope) SFULink() (Message, error) { return e.decode(sfuDecoders, "the SFU link") }

// ZoneTypes lists the types that clients may send on the zone link.
func ZoneTypes() []string {
	types := make([]string, 0, len(zoneDecoders))
	for t := range zoneDecoders {
		types = append(types, t)
	}
	return types
}

// IsZoneType reports whether clients may send typ on the zone link.
func IsZoneType(typ string) bool { _, ok := zoneDecoders[typ]; return ok }

func (e Envelope) decode(decoders map[string]decoder, link string) (Message, error) {
	d, ok := decoders[e.Type]
	if !ok {
		return nil, Errorf(InvalidRequest, known(e.Type), "%q is no message that a client sends on %s", clip(e.Type), link).With("field", "type")
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

var zoneDecoders = map[string]decoder{
	TypeConnect:   decodeConnect,
	TypeJoinWorld: func(r *reader) Message { return &JoinWorld{WorldID: r.uuid("world_id")} },
	TypePresenceUpdate: func(r *reader) Message {
		return &PresenceUpdate{
			Position: r.position("position"),
			Facing:   enum[Facing](r, "facing", "north, south, east, west"),
			State:    enum[State](r, "state", "idle, walking, sitting"),
			ZoneID:   r.uuid("zone_id"),
		}
	},
	TypeZoneTransition: func(r *reader) Message {
		return &ZoneTransition{FromZoneID: r.uuid("from_zone_id"), ToZoneID: r.uuid("to_zone_id"), Position: r.position("position")}
	},
	TypeMoveIntent: func(r *reader) Message {
		return &MoveIntent{Position: r.position("position"), Timestamp: r.integer("timestamp")}
	},
	TypeInteractRequest: func(r *reader) Message {
		return &InteractRequest{ObjectID: r.uuid("object_id"), Action: enum[Action](r, "action", "sit, use, attach")}
	},
	TypeInteractEnd: func(r *reader) Message {
		return &InteractEnd{ObjectID: r.uuid("object_id"), LockID: r.uuid("lock_id")}
	},
	TypeSDPOffer:     func(r *reader) Message { return decodeDescription(r, false) },
	TypeSDPAnswer:    func(r *reader) Message { return decodeDescription(r, false) },
	TypeICECandidate: func(r *reader) Message { return decodeCandidate(r, false) },
	TypeICEFailed:    func(r *reader) Message { return &ICEFailed{PeerID: r.uuid("peer_id")} },
	TypeSFUConnected: func(r *reader) Message { return &SFUConnected{ZoneID: r.uuid("zone_id")} },
	TypeSFUDisconnected: func(r *reader) Message {
		return &SFUDisconnected{ZoneID: r.uuid("zone_id"), Reason: enum[DisconnectReason](r, "reason", "error, manual")}
	},
	TypeError: decodeError,
	TypeMuteUser: func(r *reader) Message {
		m := &MuteUser{TargetUserID: r.uuid("target_user_id"), Duration: r.number("duration")}
		if r.err == nil && (m.Duration < 0 || m.Duration > maxMute) {
			r.fail("duration", `"duration" is %v; it must be 0 to %d seconds`, m.Duration, maxMute)
		}
		return m
	},
	TypeRemoveFromZone: func(r *reader) Message {
		return &RemoveFromZone{TargetUserID: r.uuid("target_user_id"), ZoneID: r.uuid("zone_id")}
	},
	TypeKickFromWorld: func(r *reader) Message {
		return &KickFromWorld{TargetUserID: r.uuid("target_user_id"), WorldID: r.uuid("world_id")}
	},
}

var sfuDecoders = map[string]decoder{
	TypeConnect:      decodeConnect,
	TypeSDPOffer:     func(r *reader) Message { return decodeDescription(r, true) },
	TypeICECandidate: func(r *reader) Message { return decodeCandidate(r, true) },
	TypeView:         decodeView,
	TypeError:        decodeError,
}

const (
	maxMute     = 366 * 24 * 3600 // a year of seconds: longer mutes are a user's removal
	maxFeatures = 64
	maxToken    = 16 << 10
	maxPinned   = 1024
)

// decodeConnect leaves an absent token to the caller: without a token CONNECT is AUTH_FAILED, not INVALID_REQUEST.
func decodeConnect(r *reader) Message {
	m := &Connect{}
	if r.err != nil {
		return m
	}
	if _, ok := r.fields["token"]; ok {
		m.Token = r.text("token", maxToken, "a JWT")
	}
	if r.has("client_version") {
		m.ClientVersion = r.text("client_version", 256, "a string")
	}
	if r.has("session") {
		m.Session = r.text("session", 256, "a string")
	}
	for _, raw := range r.list("features", maxFeatures, "an array of strings") {
		m.Features = append(m.Features, r.textOf("features", raw, 256, "an array of strings"))
	}
	return m
}

func decodeDescription(r *reader, sfu bool) Message {
	return &Description{To: r.party("to", sfu), SDP: r.sdp("sdp")}
}

func decodeCandidate(r *reader, sfu bool) Message {
	return &ICECandidate{To: r.party("to", sfu), Candidate: r.candidate("candidate")}
}

// decodeError reads a client's ERROR, which is only logged: any shape of details will do.
func decodeError(r *reader) Message {
	e := &Error{Code: Code(r.text("code", 64, "a string")), Details: Details{}}
	if r.has("message") {
		e.Message = clip(r.text("message", 1<<16, "a string"))
	}
	return e
}

func decodeView(r *reader) Message {
	v := &View{}
	for _, raw := range r.list("pinned", maxPinned, "an array of user_ids") {
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
		raw := r.fields["sizes"]
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
			if r.err == nil && (n < 0 || n > 1<<16) {
				r.fail("sizes", `"sizes" gives %d; it must be a height in pixels, up to %d`, n, 1<<16)
			}
			v.Sizes[id] = int(n)
		}
	}
	return v
}
