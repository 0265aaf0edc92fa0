package documents_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"atrium/signaling/documents/wire"
)

// TestPresenceToldIsTrue: after any sequence of joins, leaves, lost connections and reconnects on two nodes, what each
// connection has been told of presence is the truth.
func TestPresenceToldIsTrue(t *testing.T) {
	r := newRedis(t)
	nodes := []*house{newNode(t, r), newNode(t, r)}
	rapid.Check(t, func(rt *rapid.T) { sequence(t, rt, nodes) })
}

// connection is one of a user's, and what it believes.
type connection struct {
	*watcher
	user   int
	joined map[int]bool
}

func sequence(t *testing.T, rt *rapid.T, nodes []*house) {
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
	for range steps {
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
		return true
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
