package socket

import "time"

// Rate is a token bucket: so many messages a second, bursts of three times that.
type Rate float64

// Bucket makes a full one.
func (r Rate) Bucket() Bucket {
	every := time.Duration(float64(time.Second) / float64(r))
	return Bucket{every: every, room: every * time.Duration(max(1, int(3*r)))}
}

// Bucket is a token bucket, kept as the time at which it will be full again: a connection has several, and 24 bytes each
// are a fifth of what golang.org/x/time/rate takes. Not for use by several goroutines at once.
type Bucket struct {
	every time.Duration // a token
	room  time.Duration // for a full bucket
	full  int64         // when it is, in nanoseconds of the clock
}

// Take takes a token, if there is one.
func (b *Bucket) Take(now time.Time) bool {
	full := b.after(now)
	if full-now.UnixNano() > int64(b.room) {
		return false
	}
	b.full = full
	return true
}

// Wait takes a token in any case, and says how long it is until it is there.
func (b *Bucket) Wait(now time.Time) time.Duration {
	b.full = b.after(now)
	return max(0, time.Duration(b.full-now.UnixNano())-b.room)
}

// Every is the time in which a token comes.
func (b *Bucket) Every() time.Duration { return b.every }

// after is when the bucket is full if a token is taken now. Where it seems to be in debt beyond
// reason, the clock was set back.
func (b *Bucket) after(now time.Time) int64 {
	at := now.UnixNano()
	if b.full < at || b.full-at > 2*int64(b.room) {
		b.full = at
	}
	return b.full + int64(b.every)
}

// Overrun follows a client that is over its limits. Owned by who handles the connection's frames.
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
