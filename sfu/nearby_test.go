package sfu

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestNearbyFindsTheNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var n nearby
		n.clear()
		people := rapid.IntRange(1, 60).Draw(t, "people")
		for i := range people {
			n.put(uuid.UUID{byte(i + 1)}, point{rapid.Float64Range(0, 25).Draw(t, "x"), rapid.Float64Range(0, 25).Draw(t, "y")})
		}
		me := uuid.UUID{1}
		odd := func(u uuid.UUID) bool { return u[0]%2 == 1 }
		most := rapid.IntRange(1, 8).Draw(t, "most")
		found := n.find(me, most, odd)
		in := map[uuid.UUID]bool{}
		last := 0.0
		for _, u := range found {
			d, known := n.distance(me, u)
			if !known || u == me || !odd(u) || in[u] || d < last {
				t.Fatalf("%v at %v after %v", u, d, last)
			}
			in[u] = true
			last = d
		}
		others := 0
		for u := range n.at {
			if u == me || !odd(u) {
				continue
			}
			others++
			if d, _ := n.distance(me, u); !in[u] && (len(found) < most || d < last) {
				t.Fatalf("%v at %v was not found; of %d the last is at %v", u, d, most, last)
			}
		}
		if len(found) != min(most, others) {
			t.Fatalf("%d of %d", len(found), others)
		}
	})
}

func TestNearbyLooksAtFewInALargeZone(t *testing.T) {
	looked := func(side int) int {
		var n nearby
		n.clear()
		for x := range side {
			for y := range side {
				n.put(uuid.UUID{byte(x), byte(y), 1}, point{float64(x), float64(y)})
			}
		}
		count := 0
		n.find(uuid.UUID{byte(side / 2), byte(side / 2), 1}, 4, func(uuid.UUID) bool { count++; return true })
		return count
	}
	if small, large := looked(12), looked(100); large > 25*cellTiles*cellTiles || large > small*2 {
		t.Errorf("looks at %d of 144 and at %d of 10,000", small, large)
	}
}
