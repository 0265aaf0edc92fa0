package signaling

import (
	"golang.org/x/time/rate"

	"atrium/signaling/socket"
)

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

// buckets are a connection's limits. Owned by its read loop.
type buckets struct {
	all    *rate.Limiter // before a frame is even parsed: the sum of the others
	byKind [kinds]*rate.Limiter

	overrun socket.Overrun
}

func newBuckets(l Limits) *buckets {
	b := &buckets{all: (l.Presence + l.Movement + l.Negotiation + l.Other).Bucket()}
	b.byKind[kindOther] = l.Other.Bucket()
	b.byKind[kindPresence] = l.Presence.Bucket()
	b.byKind[kindMovement] = l.Movement.Bucket()
	b.byKind[kindNegotiation] = l.Negotiation.Bucket()
	return b
}
