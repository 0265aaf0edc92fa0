package protocol

import "slices"

// ZoneType is what a zone is for; it chooses the topology policy and who may enter (section 4.2).
type ZoneType string

// The zone types.
const (
	OpenArea    ZoneType = "OpenArea"
	TeamArea    ZoneType = "TeamArea"
	MeetingRoom ZoneType = "MeetingRoom"
	PrivateRoom ZoneType = "PrivateRoom"
)

// Values lists them all.
func (ZoneType) Values() []ZoneType { return []ZoneType{OpenArea, TeamArea, MeetingRoom, PrivateRoom} }

// Valid reports whether z is a zone type.
func (z ZoneType) Valid() bool { return slices.Contains(z.Values(), z) }

// MediaTopology is how a zone's media travels (section 5.2).
type MediaTopology string

// The topologies.
const (
	P2PDirect MediaTopology = "P2P_DIRECT" // peer to peer
	P2PTurn   MediaTopology = "P2P_TURN"   // peer to peer, over the relay where a pair needs it
	SFU       MediaTopology = "SFU"        // through the SFU
)

// Values lists them all.
func (MediaTopology) Values() []MediaTopology { return []MediaTopology{P2PDirect, P2PTurn, SFU} }

// Valid reports whether m is a topology.
func (m MediaTopology) Valid() bool { return slices.Contains(m.Values(), m) }

// Facing is where an avatar looks.
type Facing string

// The four directions.
const (
	North Facing = "north"
	South Facing = "south"
	East  Facing = "east"
	West  Facing = "west"
)

// Values lists them all.
func (Facing) Values() []Facing { return []Facing{North, South, East, West} }

// Valid reports whether f is a direction.
func (f Facing) Valid() bool { return slices.Contains(f.Values(), f) }

// State is what an avatar does (section 7.1).
type State string

// The states.
const (
	Idle    State = "idle"
	Walking State = "walking"
	Sitting State = "sitting"
)

// Values lists them all.
func (State) Values() []State { return []State{Idle, Walking, Sitting} }

// Valid reports whether s is a state.
func (s State) Valid() bool { return slices.Contains(s.Values(), s) }

// Action is what one does with an object (section 9.1).
type Action string

// The actions.
const (
	Sit    Action = "sit"
	Use    Action = "use"
	Attach Action = "attach"
)

// Values lists them all.
func (Action) Values() []Action { return []Action{Sit, Use, Attach} }

// Valid reports whether a is an action.
func (a Action) Valid() bool { return slices.Contains(a.Values(), a) }

// Denial is why an interaction was denied (section 9.3).
type Denial string

// The denials.
const (
	DenyOccupied     Denial = "occupied"     // another holds it
	DenyInvalid      Denial = "invalid"      // another zone, an action that it does not offer, or too far away
	DenyUnauthorized Denial = "unauthorized" // the role may not use it
)

// Values lists them all.
func (Denial) Values() []Denial { return []Denial{DenyOccupied, DenyInvalid, DenyUnauthorized} }

// Valid reports whether d is a denial.
func (d Denial) Valid() bool { return slices.Contains(d.Values(), d) }

// CorrectionReason is why a movement was refused (section 8.2).
type CorrectionReason string

// The reasons of POSITION_CORRECTION.
const (
	Collision CorrectionReason = "collision" // a wall
	Occupied  CorrectionReason = "occupied"  // someone or something solid stands there
	Invalid   CorrectionReason = "invalid"   // out of the map, another zone, too fast or too late
)

// Values lists them all.
func (CorrectionReason) Values() []CorrectionReason {
	return []CorrectionReason{Collision, Occupied, Invalid}
}

// Valid reports whether r is a reason of POSITION_CORRECTION.
func (r CorrectionReason) Valid() bool { return slices.Contains(r.Values(), r) }

// DisconnectReason is why a member left the SFU (section 12.3).
type DisconnectReason string

// The reasons of SFU_DISCONNECTED.
const (
	DisconnectError  DisconnectReason = "error"  // the session failed; a fresh PROMOTE_TO_SFU follows
	DisconnectManual DisconnectReason = "manual" // it is not needed any more: the peers are connected to each other
)

// Values lists them all.
func (DisconnectReason) Values() []DisconnectReason {
	return []DisconnectReason{DisconnectError, DisconnectManual}
}

// Valid reports whether r is a reason of SFU_DISCONNECTED.
func (r DisconnectReason) Valid() bool { return slices.Contains(r.Values(), r) }

// ChangeReason is why a topology changed (TOPOLOGY_CHANGED).
type ChangeReason string

// The reasons of TOPOLOGY_CHANGED.
const (
	Promoted   ChangeReason = "promoted"    // to the SFU
	Demoted    ChangeReason = "demoted"     // from the SFU back to peer to peer
	Relay      ChangeReason = "relay"       // a pair needs the relay
	Direct     ChangeReason = "direct"      // no pair needs it any more
	RolledBack ChangeReason = "rolled_back" // a change was given up; the former topology stays
)

// Values lists them all.
func (ChangeReason) Values() []ChangeReason {
	return []ChangeReason{Promoted, Demoted, Relay, Direct, RolledBack}
}

// Valid reports whether r is a reason of TOPOLOGY_CHANGED.
func (r ChangeReason) Valid() bool { return slices.Contains(r.Values(), r) }

// SlotKind is the kind of a downlink slot of the SFU.
type SlotKind string

// The kinds of slot.
const (
	Audio SlotKind = "audio"
	Video SlotKind = "video"
)

// Values lists them all.
func (SlotKind) Values() []SlotKind { return []SlotKind{Audio, Video} }

// Valid reports whether k is a kind of slot.
func (k SlotKind) Valid() bool { return slices.Contains(k.Values(), k) }

// Source is what a slot carries.
type Source string

// The sources.
const (
	Mic    Source = "mic"
	Camera Source = "camera"
	Screen Source = "screen"
)

// Values lists them all.
func (Source) Values() []Source { return []Source{Mic, Camera, Screen} }

// Valid reports whether s is a source.
func (s Source) Valid() bool { return slices.Contains(s.Values(), s) }

// Feature is an addition to version 1 that a client asks for in CONNECT. Who does not list one never gets its message.
type Feature string

// The features.
const (
	FeatureTopologyChanged Feature = "topology_changed" // TOPOLOGY_CHANGED; a zone may come back from the SFU
	FeatureObjectReleased  Feature = "object_released"  // OBJECT_RELEASED
	FeaturePresenceBatch   Feature = "presence_batch"   // PRESENCE_BATCH in place of PRESENCE_BROADCAST
	FeatureUserMuted       Feature = "user_muted"       // USER_MUTED
	FeatureWorldChanged    Feature = "world_changed"    // WORLD_CHANGED
)

// Values lists those that this server knows.
func (Feature) Values() []Feature {
	return []Feature{FeatureTopologyChanged, FeatureObjectReleased, FeaturePresenceBatch, FeatureUserMuted, FeatureWorldChanged}
}

// Features lists those that this server knows.
func Features() []Feature { return Feature("").Values() }

// Valid reports whether this server knows f.
func (f Feature) Valid() bool { return slices.Contains(f.Values(), f) }
