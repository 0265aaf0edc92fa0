package turn

import (
	"time"

	"github.com/google/uuid"
)

// names hands out the ports of the relay address. A name rests after use, because the SFU's ICE mux finds a session
// by its remote address first: a name that moved on at once could carry one member's packets into another's session.
// Owned by relay, guarded by its mutex.
type names struct {
	rests time.Duration
	most  int // per user, held and resting

	state  [1 << 16]nameState
	cursor uint16
	queue  []resting // in the order of their release
	users  map[uuid.UUID]int
	user   map[uint16]uuid.UUID
}

type nameState uint8

const (
	nameFree nameState = iota
	nameTaken
	nameResting
	nameExcluded
)

type resting struct {
	port uint16
	from time.Time
}

// firstName is the lowest port handed out: some clients refuse a peer on a well-known port.
const firstName = 1024

func (n *names) init(rest time.Duration, most int) {
	n.rests, n.most = rest, most
	n.users = make(map[uuid.UUID]int)
	n.user = make(map[uint16]uuid.UUID)
	for p := range firstName {
		n.state[p] = nameExcluded
	}
	n.cursor = firstName
}

// exclude takes a port out for good: it is the SFU's.
func (n *names) exclude(port uint16) { n.state[port] = nameExcluded }

// take gives the wanted port, or the next free one for 0. Going around in order keeps a name unused the longest.
func (n *names) take(want uint16, now time.Time) (uint16, bool) {
	n.wake(now)
	if want != 0 {
		if n.state[want] != nameFree {
			return 0, false
		}
		n.state[want] = nameTaken
		return want, true
	}
	for range 1 << 16 {
		p := n.cursor
		n.cursor++
		if n.state[p] == nameFree {
			n.state[p] = nameTaken
			return p, true
		}
	}
	return 0, false
}

// held counts a taken name for a user until it has rested.
func (n *names) held(user uuid.UUID, port uint16) {
	n.users[user]++
	n.user[port] = user
}

// within says whether a user may take one more. Without a bound one member could lay all names to rest.
func (n *names) within(user uuid.UUID, now time.Time) bool {
	n.wake(now)
	return n.users[user] < n.most
}

func (n *names) free(port uint16) { n.state[port] = nameFree }

func (n *names) rest(port uint16, now time.Time) {
	n.state[port] = nameResting
	n.queue = append(n.queue, resting{port, now})
}

// wake frees the names that have rested.
func (n *names) wake(now time.Time) {
	i := 0
	for ; i < len(n.queue) && now.Sub(n.queue[i].from) >= n.rests; i++ {
		p := n.queue[i].port
		n.state[p] = nameFree
		u := n.user[p]
		delete(n.user, p)
		if n.users[u]--; n.users[u] <= 0 {
			delete(n.users, u)
		}
	}
	if i > 0 {
		n.queue = append(n.queue[:0], n.queue[i:]...)
	}
}
