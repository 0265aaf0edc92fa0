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
	TypeWorldChanged       = "WORLD_CHANGED"       // feature world_changed
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

// User is a person, as others see them (section 4.1).
type User struct {
	UserID      uuid.UUID `json:"user_id"`
	WorkspaceID uuid.UUID `json:"workspace_id"`
	DisplayName string    `json:"display_name"`
	AvatarID    string    `json:"avatar_id"`
}

// Zone is a zone: who shares it sees and hears each other (section 4.2).
type Zone struct {
	ZoneID   uuid.UUID `json:"zone_id"`
	ZoneType ZoneType  `json:"zone_type"`
	WorldID  uuid.UUID `json:"world_id"`
}

// Position is a place on the map in tiles, fractions allowed; (0, 0) is the top left corner, x grows to the east, y to
// the south. One stands on the tile of its floor.
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

// Connect is the first message of a connection, answered by CONNECTED. On the zone link a later one renews the token.
type Connect struct {
	Token         string   `json:"token"`                    // a JWT; on the SFU link the sfu_token of PROMOTE_TO_SFU
	ClientVersion string   `json:"client_version,omitempty"` // the client's own version, for the server's log
	Features      []string `json:"features,omitempty"`       // the additions that the client understands
	Session       string   `json:"session,omitempty"`        // the former session, to take over
}

// Connected is the answer to CONNECT on the zone link.
type Connected struct {
	User          User      `json:"user"` // oneself, as the token says
	ServerVersion string    `json:"server_version"`
	ProtocolMinor int       `json:"protocol_minor"` // counts the additions to the version that break nobody
	Features      []Feature `json:"features"`       // those of the client's list that the server knows
	// StunURLs are STUN servers (RFC 7064), by which peers behind NATs find a direct way to each other before any of
	// them needs the relay.
	StunURLs []string `json:"stun_urls,omitempty"`
}

// SlotLimits is the most downlink slots that an offer may ask for.
type SlotLimits struct {
	Audio int `json:"audio"`
	Video int `json:"video"`
}

// SFULinkConnected is the answer to CONNECT on the SFU link.
type SFULinkConnected struct {
	Slots         SlotLimits `json:"slots"`
	Session       string     `json:"session"` // the name to take the session over by, when the link is lost
	ServerVersion string     `json:"server_version,omitempty"`
}

// JoinWorld enters a world, and leaves the former one; of the world that one is in, it is a resume. Answered by WORLD_STATE.
type JoinWorld struct {
	WorldID uuid.UUID `json:"world_id"`
}

// ObjectHold says who holds an occupied object.
type ObjectHold struct {
	ObjectID uuid.UUID `json:"object_id"`
	UserID   uuid.UUID `json:"user_id"`
}

// WorldState is where one is after JOIN_WORLD. In a P2P topology one sends SDP_OFFER to every peer of the list.
type WorldState struct {
	WorldID          uuid.UUID      `json:"world_id"`
	CurrentZone      Zone           `json:"current_zone"`
	MediaTopology    MediaTopology  `json:"media_topology"`
	Peers            []User         `json:"peers"`             // the others in the zone
	Position         Position       `json:"position"`          // one's own
	PresenceSnapshot []PeerPresence `json:"presence_snapshot"` // the same others, with where and how they stand
	Objects          []ObjectHold   `json:"objects"`           // the occupied ones of the zone
}

// WorldChanged says that the world was drawn anew: GET /api/worlds/{world_id} describes it as it is now.
type WorldChanged struct {
	WorldID uuid.UUID `json:"world_id"`
}

// PresenceUpdate is where and how one stands now; to be sent 10 to 15 times a second while that changes.
type PresenceUpdate struct {
	Position Position  `json:"position"`
	Facing   Facing    `json:"facing"`
	State    State     `json:"state"`
	ZoneID   uuid.UUID `json:"zone_id"` // the zone that one is in
}

// PresenceBroadcast is where and how another member of the zone stands: the latest, at most once per tick.
type PresenceBroadcast struct {
	UserID   uuid.UUID `json:"user_id"`
	Position Position  `json:"position"`
	Facing   Facing    `json:"facing"`
	State    State     `json:"state"`
}

// PresenceBatch holds all updates of one tick, in place of as many PRESENCE_BROADCASTs.
type PresenceBatch struct {
	Updates []PresenceBroadcast `json:"updates"`
}

// ZoneTransition walks into another zone. Answered by ZONE_TRANSITIONED, POSITION_CORRECTION or ERROR.
type ZoneTransition struct {
	FromZoneID uuid.UUID `json:"from_zone_id"`
	ToZoneID   uuid.UUID `json:"to_zone_id"`
	Position   Position  `json:"position"` // a legal step into the other zone
}

// ZoneTransitioned is where one is after ZONE_TRANSITION, or after being sent away by REMOVE_FROM_ZONE.
type ZoneTransitioned struct {
	Zone             Zone           `json:"zone"`
	PresenceSnapshot []PeerPresence `json:"presence_snapshot"` // the others in the zone
	MediaTopology    MediaTopology  `json:"media_topology"`
	Position         Position       `json:"position"` // one's own
}

// MoveIntent moves, and changes nothing else of one's presence.
type MoveIntent struct {
	Position  Position `json:"position"`
	Timestamp float64  `json:"timestamp"` // of the client's own clock; compared with its former one only
}

// PositionCorrection refuses a step: one stands where one stood.
type PositionCorrection struct {
	CorrectPosition Position         `json:"correct_position"`
	Reason          CorrectionReason `json:"reason"`
}

// InteractRequest asks for an object. Answered by INTERACT_GRANTED, INTERACT_DENIED or ERROR.
type InteractRequest struct {
	ObjectID uuid.UUID `json:"object_id"`
	Action   Action    `json:"action"`
}

// InteractGranted says that the object is one's own until INTERACT_END, or until one leaves the zone.
type InteractGranted struct {
	ObjectID uuid.UUID `json:"object_id"`
	LockID   uuid.UUID `json:"lock_id"` // to end it with
}

// InteractDenied says why the object is not to be had.
type InteractDenied struct {
	ObjectID uuid.UUID `json:"object_id"`
	Reason   Denial    `json:"reason"`
}

// ObjectOccupied says that another member holds an object of the zone.
type ObjectOccupied struct {
	ObjectID uuid.UUID `json:"object_id"`
	UserID   uuid.UUID `json:"user_id"`
}

// InteractEnd gives an object back. It is not answered.
type InteractEnd struct {
	ObjectID uuid.UUID `json:"object_id"`
	LockID   uuid.UUID `json:"lock_id"`
}

// ObjectReleased says that nobody holds the object any more.
type ObjectReleased struct {
	ObjectID uuid.UUID `json:"object_id"`
}

// SFUParty is the other end's name on the SFU link.
const SFUParty = "sfu"

// Description is an SDP offer or answer.
type Description struct {
	To   string `json:"to,omitempty"`   // the receiver: another member of the zone, or "sfu"
	From string `json:"from,omitempty"` // the sender, as the server knows it
	SDP  string `json:"sdp"`            // base64 of the session description
}

// ICECandidate is a candidate of one end's ICE agent.
type ICECandidate struct {
	To        string          `json:"to,omitempty"`   // the receiver: another member of the zone, or "sfu"
	From      string          `json:"from,omitempty"` // the sender, as the server knows it
	Candidate json.RawMessage `json:"candidate"`      // handed on as it came; null: the end of candidates
}

// ICECandidateInit is RTCIceCandidateInit (WebRTC 1.0, section 4.8.1.1) as clients send it.
type ICECandidateInit struct {
	Candidate        string  `json:"candidate"`
	SDPMid           *string `json:"sdpMid,omitempty"`
	SDPMLineIndex    *uint16 `json:"sdpMLineIndex,omitempty"`
	UsernameFragment *string `json:"usernameFragment,omitempty"`
}

// ICEFailed says that there is no way to a peer with what one has.
type ICEFailed struct {
	PeerID uuid.UUID `json:"peer_id"`
}

// TURNCredentials opens the relay. Fresh ones come before they expire.
type TURNCredentials struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username"` // expiry:user_id:zone_id:epoch
	Credential string   `json:"credential"`
}

// PromoteToSFU asks to connect to the SFU, and to keep the peer-to-peer media until it delivers.
type PromoteToSFU struct {
	SFUURL   string    `json:"sfu_url"`
	SFUToken string    `json:"sfu_token"` // for the CONNECT of the SFU link; soon to expire
	ZoneID   uuid.UUID `json:"zone_id"`
}

// SFUConnected says that every slot that SLOTS calls active has delivered.
type SFUConnected struct {
	ZoneID uuid.UUID `json:"zone_id"`
}

// SFUDisconnected says that one has left the SFU.
type SFUDisconnected struct {
	ZoneID uuid.UUID        `json:"zone_id"`
	Reason DisconnectReason `json:"reason"`
}

// TopologyChanged tells every change of the topology that is committed, and every one that is rolled back.
type TopologyChanged struct {
	ZoneID        uuid.UUID     `json:"zone_id"`
	MediaTopology MediaTopology `json:"media_topology"`
	Epoch         uint64        `json:"epoch"` // of the credentials that are good now; it does not order messages
	Reason        ChangeReason  `json:"reason"`
}

// PeerJoined says that someone has come into the zone.
type PeerJoined struct {
	User     User     `json:"user"`
	Position Position `json:"position"`
}

// PeerLeft says that someone has left the zone.
type PeerLeft struct {
	UserID uuid.UUID `json:"user_id"`
}

// MuteUser mutes someone in every topology. For admins and editors. It is not answered.
type MuteUser struct {
	TargetUserID uuid.UUID `json:"target_user_id"`
	Duration     float64   `json:"duration"` // seconds; 0 lifts the mute
}

// RemoveFromZone sends someone to the world's spawn zone. For admins. It is not answered.
type RemoveFromZone struct {
	TargetUserID uuid.UUID `json:"target_user_id"`
	ZoneID       uuid.UUID `json:"zone_id"` // the zone that the target is in
}

// KickFromWorld ends someone's connection and keeps them out of the world for a while. For admins. It is not answered.
type KickFromWorld struct {
	TargetUserID uuid.UUID `json:"target_user_id"`
	WorldID      uuid.UUID `json:"world_id"` // the world that both are in
}

// UserMuted says that someone is muted: their audio is not to be played.
type UserMuted struct {
	UserID uuid.UUID `json:"user_id"`
	Until  *string   `json:"until"` // RFC 3339; null: the mute is lifted or over
}

// Slot is a downlink slot of the SFU and who is in it.
type Slot struct {
	Mid    string     `json:"mid"` // of the slot's section in the client's offer
	Kind   SlotKind   `json:"kind"`
	Source *Source    `json:"source"`  // null: nobody is in the slot
	UserID *uuid.UUID `json:"user_id"` // null: nobody is in the slot
	Active bool       `json:"active"`  // the SFU got a packet of it in the last 500 ms
}

// Slots says who is in which slot of the SFU: the whole list, after the answer and at every change.
type Slots struct {
	Slots []Slot `json:"slots"`
}

// View is what a client shows, so that the SFU can choose what to send.
type View struct {
	Pinned   []uuid.UUID       `json:"pinned,omitempty"`    // these first
	MaxVideo *int              `json:"max_video,omitempty"` // absent: as many as there are slots
	Sizes    map[uuid.UUID]int `json:"sizes,omitempty"`     // height in pixels by user_id; absent users: as it comes
}
