package bus

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"atrium/signaling/documents/store"
)

// Link is a document's part of the bus, while somebody here is in it.
type Link struct {
	// Static after construction.
	bus      *Bus
	follower Follower
	keys     keys
	limit    Limit
	former   *Link         // that of the same document before, which ends first; nil: none
	begin    uint64        // numbers of notes over it are this link's
	wake     chan struct{} // of one: something is to be done
	ready    chan struct{} // closed: the first sync is done, or Redis is out of reach
	done     chan struct{} // closed: it has ended

	// Owned by run.
	last    string // of the stream: the entry that was read last; "": none was ever
	readied bool
	loaded  bool // the stream was read
	told    bool // something of this node may be in the hash

	// Guarded by mu.
	mu      sync.Mutex
	heard   []string              // messages to be read
	changes map[uuid.UUID]*Member // to be told
	passing map[uuid.UUID]Member  // to be passed on
	waiting []numbered            // notes on their way
	others  map[string]bool       // nodes that have members in the document
	bound   bool                  // subscribed
	unread  bool                  // there are notes to be read
	stale   bool                  // a sync is due
	closing bool
}

type numbered struct {
	store.Note
	number uint64
	taken  time.Time
}

// most bounds what a link holds of messages; over it, it reads the hash instead.
const most = 1024

// Open begins to follow a document.
func (b *Bus) Open(id store.ID, limit Limit, f Follower) *Link {
	l := &Link{
		bus: b, follower: f, keys: keysOf(id, b.node), limit: limit, begin: b.number.Load(),
		wake: make(chan struct{}, 1), ready: make(chan struct{}), done: make(chan struct{}),
		changes: make(map[uuid.UUID]*Member), passing: make(map[uuid.UUID]Member), others: make(map[string]bool), stale: true, unread: true,
	}
	b.mu.Lock()
	l.former = b.links[l.keys.channel]
	b.links[l.keys.channel] = l
	b.mu.Unlock()
	if l.former != nil {
		l.former.poke() // it need not take the node out any more
	}
	b.running.Go(l.run)
	return l
}

// Ready is closed once all that Redis knows of the document is known here, or once Redis turns out to be out of reach.
func (l *Link) Ready() <-chan struct{} { return l.ready }

// Tell says something of a member of this node. It never waits: what was not told yet is replaced, kind by kind.
func (l *Link) Tell(m Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.changes[m.User]; old != nil && m.State != nil {
		m.News = append(slices.DeleteFunc(old.News, func(o News) bool {
			return slices.ContainsFunc(m.News, func(n News) bool { return n.Kind == o.Kind })
		}), m.News...)
	}
	l.changes[m.User] = &m
	l.poke()
}

// Pass says what is known here of a member of other nodes, and they may not know: who said it has left this one. It never waits.
func (l *Link) Pass(m Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passing[m.User] = m
	l.poke()
}

// Append takes a note on its way to the stream. It never waits; the notes of one link are stored in the order of the calls.
func (l *Link) Append(n store.Note) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return ErrClosed
	}
	if l.bus.waiting.Add(1) > int64(l.bus.opt.Waiting) {
		l.bus.waiting.Add(-1)
		return ErrFull
	}
	l.waiting = append(l.waiting, numbered{n, l.bus.number.Add(1), time.Now()})
	l.poke()
	return nil
}

// Close takes this node's members out of the document and ends the link. It does not wait.
func (l *Link) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	l.poke()
}

func (l *Link) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *Link) sync() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stale, l.unread = true, true
	l.poke()
}

func (l *Link) subscribed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bound, l.stale, l.unread = true, true, true
	l.heard = nil // is older than the hash that is read now, and what was said after it may not have been heard
	l.poke()
}

func (l *Link) hear(payload string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.heard) >= most {
		l.heard, l.stale, l.unread = nil, true, true
	} else {
		l.heard = append(l.heard, payload)
	}
	l.poke()
}

func (l *Link) nodes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	nodes := make([]string, 0, len(l.others))
	for n := range l.others {
		nodes = append(nodes, n)
	}
	return nodes
}

// run does what there is to do, one thing after the other.
func (l *Link) run() {
	defer close(l.done)
	defer l.readiness()
	ctx := l.bus.ctx
	if l.former != nil {
		<-l.former.done
		l.told, l.former = l.former.told, nil
	}
	if ear := l.bus.currentEar(); ear != nil {
		_ = ear.Subscribe(ctx, l.keys.channel) // where it fails, the next ear subscribes to all
	}
	const again = 100 * time.Millisecond
	for {
		err := l.work(ctx)
		l.mu.Lock()
		closing := l.closing && (len(l.waiting) == 0 || err != nil)
		l.mu.Unlock()
		if closing || ctx.Err() != nil {
			l.finish()
			return
		}
		if err == nil {
			select {
			case <-l.wake:
			case <-ctx.Done():
			}
			continue
		}
		l.readiness() // with what is known here
		pause := time.NewTimer(again)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

func (b *Bus) currentEar() *redis.PubSub {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ear
}

func (l *Link) readiness() {
	if !l.readied {
		l.readied = true
		close(l.ready)
	}
}

// work is one round. What failed stays to be done.
func (l *Link) work(ctx context.Context) error {
	l.mu.Lock()
	bound, stale := l.bound, l.stale
	if bound {
		l.stale = false
	}
	l.mu.Unlock()
	if bound && stale {
		if err := l.bus.failed(l.synchronize(ctx)); err != nil {
			l.sync()
			return err
		}
	}
	l.listen()
	if bound { // else all of it is told by the first sync
		if err := l.bus.failed(l.tell(ctx)); err != nil {
			l.sync() // all of it is told then
			return err
		}
	}
	if err := l.bus.failed(l.write(ctx)); err != nil {
		return err
	}
	if err := l.bus.failed(l.read(ctx)); err != nil {
		l.mu.Lock()
		l.unread = true
		l.mu.Unlock()
		return err
	}
	if bound {
		l.readiness()
	}
	return nil
}

// finish takes the node out of the document. Where Redis is away that waits until it is back: the node lives on, and so does
// what it said. Then there is one link for each document that was followed when the outage began, and no more; who follows
// the document again, says so in the place of this link.
func (l *Link) finish() {
	b := l.bus
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.links[l.keys.channel] == l {
			delete(b.links, l.keys.channel)
		}
	}()
	l.mu.Lock()
	lost := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	if len(lost) > 0 {
		b.waiting.Add(-int64(len(lost)))
		l.follower.Lost(plain(lost))
	}
	const again = 100 * time.Millisecond
	for b.ctx.Err() == nil {
		b.mu.Lock()
		followed, up, closed, ear := b.links[l.keys.channel] != l, b.up, b.closed, b.ear
		b.mu.Unlock()
		if followed || closed && !up { // the lease ends, and with it all that the node said
			return
		}
		if ear != nil {
			_ = ear.Unsubscribe(b.ctx, l.keys.channel)
		}
		if !l.told || b.failed(l.withdraw(b.ctx)) == nil || closed {
			return
		}
		pause := time.NewTimer(again)
		select {
		case <-pause.C:
		case <-l.wake:
			pause.Stop()
		case <-b.ctx.Done():
			pause.Stop()
		}
	}
}

// withdraw takes all that the node said out of the hash, and says so.
func (l *Link) withdraw(ctx context.Context) error {
	b := l.bus
	fields, err := b.client.HKeys(ctx, l.keys.members).Result()
	if err != nil {
		return err
	}
	mine := slices.DeleteFunc(fields, func(f string) bool { return splitField(f) != b.node })
	_, err = b.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		if len(mine) > 0 {
			p.HDel(ctx, l.keys.members, mine...)
		}
		p.Publish(ctx, l.keys.channel, message{Node: b.node, All: true}.encode())
		return nil
	})
	return err
}

func plain(notes []numbered) []store.Note {
	out := make([]store.Note, len(notes))
	for i, n := range notes {
		out[i] = n.Note
	}
	return out
}
