package peer

import (
	"time"

	"github.com/google/uuid"
)

// EventType names what happened.
type EventType string

// What happens to a peer, in the words that `bench join` prints.
const (
	EventJoining         EventType = "joining"          // JOIN_WORLD sent
	EventJoined          EventType = "joined"           // WORLD_STATE or ZONE_TRANSITIONED came: Topology, Members
	EventPeerJoined      EventType = "peer_joined"      // User
	EventPeerLeft        EventType = "peer_left"        // User
	EventTopology        EventType = "topology"         // TOPOLOGY_CHANGED: Topology, Epoch, Reason
	EventPromote         EventType = "promote"          // PROMOTE_TO_SFU
	EventCredentials     EventType = "turn_credentials" // TURN_CREDENTIALS: URLs
	EventPairConnected   EventType = "pair_connected"   // User, Local and Remote candidate types
	EventPairClosed      EventType = "pair_closed"      // User, Reason
	EventICEFailed       EventType = "ice_failed"       // User: reported to the server
	EventDelivered       EventType = "delivered"        // User, Kind, Way: the first packet by that way (video: the first decoded frame)
	EventSFUUp           EventType = "sfu_up"           // connected to the SFU: Local, Remote
	EventSFUReported     EventType = "sfu_connected"    // SFU_CONNECTED sent
	EventSFUDisconnected EventType = "sfu_disconnected" // SFU_DISCONNECTED sent: Reason
	EventSFUClosed       EventType = "sfu_closed"       // the SFU session is over: Reason
	EventCorrected       EventType = "corrected"        // POSITION_CORRECTION: Reason
	EventError           EventType = "error"            // ERROR of the server, or something of one's own that failed: Reason
	EventLost            EventType = "lost"             // the connection to the server is gone: Reason
)

// Event is something that happened to a peer.
type Event struct {
	At       time.Time
	Type     EventType
	Topology Topology
	Epoch    uint64
	Reason   string
	User     uuid.UUID
	Members  int
	Kind     Kind
	Way      Way
	Local    string // candidate type and transport, as in "host/udp" or "relay/tcp"
	Remote   string
	URLs     []string
}

// State is how a peer stands.
type State struct {
	User     User
	Joined   bool
	Zone     Zone
	Position Position
	Topology Topology
	Epoch    uint64
	Changing bool // an SFU connection is being made, or peer-to-peer connections on the way back from it
	Peers    map[uuid.UUID]PeerState
	SFU      SFUState
	Lost     error // why the connection to the server ended
}

// PeerState is how another member is reached.
type PeerState struct {
	User      User
	Pair      bool // a peer-to-peer connection exists
	Connected bool // and is connected
	Local     string
	Remote    string
}

// SFUState is how the SFU is reached.
type SFUState struct {
	Session   bool // a session exists
	Connected bool
	Reported  bool // SFU_CONNECTED was sent
	Local     string
	Remote    string
	Slots     []Slot
}

// Slot is a downlink slot as SLOTS gives it.
type Slot struct {
	Mid    string
	Kind   Kind
	Source string
	User   uuid.UUID
	Active bool
}
