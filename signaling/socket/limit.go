package socket

import (
	"time"

	"golang.org/x/time/rate"
)

// Rate is a token bucket: so many messages a second, bursts of three times that.
type Rate float64

// Bucket makes a full one.
func (r Rate) Bucket() *rate.Limiter { return rate.NewLimiter(rate.Limit(r), max(1, int(3*r))) }

// Overrun follows a client that is over its limits. Owned by the connection's read loop.
type Overrun struct {
	since time.Time // the first refusal of a run of them
	last  time.Time
	told  time.Time
}

// calm is how long nothing must be refused for a run to end. A client that floods in bursts has pauses between them
// in which a bucket fills a little; they do not make it well-behaved.
const calm = time.Second

// Refused notes a refusal: tell, when the client is to be told (once a second), and for how long on end it has
// been over its limits.
func (o *Overrun) Refused(now time.Time) (tell bool, over time.Duration) {
	if o.last.IsZero() || now.Sub(o.last) > calm {
		o.since = now
	}
	o.last = now
	if o.told.IsZero() || now.Sub(o.told) >= time.Second {
		o.told = now
		tell = true
	}
	return tell, now.Sub(o.since)
}
