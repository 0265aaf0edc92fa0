package relay

import (
	"testing"
	"time"
)

// Every pacing sends each flow's share of the rate within the second, and at most as much back to back as it says.
func TestTimeline(t *testing.T) {
	for _, c := range []struct {
		pacing     Pacing
		flows, pps int
		most       int // back to back
	}{
		{Even, 7, 1000, 1}, {Browser, 64, 10000, 2}, {Browser, 4, 10000, 32}, {Bursts, 64, 10000, 6}, {Bursts, 3, 100, 2}, {Browser, 5, 7, 1},
	} {
		events, err := timeline(c.pacing, c.flows, c.pps)
		if err != nil {
			t.Fatal(err)
		}
		sent := make([]int, c.flows)
		last, most := time.Duration(0), 0
		for _, e := range events {
			if e.at < last {
				t.Fatalf("%+v: an event at %v after one at %v", c, e.at, last)
			}
			last, most = e.at, max(most, e.n)
			sent[e.flow] += e.n
		}
		all := 0
		for f, n := range sent {
			if all += n; n < c.pps/c.flows || n > c.pps/c.flows+1 {
				t.Errorf("%+v: flow %d sends %d", c, f, n)
			}
		}
		if all != c.pps || most != c.most {
			t.Errorf("%+v: %d packets, %d at most back to back", c, all, most)
		}
	}
	if _, err := timeline("none", 1, 1); err == nil {
		t.Error("a pacing that is none was taken")
	}
}
