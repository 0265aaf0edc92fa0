package presence

import (
	"sync/atomic"
	"time"
)

// Latencies counts delivery times. It may be added to from anywhere.
type Latencies struct {
	shards [8]struct {
		n [latencySteps]atomic.Uint64
		_ [64]byte // a cache line between who counts here and who counts there
	}
}

const (
	latencyStep  = 250 * time.Microsecond
	latencySteps = 8192 // the last one takes everything over two seconds
)

func (l *Latencies) add(shard int, d time.Duration) {
	l.shards[shard%len(l.shards)].n[min(max(0, int(d/latencyStep)), latencySteps-1)].Add(1)
}

// Reset forgets everything.
func (l *Latencies) Reset() {
	for s := range l.shards {
		for i := range l.shards[s].n {
			l.shards[s].n[i].Store(0)
		}
	}
}

// At gives percentiles (0.99) of what was counted; the upper end of the step in which each lies.
func (l *Latencies) At(parts ...float64) []time.Duration {
	var sum [latencySteps]uint64
	var total uint64
	for s := range l.shards {
		for i := range sum {
			n := l.shards[s].n[i].Load()
			sum[i] += n
			total += n
		}
	}
	at := make([]time.Duration, len(parts))
	for k, part := range parts {
		want, seen := uint64(part*float64(total)), uint64(0)
		for i, n := range sum {
			if seen += n; seen > want || i == latencySteps-1 {
				at[k] = time.Duration(i+1) * latencyStep
				break
			}
		}
	}
	return at
}
