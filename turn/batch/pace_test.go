package batch

import (
	"testing"
	"time"
)

// A reader waits in Go's poller while little comes, in the read while more does, and gathers when waking for each datagram
// would cost more; it comes back when the rate falls.
func TestPace(t *testing.T) {
	p := pace{gather: 500 * time.Microsecond}
	now := time.Unix(1000, 0)
	// run reads one datagram each interval, for a time, and says how often the scheduler was to see the reader.
	run := func(every, lasts time.Duration) (shown int) {
		for end := now.Add(lasts); now.Before(end); {
			now = now.Add(every)
			if p.took(1, now) {
				shown++
			}
		}
		return shown
	}
	if p.how() != idle {
		t.Fatalf("a new reader: %v", p.how())
	}
	for _, c := range []struct {
		every time.Duration
		want  way
	}{
		{100 * time.Microsecond, gathering}, {20 * time.Millisecond, idle}, {time.Millisecond, busy}, {333 * time.Microsecond, busy},
		{50 * time.Microsecond, gathering}, {time.Second, idle}, {10 * time.Millisecond, idle},
	} {
		shown := run(c.every, 200*time.Millisecond)
		if p.how() != c.want {
			t.Errorf("a datagram each %v: %v, want %v (%.0f a second)", c.every, p.how(), c.want, p.rate)
		}
		// Go's scheduler takes the processor after 10 ms.
		if c.want != idle && (shown < 20 || shown > 40) {
			t.Errorf("a datagram each %v: shown to the scheduler %d times in 200 ms", c.every, shown)
		}
	}
	p = pace{}
	run(10*time.Microsecond, 100*time.Millisecond)
	if p.how() != busy {
		t.Errorf("a reader that is not to gather: %v", p.how())
	}
	// Many in one read count as many.
	p = pace{gather: 500 * time.Microsecond}
	for range 100 {
		now = now.Add(time.Millisecond)
		p.took(10, now)
	}
	if p.how() != gathering {
		t.Errorf("ten datagrams a millisecond: %v", p.how())
	}
}
