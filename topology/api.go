package topology

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Media is the way a zone's media travels, by the names of the zone protocol, section 5.2.
type Media uint8

// The three topologies.
const (
	P2PDirect Media = iota
	P2PTurn
	SFU
)

// String gives the name on the wire.
func (m Media) String() string { return [...]string{"P2P_DIRECT", "P2P_TURN", "SFU"}[m] }

// Epoch numbers the tries of a zone's changes. Each try takes a higher one than any before it.
type Epoch uint64

// Reason says why a zone's topology changed.
type Reason string

// The reasons that TOPOLOGY_CHANGED carries.
const (
	Promoted   Reason = "promoted"
	Demoted    Reason = "demoted"
	Relay      Reason = "relay"
	Direct     Reason = "direct"
	RolledBack Reason = "rolled_back"
)

// Zone is what the controller needs to know of a zone.
type Zone struct {
	ID   uuid.UUID
	Type string // ZoneType, by its name on the wire; chooses the policy
}

// Member is a live member of a zone, as its connection introduced it.
type Member struct {
	ID uuid.UUID
	// TopologyChanged: the client listed the feature topology_changed.
	TopologyChanged bool
}

// View is what a member that just came is told.
type View struct {
	Media Media
	Epoch Epoch
}

// TURNCredentials is the payload of TURN_CREDENTIALS.
type TURNCredentials struct {
	URLs       []string
	Username   string // expiry:user_id:zone_id:epoch
	Credential string // base64(HMAC-SHA1(secret, username))
}

// Promotion is the payload of PROMOTE_TO_SFU; the signaling server adds the URL that the member can reach.
type Promotion struct {
	Zone  uuid.UUID
	Token string
}

// Change is the payload of TOPOLOGY_CHANGED.
type Change struct {
	Zone   uuid.UUID
	Media  Media
	Epoch  Epoch
	Reason Reason
}

// Sink carries out effects. Its methods are called in order with the controller's lock held: they
// must neither block nor call the controller.
type Sink interface {
	TURNCredentials(user uuid.UUID, c TURNCredentials)
	PromoteToSFU(user uuid.UUID, p Promotion)
	TopologyChanged(user uuid.UUID, c Change)
	// EndSession ends a user's SFU session: reason "left" (it is no member any more) or "released" (the zone left the SFU).
	EndSession(zone, user uuid.UUID, reason string)
	// EndAllocations ends the relay allocations of a user that were made with an epoch up to upTo.
	EndAllocations(zone, user uuid.UUID, upTo Epoch)
}

// TURNIdentity is what a TURN username says.
type TURNIdentity struct {
	Expiry time.Time
	User   uuid.UUID
	Zone   uuid.UUID
	Epoch  Epoch
}

// Session is an admitted SFU session.
type Session struct {
	User  uuid.UUID
	Zone  uuid.UUID
	Epoch Epoch
	// ID is the token's jti, and from the second time that a token is shown on a number behind it: each
	// admission has its own.
	ID string
}

// Errors of the controller's doors. They are matched with errors.Is; the text is for people.
var (
	// ErrToken: unreadable, forged, expired or meant for another audience.
	ErrToken = errors.New("topology: token is not valid")
	// ErrRefused: the signature holds, the live membership does not.
	ErrRefused = errors.New("topology: not a live member that this credential admits")
	// ErrNotConnected: SFU_CONNECTED of a member that the SFU does not see connected.
	ErrNotConnected = errors.New("topology: the SFU does not see this member connected")

	// ErrConnecting: the same of a member whose session the SFU has admitted. The report may have overtaken the SFU's word,
	// and counts if that comes in a moment.
	ErrConnecting = fmt.Errorf("%w yet", ErrNotConnected)
	// ErrPeer: ICE_FAILED about oneself or someone who is not in the zone.
	ErrPeer = errors.New("topology: not another member of the zone")
)
