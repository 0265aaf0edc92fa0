package measure

import (
	"testing"
	"time"
)

const step = 20 * time.Millisecond

var start = time.Unix(1000, 0)

func sent(n int) []time.Time {
	var s []time.Time
	for i := range n {
		s = append(s, start.Add(time.Duration(i)*step))
	}
	return s
}

// came is an arrival of a packet, delay after it was sent.
func came(seq uint64, way Way, delay time.Duration) Arrival {
	return Arrival{At: start.Add(time.Duration(seq)*step + delay), Sequence: seq, Way: way}
}

func TestOf(t *testing.T) {
	ms := time.Millisecond
	whole := Window{start, start.Add(time.Hour)}
	for name, c := range map[string]struct {
		s    Stream
		w    Window
		want Result
	}{
		"a switch without a flaw": {
			Stream{Sent: sent(5), Arrivals: []Arrival{
				came(0, 0, ms), came(1, 0, ms), came(2, 0, ms), came(2, 1, 2*ms), came(3, 1, 2*ms), came(4, 1, 2*ms),
			}}, whole,
			Result{Sent: 5, Both: 1, Ways: [2]int{3, 3}, Gap: ms},
		},
		"one packet between the ways": {
			Stream{Sent: sent(4), Arrivals: []Arrival{came(0, 0, ms), came(2, 1, ms), came(3, 1, ms)}}, whole,
			Result{Sent: 4, Lost: 1, Ways: [2]int{1, 2}, Gap: step},
		},
		"one packet lost by the path": {
			Stream{Sent: sent(4), Arrivals: []Arrival{came(0, 0, ms), came(2, 1, ms), came(3, 1, ms)}, Dropped: func(q uint64) bool { return q == 1 }}, whole,
			Result{Sent: 4, OnPath: 1, Ways: [2]int{1, 2}, Gap: step},
		},
		"doubled by one way": {
			Stream{Sent: sent(2), Arrivals: []Arrival{came(0, 0, 0), came(0, 0, ms), came(1, 0, 0)}}, whole,
			Result{Sent: 2, Doubled: 1, Ways: [2]int{2, 0}},
		},
		"late is not lost, and the sender's own silence is no gap": {
			Stream{Sent: []time.Time{start, start.Add(step), start.Add(10 * step)}, Arrivals: []Arrival{
				{At: start, Sequence: 0}, {At: start.Add(2 * step), Sequence: 1}, {At: start.Add(10*step + 5*ms), Sequence: 2},
			}}, whole,
			Result{Sent: 3, Ways: [2]int{3, 0}, Gap: step},
		},
		"nothing is owed before the first packet, nor outside of the window": {
			Stream{Sent: sent(10), Arrivals: []Arrival{came(3, 0, 0), came(4, 0, 0), came(5, 0, 0), came(9, 0, 0)}},
			Window{start, start.Add(6 * step)},
			Result{Sent: 3, Ways: [2]int{3, 0}},
		},
		"nothing came": {Stream{Sent: sent(3)}, whole, Result{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.s.Of(c.w)
			got.GapAt = time.Time{}
			if got != c.want {
				t.Errorf("got %+v, not %+v", got, c.want)
			}
		})
	}
}

func TestGapOneWay(t *testing.T) {
	ms := time.Millisecond
	// The new way brings one packet, then nothing for a while; the old way fills the hole for who mixes them.
	s := Stream{Sent: sent(6), Arrivals: []Arrival{
		came(0, 0, ms), came(1, 0, ms), came(1, 1, 5*ms), came(2, 0, ms), came(3, 0, ms), came(4, 1, 5*ms), came(5, 1, 5*ms),
	}}
	whole := Window{start, start.Add(time.Hour)}
	if got := s.GapOneWay(whole, 1); got != 2*step+4*ms {
		t.Errorf("the gap of who plays one way is %v", got)
	}
	if got := s.Of(whole).Gap; got != 4*ms {
		t.Errorf("the gap over both ways is %v", got)
	}
}

func TestPercentile(t *testing.T) {
	d := []time.Duration{5, 1, 4, 2, 3}
	for p, want := range map[float64]time.Duration{50: 3, 99: 5, 100: 5, 1: 1} {
		if got := Percentile(d, p); got != want {
			t.Errorf("p%v is %d, not %d", p, got, want)
		}
	}
	if Percentile(nil, 50) != 0 {
		t.Error("no figures have a percentile")
	}
}
