package signaling

import "atrium/signaling/socket"

// kind groups message types that share a token bucket.
type kind uint8

const (
	kindOther kind = iota
	kindPresence
	kindMovement
	kindNegotiation
	kinds
)

func (k kind) String() string {
	return [...]string{"other", "presence", "movement", "negotiation"}[k]
}

// buckets are a connection's limits. Owned by who handles its frames.
type buckets struct {
	all    socket.Bucket // before a frame is even parsed: the sum of the others
	byKind [kinds]socket.Bucket

	overrun socket.Overrun
}

func newBuckets(l Limits) buckets {
	return buckets{
		all: (l.Presence + l.Movement + l.Negotiation + l.Other).Bucket(),
		byKind: [kinds]socket.Bucket{
			kindOther: l.Other.Bucket(), kindPresence: l.Presence.Bucket(), kindMovement: l.Movement.Bucket(), kindNegotiation: l.Negotiation.Bucket(),
		},
	}
}
