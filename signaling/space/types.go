package space

import (
	"math"
	"time"

	"github.com/google/uuid"
)

// Role is what a token says of its user, by its name on the wire.
type Role string

// The roles, from the lowest to the highest.
const (
	Guest  Role = "guest"
	Plain  Role = "member"
	Editor Role = "editor"
	Admin  Role = "admin"
)

// Rank orders the roles; 0 is no role at all.
func (r Role) Rank() int {
	switch r {
	case Guest:
		return 1
	case Plain:
		return 2
	case Editor:
		return 3
	case Admin:
		return 4
	}
	return 0
}

// Valid says whether r is one of the four roles.
func (r Role) Valid() bool { return r.Rank() > 0 }

// ZoneType is a zone's type, by its name in the zone protocol, section 4.2.
type ZoneType string

// The zone types.
const (
	OpenArea    ZoneType = "OpenArea"
	TeamArea    ZoneType = "TeamArea"
	MeetingRoom ZoneType = "MeetingRoom"
	PrivateRoom ZoneType = "PrivateRoom"
)

// Valid says whether t is one of the four zone types.
func (t ZoneType) Valid() bool {
	return t == OpenArea || t == TeamArea || t == MeetingRoom || t == PrivateRoom
}

// Point is a position in tiles; fractions are allowed.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Tile is one tile of the map.
type Tile struct {
	X int `json:"x"`
	Y int `json:"y"`
}

// Tile gives the tile that the point stands on. Points far outside any map give a tile outside it.
func (p Point) Tile() Tile { return Tile{floor(p.X), floor(p.Y)} }

// floor clamps what no map can hold, so that the conversion to int is defined (NaN included).
func floor(f float64) int {
	if !(f >= 0) {
		return -1
	}
	if f >= math.MaxInt32 {
		return math.MaxInt32
	}
	return int(f)
}

// Facing is where an avatar looks, by its name on the wire.
type Facing string

// The facings.
const (
	North Facing = "north"
	East  Facing = "east"
	South Facing = "south"
	West  Facing = "west"
)

// State is what an avatar does, by its name on the wire.
type State string

// The states.
const (
	Idle    State = "idle"
	Walking State = "walking"
	Sitting State = "sitting"
)

// Pose is where and how an avatar stands.
type Pose struct {
	X, Y   float64
	Facing Facing
	State  State
}

// Point gives the pose's position.
func (p Pose) Point() Point { return Point{p.X, p.Y} }

// Identity is who a member is, as its token says.
type Identity struct {
	User      uuid.UUID
	Workspace uuid.UUID
	Name      string
	Avatar    string
	Role      Role
}

// Rules are the world's numbers, from the configuration.
type Rules struct {
	MaxSpeed float64       // tiles per second
	Slack    float64       // tiles that a step may exceed MaxSpeed by
	Reach    float64       // tiles from which an object can be used
	Removal  time.Duration // how long who was removed from a zone stays out of it
	Kick     time.Duration // how long who was kicked stays out of the world
}

// DefaultRules are the zone protocol's defaults.
func DefaultRules() Rules {
	return Rules{MaxSpeed: 10, Slack: 2, Reach: 2, Removal: 5 * time.Minute, Kick: 10 * time.Minute}
}
