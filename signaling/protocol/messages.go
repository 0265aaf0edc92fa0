package protocol

import (
	"encoding/json"

	"github.com/google/uuid"
)

// The message types. Sections are those of the zone protocol.
const (
	TypeConnect            = "CONNECT"             // 6.1, both links
	TypeConnected          = "CONNECTED"           // 6.1, both links
	TypeJoinWorld          = "JOIN_WORLD"          // 6.2
	TypeWorldState         = "WORLD_STATE"         // 6.2
	TypePresenceUpdate     = "PRESENCE_UPDATE"     // 7.1
	TypePresenceBroadcast  = "PRESENCE_BROADCAST"  // 7.2
	TypePresenceBatch      = "PRESENCE_BATCH"      // feature presence_batch
	TypeZoneTransition     = "ZONE_TRANSITION"     // 7.3
	TypeZoneTransitioned   = "ZONE_TRANSITIONED"   // 7.3
	TypeMoveIntent         = "MOVE_INTENT"         // 8.1
	TypePositionCorrection = "POSITION_CORRECTION" // 8.2
	TypeInteractRequest    = "INTERACT_REQUEST"    // 9.1
	TypeInteractGranted    = "INTERACT_GRANTED"    // 9.2
	TypeInteractDenied     = "INTERACT_DENIED"     // 9.3
	TypeObjectOccupied     = "OBJECT_OCCUPIED"     // 9.4
	TypeInteractEnd        = "INTERACT_END"        // 9.5
	TypeObjectReleased     = "OBJECT_RELEASED"     // feature object_released
	TypeSDPOffer           = "SDP_OFFER"           // 10.1, both links
	TypeSDPAnswer          = "SDP_ANSWER"          // 10.2, both links
	TypeICECandidate       = "ICE_CANDIDATE"       // 10.3, both links
	TypeICEFailed          = "ICE_FAILED"          // 11.1
	TypeTURNCredentials    = "TURN_CREDENTIALS"    // 11.2
	TypePromoteToSFU       = "PROMOTE_TO_SFU"      // 12.1
	TypeSFUConnected       = "SFU_CONNECTED"       // 12.2
	TypeSFUDisconnected    = "SFU_DISCONNECTED"    // 12.3
	TypeTopologyChanged    = "TOPOLOGY_CHANGED"    // feature topology_changed
	TypePeerJoined         = "PEER_JOINED"         // 13.1
	TypePeerLeft           = "PEER_LEFT"           // 13.2
	TypeError              = "ERROR"               // 14, both links and directions
	TypeMuteUser           = "MUTE_USER"           // 15.1
	TypeRemoveFromZone     = "REMOVE_FROM_ZONE"    // 15.2
	TypeKickFromWorld      = "KICK_FROM_WORLD"     // 15.3
	TypeUserMuted          = "USER_MUTED"          // feature user_muted
	TypeSlots              = "SLOTS"               // SFU link
	TypeView               = "VIEW"                // SFU link
)

// User is a user as others see them (4.1).
type User struct {
	UserID      uuid.UUID `json:"user_id"`
	WorkspaceID uuid.UUID `json:"workspace_id"`
	DisplayName string    `json:"display_name"`
	AvatarID    string    `json:"avatar_id"`
}

// Zone is a zone (4.2).
type Zone struct {
	ZoneID   uuid.UUID `json:"zone_id"`
	ZoneType ZoneType  `json:"zone_type"`
	WorldID  uuid.UUID `json:"world_id"`
}

// Position is a point of the map, in tiles.
type Position struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// PeerPresence is an entry of presence_snapshot: a User with where and how it stands.
type PeerPresence struct {
	User
	Position Position `json:"position"`
	Facing   Facing   `json:"facing"`
	State    State    `json:"state"`
}

// Connect is CONNECT. Session is used on the SFU link only: the former session to take over.
type Connect struct {
	Token         string   `json:"token"`
	ClientVersion string   `json:"client_version,omitempty"`
	Features      []string `json:"features,omitempty"`
	Session       string   `json:"session,omitempty"`
}

// Connected is CONNECTED on the zone link.
type Connected struct {
	User          User      `json:"user"`
	ServerVersion string    `json:"server_version"`
	ProtocolMinor int       `json:"protocol_minor"`
	Features      []Feature `json:"features"`
	// StunURLs are STUN servers (RFC 7064), by which peers behind NATs find a direct way to each other before any of
	// them needs the relay.
	StunURLs []string `json:"stun_urls,omitempty"`
}

// SlotLimits is the most downlink slots that an offer may ask for.
type SlotLimits struct {
	Audio int `json:"audio"`
	Video int `json:"video"`
}

// SFULinkConnected is CONNECTED on the SFU link.
type SFULinkConnected struct {
	Slots         SlotLimits `json:"slots"`
	Session       string     `json:"session"`
	ServerVersion string     `json:"server_version,omitempty"`
}

// JoinWorld is JOIN_WORLD.
type JoinWorld struct {
	WorldID uuid.UUID `json:"world_id"`
}

// ObjectHold says who holds an occupied object.
type ObjectHold struct {
	ObjectID uuid.UUID `json:"object_id"`
	UserID   uuid.UUID `json:"user_id"`
}

// WorldState is WORLD_STATE. Peers are the others in the zone.
type WorldState struct {
	WorldID          uuid.UUID      `json:"world_id"`
	CurrentZone      Zone           `json:"current_zone"`
	MediaTopology    MediaTopology  `json:"media_topology"`
	Peers            []User         `json:"peers"`
	Position         Position       `json:"position"`
	PresenceSnapshot []PeerPresence `json:"presence_snapshot"`
	Objects          []ObjectHold   `json:"objects"`
}

// PresenceUpdate is PRESENCE_UPDATE.
type PresenceUpdate struct {
	Position Position  `json:"position"`
	Facing   Facing    `json:"facing"`
	State    State     `json:"state"`
	ZoneID   uuid.UUID `json:"zone_id"`
}

// PresenceBroadcast is PRESENCE_BROADCAST.
type PresenceBroadcast struct {
	UserID   uuid.UUID `json:"user_id"`
	Position Position  `json:"position"`
	Facing   Facing    `json:"facing"`
	State    State     `json:"state"`
}

// PresenceBatch is PRESENCE_BATCH: all updates of one tick.
type PresenceBatch struct {
	Updates []PresenceBroadcast `json:"updates"`
}

// ZoneTransition is ZONE_TRANSITION.
type ZoneTransition struct {
	FromZoneID uuid.UUID `json:"from_zone_id"`
	ToZoneID   uuid.UUID `json:"to_zone_id"`
	Position   Position  `json:"position"`
}

// ZoneTransitioned is ZONE_TRANSITIONED. Position is one's own.
type ZoneTransitioned struct {
	Zone             Zone           `json:"zone"`
	PresenceSnapshot []PeerPresence `json:"presence_snapshot"`
	MediaTopology    MediaTopology  `json:"media_topology"`
	Position         Position       `json:"position"`
}

// MoveIntent is MOVE_INTENT. Timestamp is the client's own clock, compared with its former one only.
type MoveIntent struct {
	Position  Position `json:"position"`
	Timestamp int64    `json:"timestamp"`
}

// PositionCorrection is POSITION_CORRECTION.
type PositionCorrection struct {
	CorrectPosition Position         `json:"correct_position"`
	Reason          CorrectionReason `json:"reason"`
}

// InteractRequest is INTERACT_REQUEST.
type InteractRequest struct {
	ObjectID uuid.UUID `json:"object_id"`
	Action   Action    `json:"action"`
}

// InteractGranted is INTERACT_GRANTED.
type InteractGranted struct {
	ObjectID uuid.UUID `json:"object_id"`
	LockID   uuid.UUID `json:"lock_id"`
}

// InteractDenied is INTERACT_DENIED.
type InteractDenied struct {
	ObjectID uuid.UUID `json:"object_id"`
	Reason   Denial    `json:"reason"`
}

// ObjectOccupied is OBJECT_OCCUPIED.
type ObjectOccupied struct {
	ObjectID uuid.UUID `json:"object_id"`
	UserID   uuid.UUID `json:"user_id"`
}

// InteractEnd is INTERACT_END.
type InteractEnd struct {
	ObjectID uuid.UUID `json:"object_id"`
	LockID   uuid.UUID `json:"lock_id"`
}

// ObjectReleased is OBJECT_RELEASED.
type ObjectReleased struct {
	ObjectID uuid.UUID `json:"object_id"`
}

// SFUParty is the other end's name on the SFU link.
const SFUParty = "sfu"

// Description is the payload of SDP_OFFER and SDP_ANSWER. A client writes To, the server From: a user_id, or
// SFUParty on the SFU link. SDP is base64.
type Description struct {
	To   string `json:"to,omitempty"`
	From string `json:"from,omitempty"`
	SDP  string `json:"sdp"`
}

// ICECandidate is ICE_CANDIDATE. Candidate is an RTCIceCandidateInit object, or null: the end of candidates.
type ICECandidate struct {
	To        string          `json:"to,omitempty"`
	From      string          `json:"from,omitempty"`
	Candidate json.RawMessage `json:"candidate"`
}

// ICEFailed is ICE_FAILED.
type ICEFailed struct {
	PeerID uuid.UUID `json:"peer_id"`
}

// TURNCredentials is TURN_CREDENTIALS.
type TURNCredentials struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username"`
	Credential string   `json:"credential"`
}

// PromoteToSFU is PROMOTE_TO_SFU.
type PromoteToSFU struct {
	SFUURL   string    `json:"sfu_url"`
	SFUToken string    `json:"sfu_token"`
	ZoneID   uuid.UUID `json:"zone_id"`
}

// SFUConnected is SFU_CONNECTED.
type SFUConnected struct {
	ZoneID uuid.UUID `json:"zone_id"`
}

// SFUDisconnected is SFU_DISCONNECTED.
type SFUDisconnected struct {
	ZoneID uuid.UUID        `json:"zone_id"`
	Reason DisconnectReason `json:"reason"`
}

// TopologyChanged is TOPOLOGY_CHANGED.
type TopologyChanged struct {
	ZoneID        uuid.UUID     `json:"zone_id"`
	MediaTopology MediaTopology `json:"media_topology"`
	Epoch         uint64        `json:"epoch"`
	Reason        ChangeReason  `json:"reason"`
}

// PeerJoined is PEER_JOINED.
type PeerJoined struct {
	User     User     `json:"user"`
	Position Position `json:"position"`
}

// PeerLeft is PEER_LEFT.
type PeerLeft struct {
	UserID uuid.UUID `json:"user_id"`
}

// MuteUser is MUTE_USER. Duration is seconds; 0 lifts the mute.
type MuteUser struct {
	TargetUserID uuid.UUID `json:"target_user_id"`
	Duration     float64   `json:"duration"`
}

// RemoveFromZone is REMOVE_FROM_ZONE.
type RemoveFromZone struct {
	TargetUserID uuid.UUID `json:"target_user_id"`
	ZoneID       uuid.UUID `json:"zone_id"`
}

// KickFromWorld is KICK_FROM_WORLD.
type KickFromWorld struct {
	TargetUserID uuid.UUID `json:"target_user_id"`
	WorldID      uuid.UUID `json:"world_id"`
}

// UserMuted is USER_MUTED. Until is RFC 3339; null: the mute is lifted or over.
type UserMuted struct {
	UserID uuid.UUID `json:"user_id"`
	Until  *string   `json:"until"`
}

// Slot is a downlink slot of the SFU and who is in it.
type Slot struct {
	Mid    string     `json:"mid"`
	Kind   SlotKind   `json:"kind"`
	Source *Source    `json:"source"`
	UserID *uuid.UUID `json:"user_id"`
	Active bool       `json:"active"`
}

// Slots is SLOTS: always the whole list.
type Slots struct {
	Slots []Slot `json:"slots"`
}

// View is VIEW: what a client shows. MaxVideo nil: as many as there are slots.
type View struct {
	Pinned   []uuid.UUID       `json:"pinned,omitempty"`
	MaxVideo *int              `json:"max_video,omitempty"`
	Sizes    map[uuid.UUID]int `json:"sizes,omitempty"`
}
