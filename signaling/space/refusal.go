package space

import "fmt"

// Codes of a Refusal, by their names in the zone protocol, section 14.2.
const (
	InvalidRequest   = "INVALID_REQUEST"
	ZoneNotFound     = "ZONE_NOT_FOUND"
	ObjectNotFound   = "OBJECT_NOT_FOUND"
	PermissionDenied = "PERMISSION_DENIED"
)

// Reasons that a Refusal gives for PermissionDenied and InvalidRequest.
const (
	ReasonRole      = "role"       // the zone's roles do not hold the user's, or the role may not moderate so
	ReasonRank      = "rank"       // the target's role is above the moderator's
	ReasonFull      = "full"       // the zone's capacity is reached, or no tile is free
	ReasonRemoved   = "removed"    // removed from the zone, and the time is not over
	ReasonKicked    = "kicked"     // kicked from the world, and the time is not over
	ReasonNotJoined = "not_joined" // the user is not in this world
	ReasonSameZone  = "same_zone"  // the target is where the user is
)

// Refusal is a request that the world refuses with an ERROR.
type Refusal struct {
	Code   string // INVALID_REQUEST, ZONE_NOT_FOUND, OBJECT_NOT_FOUND or PERMISSION_DENIED
	Field  string // the field at fault by its name on the wire, or empty
	Reason string // details.reason, or empty
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("space: %s (field %q, reason %q)", r.Code, r.Field, r.Reason)
}

// Reasons of a Correction, by their names in the zone protocol, section 8.2.
const (
	Collision = "collision"
	Occupied  = "occupied"
	Invalid   = "invalid"
)

// Correction is a step that was not taken: where the member stands, and why it stays there.
type Correction struct {
	X, Y   float64
	Reason string // collision, occupied or invalid
}

func (c *Correction) Error() string {
	return fmt.Sprintf("space: step refused (%s), the member stands at %g,%g", c.Reason, c.X, c.Y)
}

var (
	_ error = (*Refusal)(nil)
	_ error = (*Correction)(nil)
)
