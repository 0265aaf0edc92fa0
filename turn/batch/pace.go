package batch

import "time"

// way is how a reader waits for the next datagrams.
type way int

const (
	// idle: in Go's poller, as everything else does. It costs a few wake-ups of threads for each datagram.
	idle way = iota
	// busy: in the read itself. A datagram wakes the reader's thread and no other; but Go's scheduler counts the thread's
	// processor as used meanwhile, so this is for waits that are short.
	busy
	// gathering: asleep for a time, whatever comes; then in the read.
	gathering
)

const (
	// busyWait is how long a reader waits in a read. Go's scheduler takes the processor from who is away for 10 ms.
	busyWait = 5 * time.Millisecond
	// busyRate is from which rate on the next datagram is expected within busyWait.
	busyRate = float64(time.Second / busyWait)
	// memory is over which time the rate is measured.
	memory = 8 * time.Millisecond
	// gatherLeast is how many datagrams must be expected in the time of gathering, for it costs a wake-up itself.
	gatherLeast = 2
)

// pace measures how fast datagrams come, and says how to wait for the next.
type pace struct {
	gather time.Duration // 0: never

	rate  float64 // datagrams a second
	last  time.Time
	shown time.Time // when Go's scheduler last saw the reader
}

func (p *pace) how() way {
	switch {
	case p.gather > 0 && p.rate*p.gather.Seconds() >= gatherLeast:
		return gathering
	case p.rate >= busyRate:
		return busy
	}
	return idle
}

// took notes that n datagrams were read. True: the scheduler should see the reader.
func (p *pace) took(n int, now time.Time) bool {
	since := now.Sub(p.last)
	p.last = now
	if since <= 0 {
		since = 1
	}
	w := float64(since) / float64(since+memory)
	was := p.how()
	p.rate += w * (float64(n)/since.Seconds() - p.rate)
	if was == idle {
		p.shown = now
		return false
	}
	if now.Sub(p.shown) < busyWait {
		return false
	}
	p.shown = now
	return true
}
