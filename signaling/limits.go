package signaling

import (
	"time"

	"golang.org/x/time/rate"
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

	overSince time.Time // the first refusal of a run of them
	lastOver  time.Time
	lastTold  time.Time
}

func newBuckets(l Limits) *buckets {
	bucket := func(r Rate) *rate.Limiter { return rate.NewLimiter(rate.Limit(r), max(1, int(3*r))) }
	b := &buckets{all: bucket(l.Presence + l.Movement + l.Negotiation + l.Other)}
	b.byKind[kindOther] = bucket(l.Other)
	b.byKind[kindPresence] = bucket(l.Presence)
	b.byKind[kindMovement] = bucket(l.Movement)
	b.byKind[kindNegotiation] = bucket(l.Negotiation)
	return b
}

// refused notes a refusal: tell, when the client is to be told (once a second), and for how long on end it has
// been over its limits. A second without a refusal ends a run.
func (b *buckets) refused(now time.Time) (tell bool, over time.Duration) {
	if b.lastOver.IsZero() || now.Sub(b.lastOver) > time.Second {
		b.overSince = now
	}
	b.lastOver = now
	if b.lastTold.IsZero() || now.Sub(b.lastTold) >= time.Second {
		b.lastTold = now
		tell = true
	}
	return tell, now.Sub(b.overSince)
}
