package socket

import (
	"testing"
	"time"
)

// TestOverrun: a flood in bursts is one run of refusals, whatever passes between them; a quiet second ends it.
func TestOverrun(t *testing.T) {
	bucket, start := Rate(10).Bucket(), time.Unix(1000, 0)
	var o Overrun
	told, longest := 0, time.Duration(0)
	for at := time.Duration(0); at < 12*time.Second; at += 200 * time.Millisecond {
		for range 20 {
			now := start.Add(at)
			if bucket.AllowN(now, 1) {
				continue
			}
			tell, over := o.Refused(now)
			if tell {
				told++
			}
			longest = max(longest, over)
		}
	}
	if longest < 11*time.Second {
		t.Errorf("12 s of bursts count as %v", longest)
	}
	if told > 13 || told < 11 {
		t.Errorf("told %d times in 12 s, want once a second", told)
	}
	if _, over := o.Refused(start.Add(20 * time.Second)); over != 0 {
		t.Errorf("after a quiet spell it is over for %v already", over)
	}
}

func TestRunsOfRefusals(t *testing.T) {
	var o Overrun
	at := time.Unix(1000, 0)
	step := func(d time.Duration, tell bool, over time.Duration) {
		t.Helper()
		at = at.Add(d)
		if gotTell, gotOver := o.Refused(at); gotTell != tell || gotOver != over {
			t.Errorf("got %v %v, want %v %v", gotTell, gotOver, tell, over)
		}
	}
	step(0, true, 0)
	step(500*time.Millisecond, false, 500*time.Millisecond)
	step(500*time.Millisecond, true, time.Second)
	step(1100*time.Millisecond, true, 0) // a pause ends the run
	step(900*time.Millisecond, false, 900*time.Millisecond)
}
