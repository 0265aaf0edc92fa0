package presence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"atrium/bench/visitor"
	"atrium/signaling/protocol"
)

// Options are what a crowd is.
type Options struct {
	Office     visitor.Office // of the plain hub: its URL
	World      *World
	People     int
	Hz         float64 // updates of each person a second; 0: they stand still
	Batch      bool    // they list presence_batch
	Plain      bool    // it is the plain hub, which knows presence only
	ReadBuffer int     // of each person, bytes
}

// Crowd is people in the zones of a world, equally many in each.
type Crowd struct {
	Latency Latencies // from an update's sending to its reading by each receiver

	// Static after construction.
	o        Options
	features []protocol.Feature // that they list
	people   []*person
	start    time.Time

	delivered, refused, astray, lost atomic.Int64
	leaving                          atomic.Bool

	mu    sync.Mutex
	first error // what went wrong first
}

// Enter lets everybody in, some at a time.
func Enter(ctx context.Context, o Options) (*Crowd, error) {
	o.Office.World = o.World.ID
	c := &Crowd{o: o, start: time.Now()}
	if o.Batch {
		c.features = []protocol.Feature{protocol.FeaturePresenceBatch}
	}
	zones := len(o.World.Zones)
	for i := range o.People {
		c.people = append(c.people, &person{
			crowd: c, number: i, zone: i % zones, place: i / zones, user: userID(i),
			last: make([]update, (o.People+zones-1)/zones), ended: make(chan struct{}),
		})
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, p := range c.people {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := p.join(ctx)
			if err != nil {
				close(p.ended)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		c.Leave()
		return nil, err
	}
	return c, nil
}

// Leave takes everybody out and waits for them.
func (c *Crowd) Leave() {
	c.leaving.Store(true)
	for _, p := range c.people {
		if p.conn != nil {
			p.conn.Close()
			<-p.ended
		}
	}
}

func (c *Crowd) now() int64 { return int64(time.Since(c.start)) }

func (c *Crowd) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == nil {
		c.first = err
	}
}

// Delivered counts updates: one is one user's state at one receiver.
func (c *Crowd) Delivered() int64 { return c.delivered.Load() }

// Lost counts the connections that ended by themselves.
func (c *Crowd) Lost() int64 { return c.lost.Load() }

// Walk has everybody walk until ctx ends. Each has a phase of its own in the interval; a few goroutines send for all, so
// that the load's own cost stays small beside what it measures.
func (c *Crowd) Walk(ctx context.Context) error {
	if c.o.Hz <= 0 {
		<-ctx.Done()
		return nil
	}
	const senders = 4
	interval := time.Duration(float64(time.Second) / c.o.Hz)
	var g errgroup.Group
	for s := range senders {
		g.Go(func() error { return c.walk(ctx, s, senders, interval) })
	}
	return g.Wait()
}

// walk sends for every so-manieth person. Once per slot it catches up with who is due.
func (c *Crowd) walk(ctx context.Context, first, every int, interval time.Duration) error {
	const slot = 4 * time.Millisecond
	var mine []*person
	for i := first; i < len(c.people); i += every {
		mine = append(mine, c.people[i])
	}
	if len(mine) == 0 {
		return nil
	}
	tick := time.NewTicker(slot)
	defer tick.Stop()
	begin, done := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for due := int(float64(time.Since(begin)) / float64(interval) * float64(len(mine))); done < due; done++ {
			if err := mine[scatter(done, len(mine))].step(); err != nil && ctx.Err() == nil {
				return fmt.Errorf("presence: an update cannot be sent: %w", err)
			}
		}
	}
}

// scatter gives the order in which people have their turn: not by zone, or a zone's would all move at once.
func scatter(turn, people int) int {
	stride := people*3/8 | 1
	for gcd(stride, people) != 1 {
		stride += 2
	}
	return turn * stride % people
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// ErrWrong: a receiver does not have the last position of somebody.
var ErrWrong = errors.New("presence: a final position is wrong")

// Check waits until every receiver has the last position that everybody in its zone sent.
func (c *Crowd) Check(ctx context.Context) (wrong int, err error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if wrong = c.wrong(); wrong == 0 {
			break
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
			return wrong, fmt.Errorf("%w: %d of them", ErrWrong, wrong)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.refused.Load() + c.astray.Load(); n > 0 || c.first != nil {
		return 0, fmt.Errorf("presence: %d updates were refused, %d came to a zone that is not theirs; the first problem: %w", c.refused.Load(), c.astray.Load(), c.first)
	}
	return 0, nil
}

func (c *Crowd) wrong() (wrong int) {
	zones := len(c.o.World.Zones)
	for _, p := range c.people {
		p.mu.Lock()
		for i := p.zone; i < len(c.people); i += zones {
			from := c.people[i]
			if from == p || from.sent == 0 {
				continue
			}
			x, y := from.at(from.sent)
			if u := p.last[from.place]; u.x != x || u.y != y {
				wrong++
			}
		}
		p.mu.Unlock()
	}
	return wrong
}
