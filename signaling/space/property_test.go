package space

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// The generated office: what several people ask of one world, in any order and at any time, and what each of them was
// told and therefore believes. Beliefs are kept apart from the world's own tables, so that a table that is wrong in
// itself does not go unseen.
type play struct {
	w    *World
	maps []*Map
	now  time.Time

	believes map[uuid.UUID]grant     // by object: the last grant that nobody was told the end of
	locks    map[uuid.UUID]bool      // ever granted
	walked   map[uuid.UUID]float64   // by user, since it was put somewhere
	since    map[uuid.UUID]time.Time // when that was
	last     map[uuid.UUID]time.Time // when it stepped last, or was put somewhere
	out      map[bar]time.Time       // doors that were closed, and until when
	muted    map[uuid.UUID]time.Time // until when
}

type grant struct{ user, lock uuid.UUID }

// redrawn is the office after an afternoon in Tiled: the room is smaller and lets one in, there is a wall where people
// arrive, the chair stands in the vault, and that is open to members too.
func redrawn(t testing.TB) *Map {
	t.Helper()
	return edited(t,
		`"x": 224, "y": 0, "width": 160, "height": 96`, `"x": 288, "y": 0, "width": 96, "height": 96`,
		`"name": "capacity", "type": "int", "value": 2`, `"name": "capacity", "type": "int", "value": 1`,
		`"editor, admin"`, `"member, editor, admin"`,
		`"x": 272, "y": 48, "width": 0`, `"x": 304, "y": 48, "width": 0`,
		`"gid": 1, "x": 96, "y": 128`, `"gid": 1, "x": 288, "y": 224`,
		`"x": 272, "y": 16, "width": 0`, `"x": 304, "y": 16, "width": 0`,
		"   0,0,0,0,0,0,0,0,0,0,0,0,\n   0,0,0,0,0,0,0,0,0,0,0,0,", "   1,1,1,0,0,0,0,0,0,0,0,0,\n   0,0,0,0,0,0,0,0,0,0,0,0,",
	)
}

// bare is the office without furniture.
func bare(t testing.TB) *Map {
	t.Helper()
	return edited(t, `"class": "objects"`, `"properties": [{"name": "ignore", "type": "bool", "value": true}]`)
}

func edited(t testing.TB, edits ...string) *Map {
	t.Helper()
	m, err := ParseMap("edited.tmj", []byte(strings.NewReplacer(edits...).Replace(officeText(t))), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var (
	playRoles   = []Role{Plain, Guest, Editor, Admin, Admin, Plain}
	playZones   = []uuid.UUID{hallID, roomID, vaultID, uuid.Max}
	playObjects = []uuid.UUID{chairID, deskID, boardID, uuid.Max}
)

// TestWorldInvariants: whatever people ask for, in whatever order, nobody is in two zones, on a collision tile or a
// solid object, in a zone that does not admit it or that is full, behind a door that a moderator closed, or on a tile
// that someone else stands on; a lock has one holder, who is in the object's zone and was told so; nobody walks faster
// than allowed or through a wall; who lacks the role moderates nothing; and what is refused changes nothing.
func TestWorldInvariants(t *testing.T) {
	maps := []*Map{office(t), redrawn(t), bare(t)}
	rapid.Check(t, func(t *rapid.T) {
		p := &play{
			w: NewWorld(maps[0], DefaultRules()), maps: maps, now: t0,
			believes: map[uuid.UUID]grant{}, locks: map[uuid.UUID]bool{},
			walked: map[uuid.UUID]float64{}, since: map[uuid.UUID]time.Time{}, last: map[uuid.UUID]time.Time{},
			out: map[bar]time.Time{}, muted: map[uuid.UUID]time.Time{},
		}
		for n := byte(1); n <= people; n++ {
			p.enter(t, user(n))
		}
		actions := map[string]func(*rapid.T){
			"":           p.check,
			"join":       p.join,
			"leave":      p.leave, // or the grace's end
			"wait":       p.wait,
			"move":       p.move,
			"transition": p.transition,
			"interact":   p.interact,
			"interact2":  p.interact, // more often, for what two want at once
			"move2":      p.move,
			"move3":      p.transition,
			"end":        p.end,
			"mute":       p.mute,
			"remove":     p.remove,
			"kick":       p.kick,
			"reload":     p.reload,
			"resume":     func(t *rapid.T) { p.w.Resume(anyone(t, "user")) },
		}
		for range 4 { // what hangs together may lie far apart
			t.Repeat(actions)
		}
	})
}

// people is how many play, one with each of playRoles.
const people = 6

func anyone(t *rapid.T, label string) uuid.UUID {
	return user(rapid.ByteRange(1, people).Draw(t, label))
}

// roleOf is fixed per user, as a token has it.
func roleOf(u uuid.UUID) Role { return playRoles[int(u[15])-1] }

func (p *play) zone(t *rapid.T, label string) uuid.UUID {
	return rapid.SampledFrom(playZones).Draw(t, label)
}

// spots are where something is to be wrong about: at and on the furniture, in doorways, on walls, on both sides of one.
var spots = []Point{
	{3, 3}, {2, 2}, {4, 4}, {3, 4}, {8, 0}, {9, 1}, {8, 1}, {9, 2}, {10, 1}, {8, 3}, {9, 3}, {6, 4}, {7, 4}, {9, 4}, {8, 5}, {8, 6}, {9, 6},
	{10, 7}, {5.9, 1}, {7.1, 1}, {6, 0}, {7, 3}, {9, 5}, {0, 0}, {1, 0}, {1, 1}, {2, 1},
}

// target is a small step away, as a walker's is, or a spot, or anything.
func (p *play) target(t *rapid.T, u uuid.UUID) Point {
	m, ok := p.w.Member(u)
	switch kind := rapid.IntRange(0, 7).Draw(t, "kind"); {
	case kind == 0 || !ok:
		return Point{rapid.Float64Range(-2, 14).Draw(t, "x"), rapid.Float64Range(-2, 10).Draw(t, "y")}
	case kind < 3:
		return Point{m.Pose.X + rapid.Float64Range(-2, 2).Draw(t, "dx"), m.Pose.Y + rapid.Float64Range(-2, 2).Draw(t, "dy")}
	}
	return rapid.SampledFrom(spots).Draw(t, "spot")
}

// picture is all that a refused request must not change.
type picture struct {
	poses map[uuid.UUID]Pose
	zones map[uuid.UUID]uuid.UUID
	locks map[uuid.UUID]Lock
	mutes map[uuid.UUID]time.Time
	bars  map[bar]time.Time
}

func (p *play) picture() picture {
	s := picture{map[uuid.UUID]Pose{}, map[uuid.UUID]uuid.UUID{}, map[uuid.UUID]Lock{}, map[uuid.UUID]time.Time{}, map[bar]time.Time{}}
	for u, m := range p.w.members {
		s.poses[u], s.zones[u] = m.Pose, m.Zone.ID
	}
	for o, l := range p.w.locks {
		s.locks[o] = l
	}
	for u, at := range p.w.mutes {
		s.mutes[u] = at
	}
	for b, at := range p.w.barred {
		s.bars[b] = at
	}
	return s
}

func same[K, V comparable](a, b map[K]V) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if other, ok := b[k]; !ok || other != v {
			return false
		}
	}
	return true
}

// refused fails when a request that was refused changed something.
func (p *play) refused(t *rapid.T, was picture) {
	is := p.picture()
	if !same(was.poses, is.poses) || !same(was.zones, is.zones) || !same(was.locks, is.locks) || !same(was.mutes, is.mutes) || !same(was.bars, is.bars) {
		t.Fatalf("a refused request changed\n%+v to\n%+v", was, is)
	}
}

func (p *play) check(t *rapid.T) {
	checkWorld(t, p.w)
	for o, g := range p.believes {
		if l, ok := p.w.locks[o]; !ok || l.User != g.user || l.ID != g.lock {
			t.Fatalf("%s was told that it holds %s, and nobody told it otherwise; the lock is %+v", g.user, o, l)
		}
	}
	if len(p.believes) != len(p.w.locks) {
		t.Fatalf("%d locks, people know of %d", len(p.w.locks), len(p.believes))
	}
	for u, until := range p.muted {
		if got, ok := p.w.Muted(u); ok != p.now.Before(until) || ok && !got.Equal(until) {
			t.Fatalf("%s is muted until %v, the world says %v, %v", u, until, got, ok)
		}
	}
}

// left takes note of who is somewhere else now, and of what it was told.
func (p *play) left(t *rapid.T, u uuid.UUID, d Departure) {
	for _, o := range d.Released {
		if g, ok := p.believes[o]; !ok || g.user != u {
			t.Fatalf("%s released %s, which it did not hold", u, o)
		}
		delete(p.believes, o)
	}
	for o, g := range p.believes {
		if g.user == u {
			t.Fatalf("%s left, and %s was not released", u, o)
		}
	}
}

func (p *play) placed(u uuid.UUID) { p.walked[u], p.since[u], p.last[u] = 0, p.now, p.now }

func (p *play) join(t *rapid.T) { p.enter(t, anyone(t, "user")) }

func (p *play) enter(t *rapid.T, u uuid.UUID) {
	_, in := p.w.Member(u)
	_, err := p.w.Join(Identity{User: u, Role: roleOf(u)}, p.now)
	switch {
	case in && err != nil:
		t.Fatalf("who is in is refused: %v", err)
	case !in && (err != nil) != p.now.Before(p.out[bar{u, uuid.Nil}]):
		t.Fatalf("kicked until %v, and at %v: %v", p.out[bar{u, uuid.Nil}], p.now, err)
	case !in && err == nil:
		p.placed(u)
	}
}

func (p *play) leave(t *rapid.T) {
	u := anyone(t, "user")
	p.left(t, u, p.w.Leave(u))
}

func (p *play) wait(t *rapid.T) {
	p.now = p.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
	if rapid.IntRange(0, 19).Draw(t, "long") == 0 {
		p.now = p.now.Add(6 * time.Minute)
	}
	ended, next := p.w.EndMutes(p.now)
	for _, u := range ended {
		if until, ok := p.muted[u]; !ok || p.now.Before(until) {
			t.Fatalf("the mute of %s ended at %v, it was to end at %v", u, p.now, until)
		}
		delete(p.muted, u)
	}
	var first time.Time
	for _, until := range p.muted {
		if first.IsZero() || until.Before(first) {
			first = until
		}
	}
	if !next.Equal(first) {
		t.Fatalf("the next mute is said to end at %v, it ends at %v", next, first)
	}
}

// stepped checks a step that was taken against the speed and the walls, by a search of its own.
func (p *play) stepped(t *rapid.T, u uuid.UUID, from Point) {
	m, _ := p.w.Member(u)
	p.walked[u] += m.distance(from)
	allowed := func(since time.Time) float64 { return 10*p.now.Sub(since).Seconds() + 2 + 1e-3 }
	if p.walked[u] > allowed(p.since[u]) {
		t.Fatalf("%g tiles walked, at most %g are allowed", p.walked[u], allowed(p.since[u]))
	}
	most := allowed(p.last[u])
	p.last[u] = p.now
	dist := map[Tile]int{from.Tile(): 0}
	for queue := []Tile{from.Tile()}; len(queue) > 0; queue = queue[1:] {
		for i := range 9 {
			next := Tile{queue[0].X + i%3 - 1, queue[0].Y + i/3 - 1}
			if _, seen := dist[next]; !seen && !p.w.m.Blocked(next) {
				dist[next] = dist[queue[0]] + 1
				queue = append(queue, next)
			}
		}
	}
	to := m.Pose.Point().Tile()
	if steps, ok := dist[to]; !ok || float64(steps) > most+1 {
		t.Fatalf("from %v to %v is no way (%v) or one of %d steps, and %g tiles were allowed", from, to, ok, steps, most)
	}
}

func (p *play) move(t *rapid.T) {
	u := anyone(t, "user")
	var ts *float64
	if rapid.Bool().Draw(t, "stamped") {
		ts = ms(float64(rapid.IntRange(0, 50).Draw(t, "ts")))
	}
	to, was := p.target(t, u), p.picture()
	if p.w.Move(u, Pose{X: to.X, Y: to.Y}, ts, p.now) != nil {
		p.refused(t, was)
		return
	}
	p.stepped(t, u, was.poses[u].Point())
}

func (p *play) transition(t *rapid.T) {
	u := anyone(t, "user")
	was := p.picture()
	from, to := p.zone(t, "from"), p.zone(t, "to")
	if at, ok := was.zones[u]; ok && rapid.IntRange(0, 3).Draw(t, "honest") > 0 {
		from = at
	}
	pos := p.target(t, u)
	if z, ok := p.w.m.ZoneAt(pos.Tile()); ok && rapid.IntRange(0, 3).Draw(t, "there") > 0 {
		to = z.ID
	}
	if b, ok := p.barred(); ok && rapid.IntRange(0, 3).Draw(t, "by a closed door") == 0 {
		u, to, from = b.user, b.zone, was.zones[b.user]
		pos = Point{10, 1} // in the room of every map; in the vault's, lower down
		if to == vaultID {
			pos.Y = 7
		}
	}
	d, err := p.w.Transition(u, from, to, pos, p.now)
	if err != nil {
		p.refused(t, was)
		return
	}
	if d.Zone.ID != was.zones[u] {
		t.Fatalf("it left %s, it was in %s", d.Zone.ID, was.zones[u])
	}
	if until := p.out[bar{u, to}]; p.now.Before(until) {
		t.Fatalf("%s went into %s, which is closed to it until %v", u, to, until)
	}
	p.left(t, u, d)
	p.stepped(t, u, was.poses[u].Point())
}

// barred is the first who was removed from a zone.
func (p *play) barred() (bar, bool) {
	for n := byte(1); n <= people; n++ {
		for _, z := range playZones {
			if b := (bar{user(n), z}); !p.out[b].IsZero() {
				return b, true
			}
		}
	}
	return bar{}, false
}

func (p *play) interact(t *rapid.T) {
	u, was := anyone(t, "user"), p.picture()
	o := rapid.SampledFrom(playObjects).Draw(t, "object")
	action := rapid.SampledFrom([]string{"sit", "use", "attach", "dance"}).Draw(t, "action")
	if obj, ok := p.w.m.Object(o); ok && len(obj.Actions) > 0 && rapid.IntRange(0, 3).Draw(t, "apt") > 0 {
		action = obj.Actions[0]
	}
	fresh := uuid.New()
	lock, again, err := p.w.Interact(u, o, action, fresh)
	g, held := p.believes[o]
	switch {
	case err != nil:
		p.refused(t, was)
	case again:
		if !held || g != (grant{u, lock}) {
			t.Fatalf("%s gets %s again by %s, it was granted %+v", u, o, lock, g)
		}
		p.refused(t, was)
	default:
		if held {
			t.Fatalf("%s gets %s, which %s holds", u, o, g.user)
		}
		if lock != fresh || p.locks[lock] {
			t.Fatalf("the lock %s is not new", lock)
		}
		obj, _ := p.w.m.Object(o)
		if m, _ := p.w.Member(u); obj.Roles != nil && !slices.Contains(obj.Roles, m.Role) || !slices.Contains(obj.Actions, action) {
			t.Fatalf("a %s gets %s to %s", m.Role, obj.Name, action)
		}
		p.believes[o], p.locks[lock] = grant{u, lock}, true
	}
}

func (p *play) end(t *rapid.T) {
	u, was := anyone(t, "user"), p.picture()
	o := rapid.SampledFrom(playObjects).Draw(t, "object")
	lock := uuid.New()
	if g, ok := p.believes[o]; ok && rapid.Bool().Draw(t, "known") {
		lock = g.lock // whoever's it is
	}
	if p.w.EndInteract(u, o, lock) != nil {
		p.refused(t, was)
		return
	}
	if p.believes[o] != (grant{u, lock}) {
		t.Fatalf("%s ends %s by %s, it was granted %+v", u, o, lock, p.believes[o])
	}
	delete(p.believes, o)
}

func (p *play) reload(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "rarely") > 0 {
		return
	}
	was := p.picture()
	m := rapid.SampledFrom(p.maps).Draw(t, "map")
	same := m == p.w.m
	displaced, released := p.w.Reload(m)
	if same && len(displaced)+len(released) > 0 {
		t.Fatalf("the same map displaces %v and releases %v", displaced, released)
	}
	for _, l := range released {
		if p.believes[l.Object] != (grant{l.User, l.ID}) {
			t.Fatalf("released %+v, granted was %+v", l, p.believes[l.Object])
		}
		delete(p.believes, l.Object)
	}
	moved := map[uuid.UUID]bool{}
	for _, d := range displaced {
		if moved[d.User] || d.From.ID != was.zones[d.User] {
			t.Fatalf("%s is displaced from %s, it was in %s", d.User, d.From.ID, was.zones[d.User])
		}
		moved[d.User] = true
		left, err := p.w.Settle(d, p.now)
		var r *Refusal
		if err != nil && !(errors.As(err, &r) && r.Reason == ReasonFull) {
			t.Fatal(err)
		}
		m, in := p.w.Member(d.User)
		if in == (err != nil) || in && m.Zone != p.w.m.SpawnZone() {
			t.Fatalf("%s is settled in %+v: %v", d.User, m, err)
		}
		if !in || m.Zone.ID != d.From.ID {
			p.left(t, d.User, left)
		}
		p.placed(d.User)
	}
	for u, m := range p.w.members {
		if !moved[u] && (m.Pose != was.poses[u] || m.Zone.ID != was.zones[u]) {
			t.Fatalf("%s was to stay at %+v and is at %+v", u, was.poses[u], m.Pose)
		}
	}
}
