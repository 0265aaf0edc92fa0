package space

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// TestWorldInvariants: whatever members ask for, in whatever order, nobody is in two zones, on a
// collision tile or a solid object, in a zone that does not admit it or that is full, or on a tile
// that someone else stands on; a refused step changes nothing; and nobody is faster than allowed.
func TestWorldInvariants(t *testing.T) {
	m := office(t)
	zones := []uuid.UUID{hallID, roomID, vaultID, uuid.Max}
	roles := []Role{Guest, Plain, Editor, Admin}
	rapid.Check(t, func(t *rapid.T) {
		w := NewWorld(m, DefaultRules())
		now := t0
		walked := map[uuid.UUID]float64{}
		since := map[uuid.UUID]time.Time{}
		who := rapid.Map(rapid.ByteRange(1, 6), user)
		coord := rapid.Custom(func(t *rapid.T) Point {
			return Point{rapid.Float64Range(-2, 14).Draw(t, "x"), rapid.Float64Range(-2, 10).Draw(t, "y")}
		})
		// Most steps are small, as a walker's are.
		target := func(t *rapid.T, u uuid.UUID) Point {
			if mb, ok := w.Member(u); ok && rapid.IntRange(0, 3).Draw(t, "near") > 0 {
				p := mb.Pose.Point()
				return Point{p.X + rapid.Float64Range(-2, 2).Draw(t, "dx"), p.Y + rapid.Float64Range(-2, 2).Draw(t, "dy")}
			}
			return coord.Draw(t, "to")
		}
		before := func(u uuid.UUID) Member {
			if mb, ok := w.Member(u); ok {
				return *mb
			}
			return Member{}
		}
		placed := func(u uuid.UUID) { walked[u], since[u] = 0, now }
		step := func(t *rapid.T, u uuid.UUID, was Member, moved bool) {
			is := before(u)
			if !moved {
				if is.Pose != was.Pose || is.Zone != was.Zone {
					t.Fatalf("a refused step changed %+v to %+v", was.Pose, is.Pose)
				}
				return
			}
			walked[u] += was.distance(is.Pose.Point())
			if most := 10*now.Sub(since[u]).Seconds() + 2 + 1e-3; walked[u] > most {
				t.Fatalf("%g tiles walked, at most %g are allowed", walked[u], most)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { checkWorld(t, w) },
			"join": func(t *rapid.T) {
				u := who.Draw(t, "user")
				_, in := w.Member(u)
				// A fixed role per user, as a token has it.
				if _, err := w.Join(Identity{User: u, Role: roles[int(u[15])%len(roles)]}, now); err == nil && !in {
					placed(u)
				}
			},
			"leave": func(t *rapid.T) { w.Leave(who.Draw(t, "user")) },
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
			},
			"move": func(t *rapid.T) {
				u := who.Draw(t, "user")
				var ts *int64
				if rapid.Bool().Draw(t, "stamped") {
					ts = ms(int64(rapid.IntRange(0, 50).Draw(t, "ts")))
				}
				p, was := target(t, u), before(u)
				step(t, u, was, w.Move(u, Pose{X: p.X, Y: p.Y}, ts, now) == nil)
			},
			"transition": func(t *rapid.T) {
				u := who.Draw(t, "user")
				was := before(u)
				from := rapid.SampledFrom(zones).Draw(t, "from")
				if was.Zone != nil && rapid.Bool().Draw(t, "honest") {
					from = was.Zone.ID
				}
				_, err := w.Transition(u, from, rapid.SampledFrom(zones).Draw(t, "to"), target(t, u), now)
				step(t, u, was, err == nil)
			},
			"remove": func(t *rapid.T) {
				u := who.Draw(t, "user")
				if _, err := w.Remove(u, rapid.SampledFrom(zones).Draw(t, "zone"), now); err == nil {
					placed(u)
				}
			},
			"kick":   func(t *rapid.T) { w.Kick(who.Draw(t, "user"), now) },
			"resume": func(t *rapid.T) { w.Resume(who.Draw(t, "user")) },
		})
	})
}
