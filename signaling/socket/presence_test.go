package socket

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// told is the presence of users, as the payloads of messages in brackets.
func told(payloads ...string) *Tick {
	t := &Tick{}
	for _, p := range payloads {
		t.Add(users[p[0]], []byte("<"+p+">"), 1, 1+len(p))
	}
	return t
}

var users = map[byte]uuid.UUID{'a': uuid.New(), 'b': uuid.New(), 'c': uuid.New()}

// TestPresenceLane: whether a receiver is behind or not, it is told the latest of everybody but itself.
func TestPresenceLane(t *testing.T) {
	long := strings.Repeat("-", 70_000) // a frame's length has three forms
	cases := []struct {
		name   string
		do     func(c *Conn)
		frames []string
		batch  string
	}{
		{"one tick", func(c *Conn) { c.SendPresence(told("a1", "b1"), Own{}) }, []string{"<a1>", "<b1>"}, "[a1,b1]"},
		{"own first", func(c *Conn) { c.SendPresence(told("a1", "b1", "c1"), Own{0, 1}) }, []string{"<b1>", "<c1>"}, "[b1,c1]"},
		{"own in between", func(c *Conn) { c.SendPresence(told("a1", "b1", "c1"), Own{1, 1}) }, []string{"<a1>", "<c1>"}, "[a1,c1]"},
		{"own last", func(c *Conn) { c.SendPresence(told("a1", "b1", "c1"), Own{2, 1}) }, []string{"<a1>", "<b1>"}, "[a1,b1]"},
		{"own alone", func(c *Conn) { c.SendPresence(told("a1"), Own{0, 1}) }, nil, ""},
		{"behind", func(c *Conn) {
			c.SendPresence(told("a1", "b1", "c1"), Own{2, 1})
			c.SendPresence(told("c2", "a2"), Own{0, 1})
			c.SendPresence(told("a33"), Own{})
		}, []string{"<b1>", "<a33>"}, "[b1,a33]"},
		{"far behind", func(c *Conn) {
			for i := range 100 {
				c.SendPresence(told("c"+strconv.Itoa(i), "a"+strconv.Itoa(i), "b"+strconv.Itoa(i)), Own{1, 2})
				c.SendPresence(told("b"+strconv.Itoa(i)), Own{})
			}
		}, []string{"<c99>", "<b99>"}, "[c99,b99]"},
		{"two own", func(c *Conn) { c.SendPresence(told("a1", "b1", "c1"), Own{0, 2}) }, []string{"<c1>"}, "[c1]"},
		{"one left", func(c *Conn) {
			c.SendPresence(told("a1", "b1", "c1"), Own{})
			c.DropPresence(users['b'])
		}, []string{"<a1>", "<c1>"}, "[a1,c1]"},
		{"a stranger left", func(c *Conn) {
			c.SendPresence(told("a1", "b1"), Own{})
			c.DropPresence(users['c'])
		}, []string{"<a1>", "<b1>"}, "[a1,b1]"},
		{"one left and came back", func(c *Conn) {
			c.SendPresence(told("a1", "b1"), Own{})
			c.DropPresence(users['a'])
			c.SendPresence(told("a2"), Own{})
		}, []string{"<b1>", "<a2>"}, "[b1,a2]"},
		{"all left", func(c *Conn) {
			c.SendPresence(told("a1", "b1"), Own{})
			c.DropPresence(users['a'])
			c.DropPresence(users['b'])
		}, nil, ""},
		{"the receiver left", func(c *Conn) {
			c.SendPresence(told("a1", "b1"), Own{})
			c.ClearPresence()
			c.SendPresence(told("c1"), Own{})
		}, []string{"<c1>"}, "[c1]"},
		{"long", func(c *Conn) { c.SendPresence(told("a"+long), Own{}) }, []string{"<a" + long + ">"}, "[a" + long + "]"},
	}
	for _, batch := range []bool{false, true} {
		for _, tc := range cases {
			t.Run(fmt.Sprintf("%s/batch=%v", tc.name, batch), func(t *testing.T) {
				c, ws := pair(t, Options{})
				want := tc.frames
				if batch {
					c.BatchPresence([]byte("["), []byte("]"))
					want = []string{tc.batch}
					if tc.batch == "" {
						want = nil
					}
				}
				c.mu.Lock()
				c.writing = true // the outbox is held still
				c.mu.Unlock()
				tc.do(c)
				if err := c.Send([]byte("first")); err != nil {
					t.Fatal(err)
				}
				c.mu.Lock()
				c.writing = false
				c.wake()
				c.mu.Unlock()
				read := func(want string) {
					t.Helper()
					if _, got, err := ws.ReadMessage(); err != nil || string(got) != want {
						t.Fatalf("got %.40q, want %.40q (%v)", got, want, err)
					}
				}
				read("first")
				for _, frame := range want {
					read(frame)
				}
				if err := c.Send([]byte("last")); err != nil {
					t.Fatal(err)
				}
				read("last")
			})
		}
	}
}

func TestPresenceThatIsReplacedIsCounted(t *testing.T) {
	var l lane
	if n := l.add(told("a1", "b1"), Own{}, true); n != 0 {
		t.Error(n)
	}
	if n := l.add(told("a2", "c2"), Own{}, true); n != 1 {
		t.Error(n)
	}
	if n := l.add(told("a3", "b3", "c3"), Own{2, 1}, true); n != 2 {
		t.Error(n)
	}
}
