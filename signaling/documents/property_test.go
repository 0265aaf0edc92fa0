package documents_test

import (
	"flag"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"atrium/signaling/documents"
	"atrium/signaling/documents/bus"
	"atrium/signaling/documents/wire"
)

// TestPresenceToldIsTrue: after any sequence of joins, leaves, lost connections and reconnects on two nodes, what each
// connection has been told of presence is the truth.
func TestPresenceToldIsTrue(t *testing.T) {
	r := newRedis(t)
	nodes := []*house{newNode(t, r), newNode(t, r)}
	rapid.Check(t, func(rt *rapid.T) { sequence(t, rt, nodes, nil) })
}

// TestPresenceToldIsTrueAfterOutages: and where Redis was away for a part of it.
func TestPresenceToldIsTrueAfterOutages(t *testing.T) {
	checks := flag.Lookup("rapid.checks").Value
	all := checks.String()
	n, _ := strconv.Atoi(all)
	_ = checks.Set(strconv.Itoa(max(2, n/10))) // each takes seconds
	defer func() { _ = checks.Set(all) }()
	r := newRedis(t)
	nodes := []*house{quickNode(t, r), quickNode(t, r)}
	rapid.Check(t, func(rt *rapid.T) { sequence(t, rt, nodes, r) })
}

// quickNode is a node that is believed dead sooner.
func quickNode(t *testing.T, r *redisServer) *house {
	b, err := bus.Open(r.URL, bus.Options{Lease: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return newHouse(t, func(o *documents.Options) { o.Bus, o.Store = b, nil })
}

// connection is one of a user's, and what it believes.
type connection struct {
	*watcher
	user   int
	joined map[int]bool
}

// sequence is one of them; Redis is killed and started again where it is given.
func sequence(t *testing.T, rt *rapid.T, nodes []*house, r *redisServer) {
	const users, papers = 3, 2
	var ids, docs []uuid.UUID
	for range users {
		ids = append(ids, uuid.New())
	}
	for range papers {
		docs = append(docs, uuid.New())
	}
	var open []*connection
	line := uint64(0)
	cursors := map[[2]int]uint64{} // by document and user: what was said last
	pick := func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, what) }
	steps := rapid.IntRange(1, 30).Draw(rt, "steps")
	down, up := steps, steps // Redis is away from the one to the other
	if r != nil {
		down = pick("down", steps)
		up = down + pick("for", steps-down)
	}
	for step := range steps {
		if r != nil && step == down {
			r.stop()
		}
		if r != nil && step == up {
			r.start()
		}
		act := pick("act", 6)
		if act == 0 || len(open) == 0 {
			u := pick("user", users)
			c := dial(t, nodes[pick("node", 2)].url, ids[u], []string{wire.Subprotocol, token(t, claimsOf(ids[u]))}, nil)
			open = append(open, &connection{watch(c), u, map[int]bool{}})
			continue
		}
		i := pick("connection", len(open))
		c, d := open[i], pick("document", papers)
		switch act {
		case 1, 2:
			c.c.join(docs[d])
			c.joined[d] = true
		case 3:
			c.c.leave(docs[d])
			delete(c.joined, d)
		case 4: // lost
			_ = c.c.ws.Close()
			open = append(open[:i], open[i+1:]...)
		case 5:
			if c.joined[d] {
				line++
				c.c.cursor(docs[d], line)
				cursors[[2]int{d, c.user}] = line
			}
		}
	}
	// All that is told of a cursor is the same, whoever of a user's connections said it and whatever became of that one.
	agreed := func() bool {
		for d := range docs {
			seen := map[uuid.UUID]uint64{}
			for _, c := range open {
				if !c.joined[d] {
					continue
				}
				for user, s := range c.told[docs[d]] {
					if line, ok := seen[user]; ok && line != s.cursor.Line {
						return false
					}
					seen[user] = s.cursor.Line
				}
			}
		}
		return true
	}
	members := func(d int) map[uuid.UUID]bool {
		in := map[uuid.UUID]bool{}
		for _, c := range open {
			if c.joined[d] {
				in[ids[c.user]] = true
			}
		}
		return in
	}
	until(t, fmt.Sprintf("the truth after %d steps", steps), func() bool {
		for _, c := range open {
			c.drain()
			for d := range docs {
				if c.joined[d] && !c.is(docs[d], members(d), ids[c.user]) {
					return false
				}
			}
		}
		return agreed()
	})
	// And where somebody is: each says so once more, from one connection, since a user may have said two things on two nodes at once.
	for d := range docs {
		said := map[int]bool{}
		for _, c := range open {
			if c.joined[d] && !said[c.user] {
				said[c.user] = true
				line++
				c.c.cursor(docs[d], line)
				cursors[[2]int{d, c.user}] = line
			}
		}
	}
	until(t, "everybody's cursor", func() bool {
		for _, c := range open {
			c.drain()
			for d := range docs {
				if !c.joined[d] {
					continue
				}
				for u := range ids {
					if s := c.told[docs[d]][ids[u]]; s != nil && s.cursor.Line != cursors[[2]int{d, u}] {
						return false
					}
				}
			}
		}
		return true
	})
	for _, c := range open {
		_ = c.c.ws.Close()
	}
}
