package peer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/pion/webrtc/v4"
)

// The names of the messages that this client sends or reads.
const (
	typeConnect            = "CONNECT"
	typeConnected          = "CONNECTED"
	typeJoinWorld          = "JOIN_WORLD"
	typeWorldState         = "WORLD_STATE"
	typePresenceBroadcast  = "PRESENCE_BROADCAST"
	typeZoneTransitioned   = "ZONE_TRANSITIONED"
	typePositionCorrection = "POSITION_CORRECTION"
	typeSDPOffer           = "SDP_OFFER"
	typeSDPAnswer          = "SDP_ANSWER"
	typeICECandidate       = "ICE_CANDIDATE"
	typeICEFailed          = "ICE_FAILED"
	typeTURNCredentials    = "TURN_CREDENTIALS"
	typePromoteToSFU       = "PROMOTE_TO_SFU"
	typeSFUConnected       = "SFU_CONNECTED"
	typeSFUDisconnected    = "SFU_DISCONNECTED"
	typeTopologyChanged    = "TOPOLOGY_CHANGED"
	typePeerJoined         = "PEER_JOINED"
	typePeerLeft           = "PEER_LEFT"
	typeSlots              = "SLOTS"
	typeError              = "ERROR"
)

// protocolVersion is the only one there is (the zone protocol, section 16).
const protocolVersion = 1

// envelope is the form of every message (the zone protocol, section 3).
type envelope struct {
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
	Version int             `json:"protocol_version,omitempty"`
}

// User is a person as the server introduces them.
type User struct {
	ID          uuid.UUID `json:"user_id"`
	Workspace   uuid.UUID `json:"workspace_id"`
	DisplayName string    `json:"display_name"`
	Avatar      string    `json:"avatar_id"`
}

// Zone is a part of a world whose members see and hear each other.
type Zone struct {
	ID    uuid.UUID `json:"zone_id"`
	Type  string    `json:"zone_type"`
	World uuid.UUID `json:"world_id"`
}

// Position is a place on the map, in tiles.
type Position struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

type connectPayload struct {
	Token         string   `json:"token"`
	ClientVersion string   `json:"client_version"`
	Features      []string `json:"features,omitempty"`
	Session       string   `json:"session,omitempty"`
}

type connectedPayload struct {
	User     User     `json:"user"`
	Features []string `json:"features"`
	STUN     []string `json:"stun_urls"`
	// On the SFU link only.
	Slots struct {
		Audio int `json:"audio"`
		Video int `json:"video"`
	} `json:"slots"`
	Session string `json:"session"`
}

type joinWorldPayload struct {
	World uuid.UUID `json:"world_id"`
}

type worldStatePayload struct {
	World    uuid.UUID `json:"world_id"`
	Zone     Zone      `json:"current_zone"`
	Topology Topology  `json:"media_topology"`
	Peers    []User    `json:"peers"`
	Position *Position `json:"position"`
}

type zoneTransitionedPayload struct {
	Zone     Zone      `json:"zone"`
	Snapshot []User    `json:"presence_snapshot"`
	Topology Topology  `json:"media_topology"`
	Position *Position `json:"position"`
}

type peerJoinedPayload struct {
	User     User     `json:"user"`
	Position Position `json:"position"`
}

type peerLeftPayload struct {
	User uuid.UUID `json:"user_id"`
}

// To and From are user ids, or "sfu" on the SFU link.
type sdpPayload struct {
	To   string `json:"to,omitempty"`
	From string `json:"from,omitempty"`
	SDP  string `json:"sdp"`
}

type candidatePayload struct {
	To        string                   `json:"to,omitempty"`
	From      string                   `json:"from,omitempty"`
	Candidate *webrtc.ICECandidateInit `json:"candidate"` // null: end of candidates
}

type iceFailedPayload struct {
	Peer uuid.UUID `json:"peer_id"`
}

type turnCredentialsPayload struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username"`
	Credential string   `json:"credential"`
}

type promotePayload struct {
	URL   string    `json:"sfu_url"`
	Token string    `json:"sfu_token"`
	Zone  uuid.UUID `json:"zone_id"`
}

type sfuConnectedPayload struct {
	Zone uuid.UUID `json:"zone_id"`
}

type sfuDisconnectedPayload struct {
	Zone   uuid.UUID `json:"zone_id"`
	Reason string    `json:"reason"`
}

type topologyChangedPayload struct {
	Zone     uuid.UUID `json:"zone_id"`
	Topology Topology  `json:"media_topology"`
	Epoch    uint64    `json:"epoch"`
	Reason   string    `json:"reason"`
}

type slotPayload struct {
	Mid    string     `json:"mid"`
	Kind   string     `json:"kind"`
	Source *string    `json:"source"`
	User   *uuid.UUID `json:"user_id"`
	Active bool       `json:"active"`
}

type slotsPayload struct {
	Slots []slotPayload `json:"slots"`
}

// ServerError is an ERROR of the server (the zone protocol, section 14).
type ServerError struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details"`
}

// Error gives code and text.
func (e *ServerError) Error() string {
	return fmt.Sprintf("peer: server says %s: %s %v", e.Code, e.Message, e.Details)
}

func encode(kind string, payload any) ([]byte, error) {
	raw, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("peer: encode %s: %w", kind, err)
	}
	frame, err := json.Marshal(envelope{Type: kind, Payload: raw, Version: protocolVersion})
	if err != nil {
		return nil, fmt.Errorf("peer: encode %s: %w", kind, err)
	}
	return frame, nil
}

// decode reads the payload of a message of the server.
func decode[T any](e envelope) (T, error) {
	var v T
	if err := json.Unmarshal(e.Payload, &v); err != nil {
		return v, fmt.Errorf("peer: payload of %s: %w", e.Type, err)
	}
	return v, nil
}

// SDP travels in base64 (the zone protocol, section 10).
func encodeSDP(sdp string) string { return base64.StdEncoding.EncodeToString([]byte(sdp)) }

func decodeSDP(s string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", fmt.Errorf("peer: sdp is not base64: %w", err)
	}
	return string(raw), nil
}
