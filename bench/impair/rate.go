package impair

import (
	"sync"
	"time"
)

const headers = 28 // IPv4 and UDP

// bottleneck is a link that carries so much and no more: packets leave it one after the other, and who would wait too long
// does not get in.
type bottleneck struct {
	mu               sync.Mutex
	rate             float64 // bits a second; 0: any
	queue            time.Duration
	free             time.Time // when what has been taken in has left
	offered, dropped int64
}

// pass says when a packet of n bytes that comes now has left; false: it is dropped.
func (b *bottleneck) pass(n int, now time.Time) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offered += int64(n + headers)
	if b.rate == 0 {
		return now, true
	}
	if b.free.Before(now) {
		b.free = now
	}
	if b.free.Sub(now) > b.queue {
		b.dropped += int64(n + headers)
		return now, false
	}
	b.free = b.free.Add(time.Duration(float64(n+headers) * 8 / b.rate * float64(time.Second)))
	return b.free, true
}
