package estimate

import (
	"math"
	"time"
)

const (
	history = 1024 // packets whose feedback is waited for, a second of 10 Mbit/s: a power of two

	baseOver     = 5 * time.Second // the least delay is that of the current span of this length and the one before
	standingOver = 60 * time.Millisecond
	queueLeast   = 25 * time.Millisecond // a queue that is shorter stands in every network
	queueMost    = 100 * time.Millisecond
	persists     = 300 * time.Millisecond // a burst's queue is gone by then

	arrivesOver  = 150 * time.Millisecond
	arrivesLeast = 10_000 // bytes; else as over
	sendsOver    = 500 * time.Millisecond
	cutEvery     = 100 * time.Millisecond // what follows from a cut is seen no sooner

	clearly = 1.25 // more is sent than arrives; a queue that forms at once makes a few per cent of difference
	leave   = 0.85 // of what arrives while a queue stands: the queue must drain
	yield   = 0.8  // a step down where it is not known what the link carries
	beyond  = 1.25 // of what arrives: so much the estimate may be above it without a probe
	grow    = 0.08 // a second
	early   = 1.5  // beyond, until the first queue was seen

	lossMany  = 0.10
	lossSpare = 1.1
	lossOver  = 50 // packets, at least, for a share of loss
	lossEvery = 500 * time.Millisecond

	silent = time.Second // feedback that stays out for so long while packets are sent

	// Least is what the estimate never falls under: so much is always tried.
	Least = 50_000
)

// Estimator follows one receiver.
type Estimator struct {
	rate  float64
	heard bool // feedback has come
	tight bool // a queue has been seen

	packets [history]packet
	sends   bins
	arrives bins

	// The one-way delay is that of two clocks: only its changes mean something.
	base, baseThen int64
	baseFrom       int64
	jitter         float64 // mean change from one bin to the next, ns
	standsFrom     int64   // since when a queue stands; 0: none does
	stood          int64   // how long it was when it made the estimate yield; 0: it did not
	stoodWith      float64 // and what was sent then
	newest         int64   // arrival
	newestSent     int64   // when that was sent
	trip           int64   // round trip, the least of late
	cutAt, grownAt int64
	feedbackAt     int64
	pending        int    // sent and not reported
	told           uint16 // the last that was
	lostAt         int64
	lost, reported int
	lossThen       float64 // the share at the last cut for loss
	lossWith       float64 // what was sent then
	probed         bool    // a probe is under way: the Prober sees to the queue that it makes …
	excused        int64   // … which is gone by then
	usual          float64 // the share that is lost however much is sent

	cuts int // how often the estimate was lowered
}

// packet is one that was sent.
type packet struct {
	at    int64
	size  uint16
	seq   uint16
	state uint8
}

const (
	unused = iota
	waiting
	done
	tried // waiting, and sent while a probe or its queue was on the way
)

// New makes an estimator that assumes bits a second until it knows better.
func New(bits float64) *Estimator {
	return &Estimator{rate: bits, base: math.MaxInt64, baseThen: math.MaxInt64}
}

// Rate is the estimate, in bits a second; without bound as long as the receiver has told nothing.
func (e *Estimator) Rate() float64 {
	if !e.heard {
		return math.Inf(1)
	}
	return e.rate
}

// Queue is how long the queue is that stands on the way.
func (e *Estimator) Queue() time.Duration { return time.Duration(max(e.standing(), 0)) }

// RoundTrip is the least time of late from sending a packet to hearing of it.
func (e *Estimator) RoundTrip() time.Duration { return time.Duration(e.trip) }

// Congested: a queue stands.
func (e *Estimator) Congested() bool { return e.standsFrom != 0 }

// Tight: a queue has been seen, and the estimate is what the way carries rather than what was of use so far.
func (e *Estimator) Tight() bool { return e.tight }

// Cuts counts how often the estimate was lowered.
func (e *Estimator) Cuts() int { return e.cuts }

// Sending and Arriving are what was lately sent and received, bits a second.
func (e *Estimator) Sending(now int64) float64 { return e.sends.rate(now, sendsOver) }
func (e *Estimator) Arriving() float64         { return e.arrives.rate(e.newest, e.span()) }

// span is over how long what arrives is looked at: short, so that a fall is seen at once, but not so short that a frame
// more or less decides.
func (e *Estimator) span() time.Duration {
	if e.arrives.rate(e.newest, arrivesOver)/8*arrivesOver.Seconds() < arrivesLeast {
		return sendsOver
	}
	return arrivesOver
}

// Sent notes a packet and its size on the wire, in bytes.
func (e *Estimator) Sent(seq uint16, size int, now int64) {
	p := &e.packets[seq%history]
	if p.waits() {
		e.pending-- // never reported
	}
	*p = packet{at: now, size: uint16(size), seq: seq, state: waiting}
	if e.probed || now < e.excused {
		p.state = tried
	}
	e.pending++
	e.sends.add(now, size)
}

// Left corrects when the packets from first to last went out: they had waited in this machine since they were noted, which is no
// queue of the network. at must not be later than they truly went, or all that follow seem delayed.
func (e *Estimator) Left(first, last uint16, at int64) {
	for seq, n := first, last-first; ; seq++ {
		if p := &e.packets[seq%history]; p.waits() && p.seq == seq && p.at < at {
			e.sends.add(p.at, -int(p.size))
			e.sends.add(at, int(p.size))
			p.at = at
		}
		if seq-first == n || seq-first >= history {
			return
		}
	}
}

// counts: what is lost for a probe, or for too much that is no longer sent, says nothing of what is sent now.
func (p *packet) counts(e *Estimator) bool { return p.state == waiting && p.at > e.cutAt }

func (p *packet) waits() bool { return p.state == waiting || p.state == tried }

// report takes a packet of a feedback message, which has them in order. What lies between two of them was in a message that
// was lost: nothing is known of it, and that it came is the better guess.
func (e *Estimator) report(seq uint16, at int64) *packet {
	p := &e.packets[seq%history]
	if !p.waits() || p.seq != seq {
		return nil // reported already, or so old that it is forgotten
	}
	if gap := seq - e.told; e.heard && gap > 1 && gap < history {
		from := e.newest
		for s := e.told + 1; s != seq; s++ {
			q := &e.packets[s%history]
			if q.waits() && q.seq == s {
				q.state = done
				e.pending--
				if at > from {
					e.arrives.add(from+(at-from)*int64(s-e.told)/int64(gap), int(q.size))
				}
			}
		}
	}
	if int16(seq-e.told) > 0 || !e.heard {
		e.told = seq
	}
	e.pending--
	return p
}

// Lost takes from a feedback message that a packet has not come.
func (e *Estimator) Lost(seq uint16) (sent int64, size int, ok bool) {
	p := e.report(seq, 0)
	if p == nil {
		return 0, 0, false
	}
	if p.counts(e) {
		e.lost++
		e.reported++
	}
	p.state = done
	return p.at, int(p.size), true
}

// Arrived takes from a feedback message when a packet came, by the receiver's clock.
func (e *Estimator) Arrived(seq uint16, at int64) (sent int64, size int, ok bool) {
	p := e.report(seq, at)
	if p == nil {
		return 0, 0, false
	}
	if p.counts(e) {
		e.reported++
	}
	p.state = done
	if at >= e.newest {
		e.newest, e.newestSent = at, p.at
	}
	d := at - p.at
	before, had := e.arrives.least(at-2*int64(binEvery), int64(binEvery))
	e.arrives.add(at, int(p.size))
	e.arrives.delayed(at, d)
	if had {
		e.jitter += (math.Abs(float64(d-before)) - e.jitter) / 64
	}
	if at-e.baseFrom > int64(baseOver) {
		e.baseThen, e.base, e.baseFrom = e.base, math.MaxInt64, at
	}
	e.base = min(e.base, d)
	return p.at, int(p.size), true
}

func (e *Estimator) standing() int64 {
	d, ok := e.arrives.least(e.newest-int64(standingOver), int64(standingOver))
	if !ok {
		return 0
	}
	return d - min(e.base, e.baseThen)
}

// most is how long a queue may be that is none.
func (e *Estimator) most() int64 {
	return min(int64(queueLeast)+int64(2*e.jitter), int64(queueMost))
}

// Feedback follows the Arrived and Lost of one feedback message.
func (e *Estimator) Feedback(now int64) {
	first := !e.heard
	if d := now - e.newestSent; e.newestSent != 0 {
		if e.trip == 0 || d < e.trip {
			e.trip = d
		}
		e.trip += (d - e.trip) / 16 // the least of late
	}
	e.heard, e.feedbackAt = true, now
	if first {
		e.grownAt = now
	}
	arriving, sending := e.Arriving(), e.sends.rate(now, e.span())
	switch q := e.standing(); {
	case q > e.most() && e.standsFrom == 0:
		e.standsFrom = now
	case q < e.most()/2:
		e.standsFrom, e.stood = 0, 0
	}
	e.lossy(now)
	if e.standsFrom == 0 {
		e.rise(now, arriving)
		return
	}
	e.grownAt = now
	if e.probed || now < e.excused || now-e.cutAt < int64(cutEvery) {
		return
	}
	switch {
	case sending > arriving*clearly:
		if now-e.cutAt > int64(persists) || arriving < e.rate*leave {
			e.cut(now, leave*arriving)
		}
	case now-e.standsFrom > int64(persists):
		q := e.standing()
		if e.stood > 0 && q*10 > e.stood*7 && sending < e.stoodWith*leave {
			e.accept(q) // less was sent, and it is as long as before: it is another's, or no queue but a slow receiver
			return
		}
		e.stood, e.stoodWith = q, sending
		e.cut(now, max(leave*arriving, yield*min(e.rate, sending*lossSpare)))
		e.standsFrom = now
	}
}

// accept makes a queue that is not ours a part of the way.
func (e *Estimator) accept(q int64) {
	e.base, e.baseThen, e.baseFrom = min(e.base, e.baseThen)+q, math.MaxInt64, e.newest
	e.standsFrom, e.stood = 0, 0
}

func (e *Estimator) cut(now int64, to float64) {
	e.tight = true
	if to = max(to, Least); to < e.rate {
		e.rate, e.cutAt = to, now
		e.lost, e.reported = 0, 0
		e.cuts++
	}
}

// rise lets the estimate grow while nothing speaks against it, but not far beyond what arrives.
func (e *Estimator) rise(now int64, arriving float64) {
	passed := float64(min(now-e.grownAt, int64(time.Second))) / float64(time.Second)
	e.grownAt = now
	e.rate = max(e.rate, min(arriving, e.Sending(now), e.arrives.rate(e.newest, sendsOver))) // it arrives, and no queue stands
	if !e.tight {
		e.rate = max(e.rate, min(e.rate*math.Exp2(2*passed), early*arriving))
		return
	}
	e.rate = max(e.rate, min(e.rate*(1+grow*passed), beyond*arriving))
}

// lossy gives way to loss that the queue does not show: a policer, or a buffer that holds next to nothing.
func (e *Estimator) lossy(now int64) {
	if e.reported < lossOver || now-e.lostAt < int64(lossEvery) {
		return
	}
	n := float64(e.reported)
	share := float64(e.lost) / n
	e.lost, e.reported, e.lostAt = 0, 0, now
	sending := e.Sending(now)
	// Of few packets chance may take many: what is surely more than the usual.
	if share-math.Sqrt(share*(1-share)/n) < lossMany+e.usual {
		e.usual += (share - e.usual) / 4
		e.lossThen = 0
		return
	}
	switch {
	case e.lossThen == 0: // what is sent now may still be what the way carries
		e.cut(now, sending*lossSpare)
	case share > e.lossThen*0.8 && sending < e.lossWith*leave:
		e.usual, e.lossThen = share, 0 // less was sent, and as much is lost: it is not ours
		return
	default:
		e.cut(now, (1-share)*sending)
	}
	e.lossThen, e.lossWith = share, sending
}

// Tick lowers the estimate when feedback stays out.
func (e *Estimator) Tick(now int64) {
	if !e.heard || e.pending == 0 || now-e.feedbackAt < int64(silent) || now-e.cutAt < int64(lossEvery) {
		return
	}
	e.cut(now, e.rate*yield)
}

// Proved raises the estimate to what a probe has shown to arrive.
func (e *Estimator) Proved(bits float64) { e.rate = max(e.rate, bits) }
