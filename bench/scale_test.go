package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"atrium/bench/forward"
)

// The scenario grows both ways, counts what everybody is owed by their slots, and says what the idle cost.
func TestScaleScenario(t *testing.T) {
	t.Parallel() // it counts, and asserts no speed
	o := scaleOptions{
		Receivers: 5, Most: 5, Step: 2, Members: []int{2, 4}, Mics: 2, Cameras: 1, Idle: 3,
		Shapes: []forward.Shape{forward.Bursts}, For: time.Second, Warm: time.Second, Rest: time.Second, Floor: time.Second,
		Tolerance: 0.15, Progress: io.Discard,
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	f, err := measureScale(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.rates) < 3 || len(f.members) != 2 || f.idle == nil {
		t.Fatalf("%d rates, %d zones, idle %v", len(f.rates), len(f.members), f.idle)
	}
	for _, p := range f.rates {
		if owed := p.senders * p.receivers * 206; p.runs[0].figures.Owed != owed {
			t.Errorf("%d to %d: %d packets are owed, not %d", p.senders, p.receivers, p.runs[0].figures.Owed, owed)
		}
	}
	for _, p := range f.members {
		x := p.run.figures
		// Two cameras of 156 packets a second, of which everybody sees one, and microphones of 50.
		if owed := p.members * (156 + 50*min(2, p.members-1)); x.Owed != owed || x.Got > x.Owed || x.Bad != 0 || p.floor <= 0 {
			t.Errorf("a zone of %d: %d came and %d are owed, not %d; %d samples are not what was sent; floor %v", p.members, x.Got, x.Owed, owed, x.Bad, p.floor)
		}
	}
	r := scaleReport(o, f)
	if len(r.Plots) != 3 || len(r.Plots[0].Series) != 2 {
		t.Errorf("%d plots", len(r.Plots))
	}
}

// A curve that rises by more than the tolerance misses its target, wherever it rises.
func TestFlatOrFalls(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		most float64
		at   int
	}{
		{[]float64{9, 5, 4}, 0, 0}, {[]float64{4, 4.4, 3}, 0.1, 1}, {[]float64{4, 2, 2.2, 2.5}, 0.25, 3}, {[]float64{1}, 0, 0},
	} {
		if most, at := rise(c.v); most < c.most-1e-9 || most > c.most+1e-9 || at != c.at {
			t.Errorf("%v rises by %v at %d, not by %v at %d", c.v, most, at, c.most, c.at)
		}
	}
	o := scaleOptions{Tolerance: 0.15, Shapes: []forward.Shape{forward.Bursts}}
	all := scaleFigures{}
	for _, cost := range []time.Duration{5, 4, 6} {
		run := &forwardRun{load: forward.Load{Shape: forward.Bursts, For: time.Second}}
		run.figures.Got = 1000
		run.use.Total = cost * time.Millisecond
		all.rates = append(all.rates, &ratePoint{senders: 1, receivers: 1, runs: []*forwardRun{run}, floor: []float64{1}})
		all.members = append(all.members, &memberPoint{members: 3, run: run})
	}
	r := scaleReport(o, &all)
	missed := 0
	for _, g := range r.Targets {
		if strings.Contains(g.Name, "cost") && !g.Pass {
			missed++
		}
	}
	if missed != 3 {
		t.Errorf("%d of 3 curves that rise miss their target: %+v", missed, r.Targets)
	}
}
