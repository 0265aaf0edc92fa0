package space

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestWalls: the slack is no way through a wall. In the office column 6 is a wall but for the doorway at 6,4, and so is
// row 3 from 7 on but for 8,3.
func TestWalls(t *testing.T) {
	for _, c := range []struct {
		name     string
		at, to   Point
		after    time.Duration
		want     string
		mayCross bool // into the room, by a transition
	}{
		{"over a wall", Point{5.9, 1}, Point{7.1, 1}, 0, Collision, true},
		{"over a wall after a rest", Point{5.9, 1}, Point{7.1, 1}, 300 * time.Millisecond, Collision, true},
		{"around it, given the time", Point{5.9, 1}, Point{7.1, 1}, time.Second, "", true},
		{"through the doorway", Point{5.5, 4.5}, Point{7.2, 4.2}, 0, "", false},
		{"through the doorway aslant", Point{5.5, 3.9}, Point{7.2, 4.9}, 0, "", false},
		{"round the doorway's post", Point{5.5, 3.1}, Point{7.1, 4.2}, 0, "", false},
		{"far along the wall", Point{5, 0}, Point{5, 7.9}, time.Second, "", false},
		{"a single step", Point{5.9, 3.9}, Point{6.1, 4.1}, 0, "", false},
		{"far, with walls between", Point{0, 0}, Point{11, 4}, time.Minute, "", false},
		{"too fast before a wall", Point{1, 1}, Point{9, 1}, 100 * time.Millisecond, Invalid, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewWorld(office(t), DefaultRules())
			m := arrive(t, w, 1, Admin, t0)
			now := t0.Add(time.Hour)
			if got := w.Move(user(1), Pose{X: c.at.X, Y: c.at.Y}, nil, now); got != nil {
				t.Fatal(got)
			}
			m.pace = pace{since: now, slack: 2}
			now = now.Add(c.after)
			var got *Correction
			if c.mayCross {
				if _, err := w.Transition(user(1), hallID, roomID, c.to, now); err != nil {
					got = err.(*Correction)
				}
			} else {
				got = w.Move(user(1), Pose{X: c.to.X, Y: c.to.Y}, nil, now)
			}
			checkWorld(t, w)
			switch {
			case c.want == "" && (got != nil || m.Pose.Point() != c.to):
				t.Errorf("got %v, stands at %v", got, m.Pose)
			case c.want != "" && (got == nil || *got != Correction{c.at.X, c.at.Y, c.want}):
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

// TestWaysAround compares the rule with walks that were really made: whatever walk past the walls brought somebody
// somewhere, the same in one message and the same time is accepted.
func TestWaysAround(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	w := NewWorld(office(t), DefaultRules())
	m := arrive(t, w, 1, Admin, t0)
	around := 0
	for range 5000 {
		at := Point{r.Float64() * 12, r.Float64() * 8}
		if w.m.Blocked(at.Tile()) {
			continue
		}
		m.Pose.X, m.Pose.Y = at.X, at.Y
		to, length, angle := at, 0.0, r.Float64()*2*math.Pi
		for range r.IntN(40) {
			angle += (r.Float64() - 0.5) * 1.5
			next := Point{to.X + math.Cos(angle)*0.4, to.Y + math.Sin(angle)*0.4}
			if w.m.Blocked(next.Tile()) || !w.m.clear(to, next) {
				angle += math.Pi / 2
				continue
			}
			to, length = next, length+0.4
		}
		if !w.m.clear(at, to) {
			around++
		}
		got, ok := w.way(m, to, length)
		if !ok || got > length+epsilon {
			t.Fatalf("from %v to %v: a walk of %g tiles leads there, and the way is %g (%v)", at, to, length, got, ok)
		}
	}
	if around < 200 {
		t.Errorf("%d walks went round a corner: too few to prove anything", around)
	}
}

// TestWayBounded: a look for a way costs a bounded time on any map.
func TestWayBounded(t *testing.T) {
	m := field(1000, 1000)
	for y := range 999 {
		m.grid.flags[m.at(Tile{500, y})] |= flagCollision
	}
	w := NewWorld(m, DefaultRules())
	if _, ok := w.around(Tile{499, 10}, Tile{501, 10}, 1e6); ok {
		t.Error("a way of a thousand tiles was found")
	}
	if n := len(w.search.queue); n > 2*maxWay {
		t.Errorf("%d tiles were visited", n)
	}
	if _, ok := w.around(Tile{499, 995}, Tile{501, 995}, 100); !ok {
		t.Error("the way round the wall's end was not found")
	}
}

// field is an open map without zones.
func field(width, height int) *Map {
	return &Map{Width: width, Height: height, grid: grid{zone: make([]uint16, width*height), flags: make([]uint8, width*height)}}
}

// BenchmarkWay shows what the longest look for a way costs.
func BenchmarkWay(b *testing.B) {
	m := field(200, 200)
	for y := range 199 {
		m.grid.flags[m.at(Tile{100, y})] |= flagCollision
	}
	w := NewWorld(m, DefaultRules())
	for b.Loop() {
		w.around(Tile{99, 50}, Tile{101, 50}, 1e6)
	}
}
