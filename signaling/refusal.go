package signaling

import (
	"errors"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// refusal turns what space refuses into the ERROR that a client reads.
func refusal(err error) *protocol.Error {
	var r *space.Refusal
	if !errors.As(err, &r) {
		return protocol.AsError(err)
	}
	e := protocol.Errorf(protocol.Code(r.Code), "", "%s", refusalText(r))
	if r.Field != "" {
		e.With("field", r.Field)
	}
	if r.Reason != "" {
		e.With("reason", r.Reason)
	}
	return e
}

func refusalText(r *space.Refusal) string {
	switch r.Reason {
	case space.ReasonRole:
		if r.Field == "to_zone_id" {
			return "your role may not enter this zone"
		}
		return "your role may not do this"
	case space.ReasonRank:
		return "the target's role is above yours"
	case space.ReasonFull:
		return "there is no room left"
	case space.ReasonRemoved:
		return "you were removed from this zone a while ago"
	case space.ReasonKicked:
		return "you were kicked from this world a while ago"
	case space.ReasonNotJoined:
		return "you are not in this world"
	case space.ReasonSameZone:
		return "you are in this zone already"
	}
	switch {
	case r.Code == space.ZoneNotFound:
		return "this world has no such zone"
	case r.Code == space.ObjectNotFound:
		return "this world has no such object"
	case r.Field == "lock_id":
		return "lock_id is no lock that you hold on this object"
	case r.Field == "from_zone_id":
		return "from_zone_id is not the zone that you are in"
	case r.Field == "target_user_id":
		return "target_user_id must be someone else in your world"
	case r.Field == "world_id":
		return "world_id must be the world that you are both in"
	case r.Field == "zone_id":
		return "zone_id must be the zone that the target is in, and not the one where people arrive"
	}
	return "the request cannot be carried out"
}
