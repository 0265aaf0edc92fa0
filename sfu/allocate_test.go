package sfu

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func rungs(demands []demand) (all []int) {
	for i := range demands {
		all = append(all, demands[i].rung)
	}
	return all
}

func TestAllocate(t *testing.T) {
	two := func(now int) []demand {
		return []demand{
			{rates: []float64{100, 500, 1500}, top: 2, now: now},
			{rates: []float64{100, 500, 1500}, top: 2, now: now},
		}
	}
	for _, c := range []struct {
		budget float64
		now    int
		a, b   int
	}{
		{math.Inf(1), -1, 2, 2},
		{3000, 2, 2, 2},   // what is sent and fits is kept
		{3000, 1, 2, 1},   // but nothing is raised so near the edge
		{2000, 2, 2, 1},   // the more wanted first
		{1000, 2, 1, 1},   // nobody's picture is sharp while another's is small
		{600, 2, 1, 0},    //
		{200, 2, 0, 0},    //
		{150, 2, 0, -1},   //
		{50, 2, -1, -1},   //
		{-100, 2, -1, -1}, // audio alone takes more than there is
	} {
		d := two(c.now)
		allocate(c.budget, d)
		if d[0].rung != c.a || d[1].rung != c.b {
			t.Errorf("%v from %d: %v, want %d and %d", c.budget, c.now, rungs(d), c.a, c.b)
		}
	}
	d := two(0)
	if next := allocate(300, d); next != 100+500*more {
		t.Errorf("the next layer would fit in %v", next)
	}
}

func TestAllocateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		demands := make([]demand, rapid.IntRange(0, 8).Draw(t, "pictures"))
		for i := range demands {
			rate := 0.0
			for range rapid.IntRange(1, 3).Draw(t, "layers") {
				rate += float64(rapid.IntRange(50, 1000).Draw(t, "rate"))
				demands[i].rates = append(demands[i].rates, rate)
			}
			demands[i].top = rapid.IntRange(0, len(demands[i].rates)-1).Draw(t, "top")
			demands[i].now = rapid.IntRange(-1, len(demands[i].rates)-1).Draw(t, "now")
		}
		budget := float64(rapid.IntRange(-100, 8000).Draw(t, "budget"))
		next := allocate(budget, demands)
		sum, all := 0.0, true
		for i := range demands {
			d := &demands[i]
			if d.rung > d.top {
				t.Fatalf("picture %d gets layer %d, it shows %d", i, d.rung, d.top)
			}
			sum += d.cost(d.rung)
			all = all && d.rung == d.top
			// No picture has two layers more than another that could have had its next.
			for j := range demands {
				e := &demands[j]
				if d.rung > e.rung+1 && e.rung < e.top {
					with := sumOf(demands) - d.cost(d.rung) + d.cost(d.rung-1) - e.cost(e.rung) + e.cost(e.rung+1)
					if with <= budget && e.cost(e.rung+1)-e.cost(e.rung) <= d.cost(e.rung+1)-d.cost(e.rung) {
						t.Fatalf("picture %d has layer %d, picture %d layer %d: %v", i, d.rung, j, e.rung, rungs(demands))
					}
				}
			}
		}
		if sum > max(budget, 0) {
			t.Fatalf("%v of %v", sum, budget)
		}
		if all != (next == sum) && !(next <= budget) {
			t.Fatalf("all %v, sum %v, next %v", all, sum, next)
		}
		if !all && next <= budget {
			t.Fatalf("%v would fit into %v", next, budget)
		}
		// With what the next layer needs, there is more.
		before := rungs(demands)
		if !all {
			allocate(next, demands)
			after, better := rungs(demands), false
			for i := range before {
				better = better || after[i] > before[i]
			}
			if !better {
				t.Fatalf("%v with %v, %v with %v", before, budget, after, next)
			}
		}
	})
}

func sumOf(demands []demand) (sum float64) {
	for i := range demands {
		sum += demands[i].cost(demands[i].rung)
	}
	return sum
}
