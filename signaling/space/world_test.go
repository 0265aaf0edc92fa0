package space

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
)

var t0 = time.Unix(1_700_000_000, 0)

func user(n byte) uuid.UUID { return uuid.UUID{15: n} }

func arrive(t *testing.T, w *World, n byte, role Role, now time.Time) *Member {
	t.Helper()
	m, err := w.Join(Identity{User: user(n), Role: role}, now)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ms(n float64) *float64 { return &n }

// checkWorld asserts what must hold in a world at any time.
func checkWorld(t interface {
	Helper()
	Fatalf(string, ...any)
}, w *World) {
	t.Helper()
	zones, tiles := map[uuid.UUID]uuid.UUID{}, map[Tile]uuid.UUID{}
	for _, z := range w.m.zones {
		if z.Capacity > 0 && len(w.inZone[z.index]) > z.Capacity {
			t.Fatalf("%s holds %d, its capacity is %d", z.Name, len(w.inZone[z.index]), z.Capacity)
		}
		for _, m := range w.InZone(z.ID) {
			if other, ok := zones[m.User]; ok {
				t.Fatalf("%s is in %s and in %s", m.User, other, z.ID)
			}
			zones[m.User] = z.ID
			if m.Zone != z {
				t.Fatalf("%s is listed in %s and thinks it is in %s", m.User, z.Name, m.Zone.Name)
			}
			if !z.Admits(m.Role) {
				t.Fatalf("a %s is in %s", m.Role, z.Name)
			}
			at := m.Pose.Point().Tile()
			if w.m.Blocked(at) || w.m.Solid(at) {
				t.Fatalf("%s stands on the blocked tile %v", m.User, at)
			}
			if in, ok := w.m.ZoneAt(at); !ok || in != z {
				t.Fatalf("%s of %s stands outside it, on %v", m.User, z.Name, at)
			}
			if other, ok := tiles[at]; ok {
				t.Fatalf("%s and %s stand on %v", m.User, other, at)
			}
			tiles[at] = m.User
			if w.stands[w.m.at(at)] != m {
				t.Fatalf("the grid does not know that %s stands on %v", m.User, at)
			}
		}
	}
	checkLocks(t, w)
	if len(zones) != len(w.members) {
		t.Fatalf("%d in zones, %d in the world", len(zones), len(w.members))
	}
	n := 0
	for _, m := range w.stands {
		if m != nil {
			n++
		}
	}
	if n != len(w.members) {
		t.Fatalf("%d tiles are stood on by %d members", n, len(w.members))
	}
}

func TestArrival(t *testing.T) {
	w := NewWorld(office(t), DefaultRules())
	want := []Tile{{1, 1}, {2, 1}, {1, 0}, {1, 2}, {0, 1}, {2, 0}}
	for i, tile := range want {
		m := arrive(t, w, byte(i+1), Guest, t0)
		if m.Pose != (Pose{float64(tile.X), float64(tile.Y), South, Idle}) || m.Zone.ID != hallID {
			t.Errorf("arrival %d: %+v in %s, want %v", i, m.Pose, m.Zone.Name, tile)
		}
	}
	again := arrive(t, w, 1, Admin, t0)
	if again.Pose.Point().Tile() != want[0] || again.Role != Admin || w.Len() != len(want) {
		t.Errorf("who is in already: %+v", again)
	}
	w.Leave(user(1))
	w.Leave(user(1))
	if m := arrive(t, w, 9, Guest, t0); m.Pose.Point().Tile() != want[0] {
		t.Errorf("the first spawn is free again, and %v was given", m.Pose)
	}
	checkWorld(t, w)
	if in := w.InZone(hallID); len(in) != 6 || in[0].User != user(2) || in[5].User != user(9) {
		t.Errorf("members do not come in the order of arrival")
	}
	if w.InZone(uuid.New()) != nil {
		t.Errorf("an unknown zone has members")
	}
}

// TestArrivalFull fills every tile, the parts behind the wall too, and then refuses.
func TestArrivalFull(t *testing.T) {
	w := NewWorld(office(t), DefaultRules())
	room := 6*8 - 1 + 7 // the hall without its desk, the corridor and a doorway
	for i := range room {
		arrive(t, w, byte(i+1), Guest, t0)
	}
	checkWorld(t, w)
	var r *Refusal
	if _, err := w.Join(Identity{User: user(200)}, t0); !errors.As(err, &r) || r.Code != PermissionDenied || r.Reason != ReasonFull {
		t.Errorf("a full zone: %v", err)
	}
}

func TestMoveRules(t *testing.T) {
	near := t0.Add(100 * time.Millisecond)
	for _, c := range []struct {
		name string
		to   Point
		ts   *float64
		now  time.Time
		want string
	}{
		{"a step", Point{1.5, 2.5}, ms(100), near, ""},
		{"equal timestamp passes", Point{1, 2}, ms(50), near, ""},
		{"no timestamp", Point{1, 2}, nil, near, ""},
		{"on the spot", Point{1, 1}, ms(100), t0, ""},
		{"stale", Point{1, 2}, ms(49), near, Invalid},
		{"out of the map", Point{-0.01, 1}, ms(100), near, Invalid},
		{"far out", Point{1e300, -1e300}, ms(100), near, Invalid},
		{"no number", Point{math.NaN(), 1}, ms(100), near, Invalid},
		{"the map's edge", Point{1, 8}, ms(100), near.Add(time.Hour), Invalid},
		{"last tile", Point{5.999, 7.999}, ms(100), near.Add(time.Hour), ""},
		{"a wall", Point{6.5, 1}, ms(100), near.Add(time.Hour), Collision},
		{"round the wall's end, in time", Point{7, 4}, ms(100), near.Add(time.Second), ""},
		{"another zone", Point{8, 1}, ms(100), near.Add(time.Hour), Invalid},
		{"through the door", Point{6.5, 4.5}, ms(100), near.Add(time.Hour), ""},
		{"as fast as can be", Point{1, 4}, ms(100), near, ""},
		{"too fast", Point{1, 4.1}, ms(100), near, Invalid},
		{"diagonally too fast", Point{3.2, 3.2}, ms(100), near, Invalid},
		{"someone stands there", Point{2.9, 1.1}, ms(100), near, Occupied},
		{"a desk", Point{4, 4}, ms(100), near.Add(time.Second), Occupied},
		{"stale before all", Point{-1, 1}, ms(1), near, Invalid},
		{"a wall before too fast", Point{6, 0}, ms(100), t0, Collision},
		{"too fast before occupied", Point{4, 4}, ms(100), near, Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewWorld(office(t), DefaultRules())
			m := arrive(t, w, 1, Guest, t0)
			arrive(t, w, 2, Guest, t0)
			if got := w.Move(user(1), Pose{X: 1, Y: 1}, ms(50), t0); got != nil {
				t.Fatalf("standing still: %v", got)
			}
			got := w.Move(user(1), Pose{c.to.X, c.to.Y, North, Walking}, c.ts, c.now)
			checkWorld(t, w)
			if c.want == "" {
				if got != nil || m.Pose != (Pose{c.to.X, c.to.Y, North, Walking}) {
					t.Errorf("got %v, stands at %+v", got, m.Pose)
				}
				return
			}
			if got == nil || *got != (Correction{1, 1, c.want}) {
				t.Errorf("got %v, want %s", got, c.want)
			}
			if m.Pose != (Pose{1, 1, South, Idle}) {
				t.Errorf("a refused step changed the member: %+v", m.Pose)
			}
		})
	}
}

func TestMoveIntentKeepsFacing(t *testing.T) {
	w := NewWorld(office(t), DefaultRules())
	m := arrive(t, w, 1, Guest, t0)
	w.Move(user(1), Pose{1, 2, West, Walking}, nil, t0)
	w.Move(user(1), Pose{X: 1, Y: 3}, nil, t0)
	if m.Pose != (Pose{1, 3, West, Walking}) {
		t.Errorf("%+v", m.Pose)
	}
	if c := w.Move(user(7), Pose{X: 1, Y: 1}, nil, t0); c == nil || c.Reason != Invalid {
		t.Errorf("who is not in the world: %v", c)
	}
}

// TestSpeed: the slack is for single steps, not a second speed.
func TestSpeed(t *testing.T) {
	w := NewWorld(office(t), DefaultRules())
	arrive(t, w, 1, Guest, t0)
	now, y, walked := t0, 1.0, 0.0
	for i := range 1000 {
		now = now.Add(10 * time.Millisecond) // 0.1 tiles
		next := y + 0.5
		if i/10%2 == 1 {
			next = y - 0.5
		}
		if next < 0.5 || next > 7.5 {
			next = y
		}
		if w.Move(user(1), Pose{X: 1, Y: next}, nil, now) == nil {
			walked += math.Abs(next - y)
			y = next
		}
	}
	if most := 10*now.Sub(t0).Seconds() + 2; walked > most || walked < most/2 {
		t.Errorf("%g tiles walked in %v, at most %g are allowed", walked, now.Sub(t0), most)
	}
	// A clock that jumps back gives nothing and breaks nothing.
	if c := w.Move(user(1), Pose{X: 1, Y: y}, nil, t0); c != nil {
		t.Errorf("standing still: %v", c)
	}
}

func TestResumeForgetsTimestamp(t *testing.T) {
	w := NewWorld(office(t), DefaultRules())
	arrive(t, w, 1, Guest, t0)
	w.Move(user(1), Pose{X: 1, Y: 1}, ms(1000), t0)
	w.Resume(user(1))
	if c := w.Move(user(1), Pose{X: 1, Y: 1}, ms(1), t0); c != nil {
		t.Errorf("the page's clock starts afresh: %v", c)
	}
}

func TestTransition(t *testing.T) {
	long := t0.Add(time.Minute)
	refusal := func(code, field, reason string) error { return &Refusal{code, field, reason} }
	for _, c := range []struct {
		name     string
		role     Role
		from, to uuid.UUID
		pos      Point
		now      time.Time
		want     error
	}{
		{"in", Guest, hallID, roomID, Point{8, 2.5}, long, nil},
		{"private, allowed", Editor, hallID, vaultID, Point{8, 6}, long, nil},
		{"wrong from", Guest, roomID, roomID, Point{8, 2}, long, refusal(InvalidRequest, "from_zone_id", "")},
		{"wrong from before unknown to", Guest, roomID, uuid.Max, Point{8, 2}, long, refusal(InvalidRequest, "from_zone_id", "")},
		{"unknown to", Guest, hallID, uuid.Max, Point{8, 2}, long, refusal(ZoneNotFound, "to_zone_id", "")},
		{"the same", Guest, hallID, hallID, Point{1, 2}, long, refusal(InvalidRequest, "to_zone_id", ReasonSameZone)},
		{"private", Plain, hallID, vaultID, Point{8, 6}, long, refusal(PermissionDenied, "to_zone_id", ReasonRole)},
		{"private before the position", Guest, hallID, vaultID, Point{-1, 6}, long, refusal(PermissionDenied, "to_zone_id", ReasonRole)},
		{"out of the map", Guest, hallID, roomID, Point{99, 1}, long, &Correction{1, 1, Invalid}},
		{"into a wall", Guest, hallID, roomID, Point{7, 3}, long, &Correction{1, 1, Collision}},
		{"not in the target", Guest, hallID, roomID, Point{1, 2}, long, &Correction{1, 1, Invalid}},
		{"too fast", Guest, hallID, roomID, Point{8, 2}, t0, &Correction{1, 1, Invalid}},
		{"occupied", Guest, hallID, roomID, Point{9, 1}, long, &Correction{1, 1, Occupied}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewWorld(office(t), DefaultRules())
			m := arrive(t, w, 1, c.role, t0)
			arrive(t, w, 2, Guest, t0)
			if _, err := w.Transition(user(2), hallID, roomID, Point{9, 1}, long); err != nil {
				t.Fatal(err)
			}
			d, err := w.Transition(user(1), c.from, c.to, c.pos, c.now)
			checkWorld(t, w)
			if c.want == nil {
				if err != nil || d.Zone.ID != c.from || m.Zone.ID != c.to || m.Pose.Point() != c.pos {
					t.Errorf("%v, %v, %+v", d, err, m)
				}
				return
			}
			if err == nil || err.Error() != c.want.Error() {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if m.Zone.ID != hallID || m.Pose.Point() != (Point{1, 1}) {
				t.Errorf("a refused transition moved the member: %+v", m)
			}
		})
	}
}

func TestCapacity(t *testing.T) {
	w := NewWorld(office(t), DefaultRules())
	now := t0.Add(time.Minute)
	for n := byte(1); n <= 3; n++ {
		arrive(t, w, n, Admin, t0)
		_, err := w.Transition(user(n), hallID, roomID, Point{8 + float64(n), 1}, now)
		var r *Refusal
		if full := errors.As(err, &r) && r.Reason == ReasonFull; full != (n == 3) {
			t.Errorf("the %d. in a room for two: %v", n, err)
		}
	}
	w.Leave(user(1))
	if _, err := w.Transition(user(3), hallID, roomID, Point{11, 1}, now); err != nil {
		t.Errorf("after one left: %v", err)
	}
	checkWorld(t, w)
}

func BenchmarkMove(b *testing.B) {
	w := NewWorld(office(b), DefaultRules())
	if _, err := w.Join(Identity{User: user(1)}, t0); err != nil {
		b.Fatal(err)
	}
	now := t0
	for b.Loop() {
		now = now.Add(time.Second)
		if c := w.Move(user(1), Pose{1 + float64(now.Unix()%2), 1, South, Walking}, nil, now); c != nil {
			b.Fatal(c)
		}
	}
}
