package protocol

// ZoneType is the type of a zone (section 4.2).
type ZoneType string

// The zone types.
const (
	OpenArea    ZoneType = "OpenArea"
	TeamArea    ZoneType = "TeamArea"
	MeetingRoom ZoneType = "MeetingRoom"
	PrivateRoom ZoneType = "PrivateRoom"
)

// Valid reports whether z is a zone type.
func (z ZoneType) Valid() bool {
	return z == OpenArea || z == TeamArea || z == MeetingRoom || z == PrivateRoom
}

// MediaTopology is how a zone's media travels (section 5.2).
type MediaTopology string

// The topologies.
const (
	P2PDirect MediaTopology = "P2P_DIRECT"
	P2PTurn   MediaTopology = "P2P_TURN"
	SFU       MediaTopology = "SFU"
)

// Valid reports whether m is a topology.
func (m MediaTopology) Valid() bool { return m == P2PDirect || m == P2PTurn || m == SFU }

// Facing is where an avatar looks.
type Facing string

// The four directions.
const (
	North Facing = "north"
	South Facing = "south"
	East  Facing = "east"
	West  Facing = "west"
)

// Valid reports whether f is a direction.
func (f Facing) Valid() bool { return f == North || f == South || f == East || f == West }

// State is what an avatar does (section 7.1).
type State string

// The states.
const (
	Idle    State = "idle"
	Walking State = "walking"
	Sitting State = "sitting"
)

// Valid reports whether s is a state.
func (s State) Valid() bool { return s == Idle || s == Walking || s == Sitting }

// Action is what one does with an object (section 9.1).
type Action string

// The actions.
const (
	Sit    Action = "sit"
	Use    Action = "use"
	Attach Action = "attach"
)

// Valid reports whether a is an action.
func (a Action) Valid() bool { return a == Sit || a == Use || a == Attach }

// Denial is why an interaction was denied (section 9.3).
type Denial string

// The denials.
const (
	DenyOccupied     Denial = "occupied"
	DenyInvalid      Denial = "invalid"
	DenyUnauthorized Denial = "unauthorized"
)

// Valid reports whether d is a denial.
func (d Denial) Valid() bool { return d == DenyOccupied || d == DenyInvalid || d == DenyUnauthorized }

// CorrectionReason is why a movement was refused (section 8.2).
type CorrectionReason string

// The reasons of POSITION_CORRECTION.
const (
	Collision CorrectionReason = "collision"
	Occupied  CorrectionReason = "occupied"
	Invalid   CorrectionReason = "invalid"
)

// Valid reports whether r is a reason of POSITION_CORRECTION.
func (r CorrectionReason) Valid() bool { return r == Collision || r == Occupied || r == Invalid }

// DisconnectReason is why a member left the SFU (section 12.3).
type DisconnectReason string

// The reasons of SFU_DISCONNECTED.
const (
	DisconnectError  DisconnectReason = "error"
	DisconnectManual DisconnectReason = "manual"
)

// Valid reports whether r is a reason of SFU_DISCONNECTED.
func (r DisconnectReason) Valid() bool { return r == DisconnectError || r == DisconnectManual }

// ChangeReason is why a topology changed (TOPOLOGY_CHANGED).
type ChangeReason string

// The reasons of TOPOLOGY_CHANGED.
const (
	Promoted   ChangeReason = "promoted"
	Demoted    ChangeReason = "demoted"
	Relay      ChangeReason = "relay"
	Direct     ChangeReason = "direct"
	RolledBack ChangeReason = "rolled_back"
)

// Valid reports whether r is a reason of TOPOLOGY_CHANGED.
func (r ChangeReason) Valid() bool {
	return r == Promoted || r == Demoted || r == Relay || r == Direct || r == RolledBack
}

// Role is the role claim of a token.
type Role string

// The roles, highest first.
const (
	Admin  Role = "admin"
	Editor Role = "editor"
	Normal Role = "member"
	Guest  Role = "guest"
)

// Valid reports whether r is a role.
func (r Role) Valid() bool { return r == Admin || r == Editor || r == Normal || r == Guest }

// SlotKind is the kind of a downlink slot of the SFU.
type SlotKind string

// The kinds of slot.
const (
	Audio SlotKind = "audio"
	Video SlotKind = "video"
)

// Valid reports whether k is a kind of slot.
func (k SlotKind) Valid() bool { return k == Audio || k == Video }

// Source is what a slot carries.
type Source string

// The sources.
const (
	Mic    Source = "mic"
	Camera Source = "camera"
	Screen Source = "screen"
)

// Valid reports whether s is a source.
func (s Source) Valid() bool { return s == Mic || s == Camera || s == Screen }

// Feature is an addition to version 1 that a client asks for in CONNECT. Who does not list one never gets its message.
type Feature string

// The features.
const (
	FeatureTopologyChanged Feature = "topology_changed"
	FeatureObjectReleased  Feature = "object_released"
	FeaturePresenceBatch   Feature = "presence_batch"
	FeatureUserMuted       Feature = "user_muted"
)

// Features is the list that this server knows.
func Features() []Feature {
	return []Feature{FeatureTopologyChanged, FeatureObjectReleased, FeaturePresenceBatch, FeatureUserMuted}
}

// Valid reports whether this server knows f.
func (f Feature) Valid() bool {
	return f == FeatureTopologyChanged || f == FeatureObjectReleased || f == FeaturePresenceBatch || f == FeatureUserMuted
}
