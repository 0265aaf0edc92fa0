package bus

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"atrium/signaling/documents/store"
)

// Follower is a document on this node. Its methods are called by the document's link, one at a time.
type Follower interface {
	// Members gives this node's members, all of them.
	Members() []Member
	// Heard is what another node says of members of its own; all: it has no others. No members and all: the node is gone.
	Heard(node string, members []Member, all bool)
	// Passed is what another node knows of members, from who has left it since.
	Passed(members []Member)
	// Notes are the next ones, in the order of all nodes.
	Notes(notes []Note)
	// Refused are notes of this node that are over their author's limit, and not stored.
	Refused(notes []store.Note)
	// Lost are notes of this node that will never be stored.
	Lost(notes []store.Note)
}

// Limit is how many notes a user writes, on all nodes together.
type Limit struct {
	Rate  float64 // a second
	Burst int
}

// Note is a note that is in the stream.
type Note struct {
	store.Note
	Mine bool // it came by this link
	Old  bool // it was stored before anybody here asked
}

// Errors of a note that is not taken.
var (
	ErrFull   = errors.New("bus: too many notes wait for Redis")
	ErrClosed = errors.New("bus: it is closed")
)

// Bus is a node's connection to the others.
type Bus struct {
	// Static after construction.
	opt     Options
	node    string // of this life of the node: who comes back is another one
	client  *redis.Client
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup // of links, lease and ear

	version atomic.Uint64 // of what is said of members
	clock   atomic.Uint64 // the last time that was given or seen, in microseconds
	number  atomic.Uint64 // of notes
	waiting atomic.Int64  // notes in links

	suspect chan struct{} // of one: an exchange failed, the lease is to look

	// Guarded by telling, which is held while notify runs, so that who hears of it hears of it in order. Before mu.
	telling sync.Mutex
	notify  func(up bool)

	// Guarded by mu.
	mu     sync.Mutex
	links  map[string]*Link // by channel
	ear    *redis.PubSub    // nil: not connected
	up     bool             // as the lease found it
	since  time.Time        // when up last changed
	closed bool
}

// Open makes a bus. It does not wait for Redis.
func Open(url string, o Options) (*Bus, error) {
	o = o.withDefaults()
	client, err := dial(url, o)
	if err != nil {
		return nil, err
	}
	b := &Bus{opt: o, node: uuid.NewString(), client: client, links: make(map[string]*Link), suspect: make(chan struct{}, 1), up: true, notify: func(bool) {}}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.running.Go(b.lease)
	b.running.Go(b.listen)
	return b, nil
}

// Notify sets who hears that Redis is out of reach, and that it is back. Where it is out of reach by now, that is said at once.
func (b *Bus) Notify(reach func(up bool)) {
	b.telling.Lock()
	defer b.telling.Unlock()
	b.notify = reach
	b.mu.Lock()
	up := b.up
	b.mu.Unlock()
	if !up {
		reach(false)
	}
}

// Version gives the next version of a member.
func (b *Bus) Version() uint64 { return b.version.Add(1) }

// Clock gives a time that is later than all that this node has given and seen, and else the machine's (a hybrid logical
// clock): of what a user says on two nodes at once, all nodes take the same for the newer.
func (b *Bus) Clock() uint64 {
	for {
		last := b.clock.Load()
		if now := max(uint64(time.Now().UnixMicro()), last+1); b.clock.CompareAndSwap(last, now) {
			return now
		}
	}
}

// Seen notes a time of another node.
func (b *Bus) Seen(clock uint64) {
	for {
		last := b.clock.Load()
		if clock <= last || b.clock.CompareAndSwap(last, clock) {
			return
		}
	}
}

// failed looks at the error of an exchange and gives it back. Whether Redis is out of reach is for the lease alone to say,
// so that a connection that breaks late does not end what has begun anew.
func (b *Bus) failed(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		select {
		case b.suspect <- struct{}{}:
		default:
		}
	}
	return err
}

// settled says that Redis has been in reach for as long as it takes other nodes to come back too.
func (b *Bus) settled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.up && time.Since(b.since) > b.opt.Lease/2
}

// lease keeps this node alive in the eyes of the others, looks after theirs, and says whether Redis is in reach.
func (b *Bus) lease() {
	const (
		beats = 5 // in a lease
		again = 150 * time.Millisecond
	)
	unsettled := false
	for {
		had, err := b.renew()
		if b.ctx.Err() != nil {
			return
		}
		wait := again
		switch came := b.reached(err); {
		case err != nil:
			unsettled = true
		case came || !had: // the others may have forgotten this node
			b.syncAll()
		default:
			wait = b.opt.Lease / beats
			if b.settled() {
				b.bury(unsettled)
				unsettled = false
			}
		}
		suspect := b.suspect
		if err != nil {
			suspect = nil // it is known
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-suspect:
		case <-b.ctx.Done():
		}
		t.Stop()
	}
}

// reached notes whether Redis is in reach, and says that it came back.
func (b *Bus) reached(err error) (came bool) {
	b.telling.Lock()
	defer b.telling.Unlock()
	b.mu.Lock()
	changed := b.up != (err == nil)
	b.up = err == nil
	if changed {
		b.since = time.Now()
	}
	b.mu.Unlock()
	if !changed {
		return false
	}
	b.notify(err == nil)
	if err != nil {
		b.opt.Logger.Error("Redis is out of reach: the nodes do not see each other", "err", err)
	} else {
		b.opt.Logger.Info("Redis is in reach")
	}
	return err == nil
}

// renew sets the lease and says whether there still was one.
func (b *Bus) renew() (had bool, err error) {
	old, err := b.client.SetArgs(b.ctx, leaseOf(b.node), "1", redis.SetArgs{Get: true, TTL: b.opt.Lease}).Result()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	return old != "", err
}

// bury lets links forget the nodes whose lease has ended.
func (b *Bus) bury(all bool) {
	links := b.all()
	seen := make(map[string]bool)
	for _, l := range links {
		for _, node := range l.nodes() {
			seen[node] = true
		}
	}
	alive, err := b.alive(seen)
	if b.failed(err) != nil {
		return
	}
	for _, l := range links {
		dead := all // after Redis was away: whoever died meanwhile may be in the hash alone
		for _, node := range l.nodes() {
			dead = dead || !alive[node]
		}
		if dead {
			l.sync()
		}
	}
}

// alive says which nodes have a lease.
func (b *Bus) alive(nodes map[string]bool) (map[string]bool, error) {
	alive := make(map[string]bool, len(nodes))
	if len(nodes) == 0 {
		return alive, nil
	}
	asked := make(map[string]*redis.IntCmd, len(nodes))
	_, err := b.client.Pipelined(b.ctx, func(p redis.Pipeliner) error {
		for node := range nodes {
			asked[node] = p.Exists(b.ctx, leaseOf(node))
		}
		return nil
	})
	for node, cmd := range asked {
		alive[node] = cmd.Val() > 0
	}
	return alive, err
}

func (b *Bus) syncAll() {
	for _, l := range b.all() {
		l.sync()
	}
}

func (b *Bus) all() []*Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.links))
}

// listen is the ear: it subscribes to the channels of all links and hands out what comes.
func (b *Bus) listen() {
	const again = 100 * time.Millisecond
	for b.ctx.Err() == nil {
		_ = b.failed(b.hear())
		pause := time.NewTimer(again)
		select {
		case <-pause.C:
		case <-b.ctx.Done():
			pause.Stop()
		}
	}
}

// hear lasts as long as one connection.
func (b *Bus) hear() error {
	ps := b.client.Subscribe(b.ctx)
	defer ps.Close()
	b.mu.Lock()
	channels := make([]string, 0, len(b.links)+1)
	for c := range b.links {
		channels = append(channels, c)
	}
	b.ear = ps
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.ear = nil
		b.mu.Unlock()
	}()
	channels = append(channels, leaseOf(b.node)) // so that there is one
	if err := ps.Subscribe(b.ctx, channels...); err != nil {
		return err
	}
	silent := false
	for {
		got, err := ps.ReceiveTimeout(b.ctx, b.opt.Lease/2)
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() && !silent {
			silent = true
			if err = ps.Ping(b.ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		silent = false
		switch m := got.(type) {
		case *redis.Subscription:
			if l := b.link(m.Channel); l != nil && m.Kind == "subscribe" {
				l.subscribed()
			}
		case *redis.Message:
			if l := b.link(m.Channel); l != nil {
				l.hear(m.Payload)
			}
		}
	}
}

func (b *Bus) link(channel string) *Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.links[channel]
}

// Close drops what waits and ends everything. Links that are open are told that their notes are lost.
func (b *Bus) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	b.mu.Unlock()
	links := b.all()
	for _, l := range links {
		l.Close()
	}
	for _, l := range links {
		<-l.done
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.opt.Timeout)
	defer cancel()
	_ = b.client.Del(ctx, leaseOf(b.node)).Err() // or it ends by itself
	b.cancel()
	// Closing the ear's connection ends its wait.
	b.mu.Lock()
	if b.ear != nil {
		_ = b.ear.Close()
	}
	b.mu.Unlock()
	b.running.Wait()
	return b.client.Close()
}
