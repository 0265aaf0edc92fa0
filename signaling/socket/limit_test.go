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
			if bucket.Take(now) {
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

// TestBucket: a full bucket has three seconds' worth, then tokens come at the rate; who must wait is told how long.
func TestBucket(t *testing.T) {
	start := time.Unix(1000, 0)
	b := Rate(10).Bucket()
	for i := range 30 {
		if !b.Take(start) {
			t.Fatalf("token %d of 30 is missing", i)
		}
	}
	if b.Take(start) || b.Take(start.Add(99*time.Millisecond)) {
		t.Error("an empty bucket gives")
	}
	if at := start.Add(100 * time.Millisecond); !b.Take(at) || b.Take(at) {
		t.Error("after 100 ms there is one token")
	}
	if wait := b.Wait(start.Add(150 * time.Millisecond)); wait != 50*time.Millisecond {
		t.Errorf("wait for %v, want 50 ms", wait)
	}
	if wait := b.Wait(start.Add(150 * time.Millisecond)); wait != 150*time.Millisecond {
		t.Errorf("wait for %v, want 150 ms", wait)
	}
	later := start.Add(time.Hour)
	for i := range 30 {
		if b.Wait(later) != 0 {
			t.Fatalf("an hour later token %d of 30 is missing", i)
		}
	}
	if b.Take(later) {
		t.Error("it fills without a bound")
	}
	if one := Rate(0.1).Bucket(); !one.Take(start) || one.Take(start.Add(9*time.Second)) || !one.Take(start.Add(10*time.Second)) {
		t.Error("a rate below one has bursts of one")
	}
}

// TestBucketWhenTheClockIsSetBack: nobody is shut out by it for longer than a bucket takes to fill.
func TestBucketWhenTheClockIsSetBack(t *testing.T) {
	b := Rate(10).Bucket()
	b.Take(time.Unix(5000, 0))
	if !b.Take(time.Unix(1000, 0)) {
		t.Error("it waits for a time that was")
	}
}
