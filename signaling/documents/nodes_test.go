package documents_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/documents"
	"atrium/signaling/documents/bus"
	"atrium/signaling/documents/wire"
)

// newNode is a house with a bus.
func newNode(t testing.TB, r *redisServer) *house {
	t.Helper()
	return nodeAt(t, r.URL)
}

func nodeAt(t testing.TB, url string) *house {
	t.Helper()
	b, err := bus.Open(url, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the server's end
		if err := b.Close(); err != nil {
			t.Error("bus:", err)
		}
	})
	return newHouse(t, func(o *documents.Options) { o.Bus, o.Store = b, nil })
}

// TestTwoNodes: who is on one node and who is on another see each other as if they were on one.
func TestTwoNodes(t *testing.T) {
	r := newRedis(t)
	one, two := newNode(t, r), newNode(t, r)
	doc := uuid.New()
	a := one.enter(uuid.New(), wire.SubprotocolAck)
	a.join(doc)
	a.fence()
	a.cursor(doc, 5)
	a.send(wire.TagPresenceStatus, wire.PresenceStatus{DocumentID: doc, UserID: a.user, Status: "busy", Timestamp: someTime})
	a.annotate(doc, "first")
	a.expect(wire.TagAnnotation, nil)

	b := two.enter(uuid.New())
	b.join(doc)
	var p wire.PresenceUpdate
	b.expect(wire.TagPresenceUpdate, &p)
	if p.UserID != a.user || p.Cursor.Line != 5 || p.Timestamp != someTime {
		t.Errorf("%+v", p)
	}
	var st wire.PresenceStatus
	b.expect(wire.TagPresenceStatus, &st)
	if st.UserID != a.user || st.Status != "busy" {
		t.Errorf("%+v", st)
	}
	b.expect(wire.TagAnnotation, nil)
	a.expect(wire.TagJoinDocument, nil)
	b.cursor(doc, 6)
	var cur wire.CursorUpdate
	a.expect(wire.TagCursorUpdate, &cur)
	if cur.UserID != b.user || cur.Position.Line != 6 || cur.Timestamp != someTime {
		t.Errorf("%+v", cur)
	}

	// The same user on the other node is the same member.
	again := two.enter(a.user)
	again.join(doc)
	again.expect(wire.TagPresenceUpdate, nil)
	again.expect(wire.TagPresenceStatus, nil)
	again.expect(wire.TagAnnotation, nil)
	a.leave(doc)
	again.cursor(doc, 9)
	b.expect(wire.TagCursorUpdate, &cur)
	if cur.UserID != a.user || cur.Position.Line != 9 {
		t.Errorf("%+v", cur)
	}
	again.leave(doc)
	b.expect(wire.TagLeaveDocument, nil)
	b.fence()
}

// TestOneOrder: notes that are written on two nodes at once are in one order on both, and in the stored one.
func TestOneOrder(t *testing.T) {
	r := newRedis(t)
	nodes := []*house{newNode(t, r), newNode(t, r)}
	doc := uuid.New()
	const each = 200
	var people []*client
	for i := range 4 {
		c := nodes[i%2].enter(uuid.New(), wire.SubprotocolAck)
		c.join(doc)
		c.fenceQuietly()
		people = append(people, c)
	}
	for i := range each {
		for _, c := range people {
			c.annotate(doc, fmt.Sprint(i))
		}
	}
	var want []string
	for i, c := range append(people, nil) {
		if c == nil { // who comes afterwards
			c = nodes[0].enter(uuid.New())
			c.join(doc)
		}
		for n := range each * len(people) {
			f := c.nextNote()
			if i == 0 {
				want = append(want, f.text)
			} else if f.text != want[n] {
				t.Fatalf("note %d is %s to one and %s to another", n, want[n], f.text)
			}
		}
	}
	last := make(map[uuid.UUID]int)
	for _, text := range want {
		var an struct{ Annotation wire.Annotation }
		decodeText(t, text, &an)
		if n := fmt.Sprint(last[an.Annotation.UserID]); an.Annotation.Content != n {
			t.Fatalf("%s came in the place of %s", text, n)
		}
		last[an.Annotation.UserID]++
	}
}

// TestRedisAway: while Redis is away members of one node go on, everybody is told once, and nothing is lost or doubled.
func TestRedisAway(t *testing.T) {
	r := newRedis(t)
	one, two := newNode(t, r), newNode(t, r)
	doc := uuid.New()
	a, b, c := one.enter(uuid.New(), wire.SubprotocolAck), one.enter(uuid.New()), two.enter(uuid.New())
	for _, p := range []*client{a, b, c} {
		p.join(doc)
		p.fenceQuietly()
	}
	sent := 0
	write := func(n int) {
		for range n {
			a.annotate(doc, fmt.Sprint(sent))
			sent++
		}
	}
	write(50)
	r.stop()
	write(50)
	outage := func(p *client) {
		t.Helper()
		for {
			if f := p.next(); f.tag == wire.TagError {
				var e wire.Error
				if decode(t, f, &e); e.Code != wire.ConnectionError {
					t.Fatalf("%s", f.text)
				}
				return
			}
		}
	}
	got := func(p *client) (n int) { // notes until the outage was told
		for {
			f := p.next()
			switch f.tag {
			case wire.TagAnnotation:
				n++
			case wire.TagError:
				return n
			}
		}
	}
	stored := got(a)
	seen := got(b)
	outage(c)
	b.cursor(doc, 77) // members of one node go on
	for {
		if f := a.next(); f.tag == wire.TagCursorUpdate {
			break
		} else if f.tag == wire.TagError {
			t.Fatalf("told twice: %s", f.text)
		} else if f.tag == wire.TagAnnotation {
			stored++
		}
	}
	d := two.enter(uuid.New())
	d.join(doc)
	outage(d) // who comes meanwhile is told too
	c.leave(doc)
	c.fenceQuietly()
	r.start()
	write(50)
	for ; stored < sent; stored++ {
		var an wire.Annotation
		if decode(t, a.nextNote(), &an); an.Content != fmt.Sprint(stored) {
			t.Fatalf("%s came in the place of %d", an.Content, stored)
		}
	}
	for ; seen < sent; seen++ {
		var an wire.Annotation
		if decode(t, b.nextNote(), &an); an.Content != fmt.Sprint(seen) {
			t.Fatalf("%s came in the place of %d", an.Content, seen)
		}
	}
	// What the other node's members are told ends in the truth.
	truth := map[uuid.UUID]bool{a.user: true, b.user: true, d.user: true}
	late := two.enter(uuid.New())
	truth[late.user] = true
	late.join(doc)
	w := watch(late)
	until(t, "presence is right again", func() bool { w.drain(); return w.is(doc, truth, late.user) })
	for range sent {
		w.note()
	}
	w.noMore(t)
}

// TestRedisAwayAtStart: a node whose Redis is out of reach before anybody can be told says so to who comes, once to each.
func TestRedisAwayAtStart(t *testing.T) {
	r := newRedis(t)
	r.stop()
	log := make(lines, 16)
	b, err := bus.Open(r.URL, bus.Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	log.wait(t, "out of reach")
	h := newHouse(t, func(o *documents.Options) { o.Bus, o.Store = b, nil })
	doc := uuid.New()
	first, second := h.enter(uuid.New(), wire.SubprotocolAck), h.enter(uuid.New())
	first.join(doc)
	first.refused(wire.ConnectionError, "out of reach")
	first.annotate(doc, "waits")
	second.join(doc)
	second.expect(wire.TagPresenceUpdate, nil)
	second.expect(wire.TagPresenceStatus, nil)
	second.refused(wire.ConnectionError, "out of reach")
	first.expect(wire.TagJoinDocument, nil)
	first.fence()
	r.start()
	first.expect(wire.TagAnnotation, nil)
	second.expect(wire.TagAnnotation, nil)
	log.wait(t, "is in reach")
	r.stop() // the next one is told anew
	first.refused(wire.ConnectionError, "out of reach")
	second.refused(wire.ConnectionError, "out of reach")
}

// outage stops Redis and waits until people were told.
func (r *redisServer) outage(people ...*watcher) {
	r.t.Helper()
	for _, w := range people {
		w.c.fenceQuietly()
	}
	r.stop()
	for _, w := range people {
		for f := w.c.next(); f.tag != wire.TagError; f = w.c.next() {
			w.believe(f)
		}
	}
}

// TestLeftWhileRedisWasAway: who was the last of its node and left while Redis was away is gone when it is back.
func TestLeftWhileRedisWasAway(t *testing.T) {
	r := newRedis(t)
	one, two := newNode(t, r), newNode(t, r)
	doc := uuid.New()
	a, b := watch(one.enter(uuid.New())), watch(two.enter(uuid.New()))
	a.c.join(doc)
	a.c.fence()
	b.c.join(doc)
	a.believe(a.c.next())
	r.outage(a, b)
	b.c.leave(doc)
	b.c.fenceQuietly()
	r.start()
	until(t, "it is gone", func() bool { a.drain(); return len(a.told[doc]) == 0 })
	late := watch(two.enter(uuid.New())) // and its node can follow the document again
	late.c.join(doc)
	until(t, "both are there", func() bool {
		a.drain()
		late.drain()
		return len(a.told[doc]) == 1 && a.told[doc][late.c.user] != nil && len(late.told[doc]) == 1
	})
}

// TestCursorOfWhoLeftOneNode: what a user said by a connection to one node stays true on all of them when it goes on with
// one to another node only, for who comes later too.
func TestCursorOfWhoLeftOneNode(t *testing.T) {
	r := newRedis(t)
	one, two := newNode(t, r), newNode(t, r)
	doc, user := uuid.New(), uuid.New()
	x1, x2 := one.enter(user), two.enter(user)
	b := watch(two.enter(uuid.New()))
	for _, c := range []*client{x1, x2} {
		c.join(doc)
		c.fenceQuietly()
	}
	b.c.join(doc)
	until(t, "who is there is known", func() bool { b.drain(); return b.told[doc][user] != nil })
	x1.cursor(doc, 70)
	at := func(w *watcher, line uint64) func() bool {
		return func() bool {
			w.drain()
			s := w.told[doc][user]
			return s != nil && s.cursor.Line == line
		}
	}
	until(t, "it is seen on the other node", at(b, 70))
	x1.leave(doc)
	x1.fenceQuietly()
	late := watch(one.enter(uuid.New()))
	late.c.join(doc)
	until(t, "it is seen by who comes later", at(late, 70))

	// And where it said so and left while Redis was away, which the other node could not hear of then.
	x1.join(doc)
	x1.fenceQuietly()
	r.outage(late, b)
	x1.cursor(doc, 71)
	until(t, "it is seen on its node", at(late, 71))
	x1.leave(doc)
	x1.fenceQuietly()
	r.start()
	until(t, "it is seen on the other node later", at(b, 71))
	until(t, "it stays so", at(late, 71))
}

// lines are what a log says.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default:
	}
	return len(p), nil
}

func (l lines) wait(t *testing.T, words string) {
	t.Helper()
	for {
		select {
		case line := <-l:
			if strings.Contains(line, words) {
				return
			}
		case <-time.After(patience):
			t.Fatalf("it does not say %q", words)
		}
	}
}

// TestNotesOfAUserOnTwoNodes: the limit of a user's notes is one for all nodes. Each note is stored or refused, and the author
// is told which.
func TestNotesOfAUserOnTwoNodes(t *testing.T) {
	r := newRedis(t)
	var people []*client
	user, doc := uuid.New(), uuid.New()
	const each = 10 // the burst
	for range 2 {
		b, err := bus.Open(r.URL, bus.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		h := newHouse(t, func(o *documents.Options) { o.Bus, o.Store, o.NoteRate = b, nil, each/2 })
		c := h.enter(user, wire.SubprotocolAck)
		c.join(doc)
		c.fenceQuietly()
		people = append(people, c)
	}
	for range each {
		for _, c := range people {
			c.annotate(doc, "x")
		}
	}
	refused := 0
	stored := make([]int, len(people))
	until(t, "all are answered", func() bool {
		for i, c := range people {
			for len(c.frames) > 0 {
				switch f := c.next(); f.tag {
				case wire.TagAnnotation:
					stored[i]++
				case wire.TagError:
					var e wire.Error
					if decode(t, f, &e); e.Code != wire.DocumentError || !strings.Contains(e.Message, "not stored") {
						t.Fatalf("%s", f.text)
					}
					refused++
				}
			}
		}
		return stored[0]+refused == each*len(people) && stored[1] == stored[0]
	})
	if refused == 0 {
		t.Error("each node let a burst of its own pass")
	}
}

// TestRedisThatHangs: what was sent and not answered is sent again, and not stored twice.
func TestRedisThatHangs(t *testing.T) {
	r := newRedis(t)
	one, two := newNode(t, r), newNode(t, r)
	doc := uuid.New()
	a, b := one.enter(uuid.New(), wire.SubprotocolAck), two.enter(uuid.New())
	a.join(doc)
	a.fence()
	b.join(doc)
	b.fenceQuietly()
	r.hang(true)
	for i := range 20 {
		a.annotate(doc, fmt.Sprint(i))
	}
	for {
		if f := a.next(); f.tag == wire.TagError {
			break
		}
	}
	r.hang(false)
	for i := range 20 {
		var an wire.Annotation
		if decode(t, b.skipErrors(), &an); an.Content != fmt.Sprint(i) {
			t.Fatalf("%s came in the place of %d", an.Content, i)
		}
	}
}
