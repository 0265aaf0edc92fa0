package sfu

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	paceEvery = 5 * time.Millisecond
	paceDepth = 40 * time.Millisecond  // of the pace: so much goes at once, which is more than frames of an ordinary size are
	paceDebt  = 200 * time.Millisecond // what is never held back may be so much ahead of it
	paceTight = 1.5                    // of the estimate, where a queue has shown what the way carries …
	paceFree  = 2.5                    // … and where not: the estimate is what has arrived, the way may carry far more
)

// pace is how fast pictures go to a member: by a bucket that its estimate fills. There is no queue: a slot whose packet may
// not go yet remembers where in the ring of its layer it stands, and the pacer goes on from there.
type pace struct {
	gate atomic.Int64 // by the SFU's clock: from then on a picture's packet may go; MaxInt64: some wait. Written with outMu held.

	// Guarded by transport.outMu.
	perByte float64 // nanoseconds; 0: nothing is paced
	until   int64   // when all that was sent has gone at this pace
	waiting []*slot // that hold packets back
	oldest  int64   // when the packet came that has waited for the longest
}

// set changes the pace, in bits a second.
func (p *pace) set(bits float64) {
	if !math.IsInf(bits, 1) {
		p.perByte = 8 * float64(time.Second) / bits
	}
}

// sent takes a packet from the bucket.
func (p *pace) sent(size int, now int64) {
	p.until = min(max(p.until, now)+int64(float64(size)*p.perByte), now+int64(paceDebt))
	p.open()
}

// refund puts back what was no media: a probe has a bound of its own.
func (p *pace) refund(size int) {
	p.until -= int64(float64(size) * p.perByte)
	p.open()
}

func (p *pace) open() {
	if len(p.waiting) == 0 {
		p.gate.Store(p.until - int64(paceDepth))
	}
}

// may says whether a packet of those that wait may go now.
func (p *pace) may(now int64) bool { return p.until-int64(paceDepth) <= now }

// late is how long the packet has waited that came first of those that wait.
func (p *pace) late(now int64) time.Duration {
	if len(p.waiting) == 0 {
		return 0
	}
	return time.Duration(max(now-p.oldest, 0))
}

// wait puts a slot among those that hold packets back. t.mu of the slot is held.
func (t *transport) wait(s *slot, since int64) {
	t.outMu.Lock()
	p := &t.down.pace
	if len(p.waiting) == 0 {
		p.oldest = since
	}
	p.waiting = append(p.waiting, s)
	p.gate.Store(math.MaxInt64)
	t.outMu.Unlock()
	t.s.f.pacer.add(t)
}

func (t *transport) may(now int64) bool {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	return t.down.pace.may(now)
}

// pacer is the clock of what is finer than the rooms' tick: it lets go what slots hold back, and sends what probes are to send.
// It sleeps while there is neither.
type pacer struct {
	wake chan struct{}

	// Guarded by mu, which is taken before transport.outMu.
	mu   sync.Mutex
	list []*transport // with something to do; each has paced set

	// Owned by run.
	now     []*transport
	waiting []*slot
}

// add has a transport looked after until it has nothing to do.
func (p *pacer) add(t *transport) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.paced {
		return
	}
	t.paced = true
	p.list = append(p.list, t)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pacer) run(ctx context.Context, sock *mediaSocket) {
	tick := time.NewTicker(paceEvery)
	tick.Stop()
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		tick.Reset(paceEvery)
		for more := true; more; more = p.round(sock) {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
		tick.Stop()
	}
}

// round looks after each transport of the list once. False: there is none any more.
func (p *pacer) round(sock *mediaSocket) (more bool) {
	b := sock.batch()
	p.release(b)
	sock.done(b)
	return p.settle()
}

// release writes into b what may go now.
func (p *pacer) release(b *batch) {
	p.mu.Lock()
	p.now = append(p.now[:0], p.list...)
	p.mu.Unlock()
	for _, t := range p.now {
		due := t.due(b.at)
		p.waiting = t.release(b, p.waiting)
		if due > 0 {
			t.probe(b)
		}
	}
}

// settle lets what comes next pass by, where nothing is held back any more: only now that it is written, or the order within a
// stream would not be kept.
func (p *pacer) settle() (more bool) {
	for _, t := range p.now {
		p.waiting = t.settle(p.waiting)
	}
	clear(p.now)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = slices.DeleteFunc(p.list, func(t *transport) bool {
		t.paced = !t.idle()
		return !t.paced
	})
	return len(p.list) > 0
}

// release lets go what slots hold back, as far as the pace allows: who came first first. waiting is memory for it.
func (t *transport) release(b *batch, waiting []*slot) []*slot {
	t.outMu.Lock()
	waiting = append(waiting[:0], t.down.pace.waiting...)
	t.outMu.Unlock()
	if len(waiting) == 0 {
		return waiting
	}
	defer clear(waiting)
	for {
		var first *slot
		oldest := int64(math.MaxInt64)
		for _, s := range waiting {
			if at, any := s.holds(); any && at < oldest {
				first, oldest = s, at
			}
		}
		if first == nil || !first.drain(b) {
			t.outMu.Lock()
			t.down.pace.oldest = oldest
			t.outMu.Unlock()
			return waiting
		}
	}
}

// settle takes slots that hold nothing back any more from those that wait. waiting is memory for it.
func (t *transport) settle(waiting []*slot) []*slot {
	t.outMu.Lock()
	waiting = append(waiting[:0], t.down.pace.waiting...)
	t.outMu.Unlock()
	for _, s := range waiting {
		s.settle()
	}
	clear(waiting)
	return waiting
}

// unwait takes a slot from those that wait. s.mu is held.
func (t *transport) unwait(s *slot) {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	p := &t.down.pace
	p.waiting = slices.DeleteFunc(p.waiting, func(x *slot) bool { return x == s })
	p.open()
}

// idle: nothing is held back, and no probe is under way.
func (t *transport) idle() bool {
	t.outMu.Lock()
	defer t.outMu.Unlock()
	return len(t.down.pace.waiting) == 0 && !t.down.probing
}
