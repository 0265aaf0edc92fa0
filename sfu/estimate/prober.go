package estimate

import "time"

const (
	stepUp    = 1.5                    // what is sent in a step, of what is known to arrive
	stepLasts = 120 * time.Millisecond // of sending
	stepWaits = 400 * time.Millisecond // for its feedback
	stepTail  = 40 * time.Millisecond  // the end of a step must be among what was told
	drains    = 250 * time.Millisecond // the queue of a step that was too much
	passes    = 0.9                    // as fast as it was sent
	probeGap  = 500 * time.Millisecond // between two probes, doubled by each that fails …
	probeRare = 3 * time.Second        // … up to this
	regret    = 2 * time.Second        // a cut so soon after a probe shows that it was wrong …
	wiser     = 1.15                   // … and the next must show so much more …
	wisest    = 1.5                    // … up to this
)

// Prober finds out whether more would fit, when more is wished for.
type Prober struct {
	e    *Estimator
	wish float64 // bits a second that would be of use; 0: nothing more

	next  int64 // not before
	fails int
	won   int64   // when the last probe succeeded
	spare float64 // of the wish
	cuts  int     // of the estimator, then and at the start of a probe

	// While a probe runs.
	target    float64
	began     int64 // of the step; 0: none
	ends      int64
	paid      int64 // up to when the step's bytes have been given out
	owed      float64
	sent      int // bytes of everything sent in the step
	got, lost int // of them
	first     int64
	last      int64
	firstSent int64
	lastSent  int64
}

// NewProber makes a prober for an estimator.
func NewProber(e *Estimator) *Prober { return &Prober{e: e, spare: 1} }

// Wish says what would be of use: the sum with which the next layer would fit.
func (p *Prober) Wish(bits float64) { p.wish = bits }

// goal is what a probe must show for the wish to be granted.
func (p *Prober) goal() float64 { return p.wish * p.spare }

// Probing: a step is under way, and Due is to be asked every few milliseconds.
func (p *Prober) Probing() bool { return p.began != 0 }

// Start begins a probe if it is time for one. True: Due is to be asked from now on.
func (p *Prober) Start(now int64) bool {
	if p.began != 0 {
		return true
	}
	e := p.e
	switch {
	case p.won == 0:
	case e.cuts != p.cuts:
		p.spare = min(p.spare*wiser, wisest)
		p.fail(now) // what it raised did not hold
	case now-p.won > int64(regret):
		p.won, p.fails, p.spare = 0, 0, 1
	}
	if !e.heard || p.wish <= e.rate || now < p.next || e.Congested() || now-e.cutAt < int64(probeGap) && e.cutAt != 0 {
		return false
	}
	p.step(now, max(e.Arriving(), e.Sending(now)))
	return true
}

func (p *Prober) step(now int64, known float64) {
	p.target = min(known*stepUp, p.goal()*1.02)
	p.began, p.ends, p.paid, p.owed = now, now+int64(stepLasts), now, 0
	if p.target >= p.goal() {
		p.ends += int64(stepLasts) // the last one: what passes for a moment may be a bucket that was full
	}
	p.sent, p.got, p.lost, p.first, p.last, p.firstSent, p.lastSent, p.cuts = 0, 0, 0, 0, 0, 0, 0, p.e.cuts
	p.e.probed = true
}

// Due is how many bytes are to be sent now beside what is sent anyway. 0 with Probing false: the probe is over.
func (p *Prober) Due(now int64) int {
	if p.began == 0 {
		return 0
	}
	if p.e.Congested() || p.e.cuts != p.cuts {
		p.fail(now)
		return 0
	}
	if now > p.ends+int64(stepWaits) { // nothing was heard of it
		p.end(now, probeGap)
		return 0
	}
	if now < p.ends {
		p.owed += p.target / 8 * float64(now-p.paid) / float64(time.Second)
		p.paid = now
	} else {
		p.owed = 0
	}
	return max(int(p.owed), 0)
}

// Sent notes a packet of any kind.
func (p *Prober) Sent(size int, now int64) {
	if p.began != 0 && now < p.ends {
		p.owed -= float64(size)
		p.sent += size
	}
}

// Arrived notes that a packet came, with when it was sent and when it came.
func (p *Prober) Arrived(sent int64, size int, at int64) {
	if !p.of(sent) {
		return
	}
	if p.got == 0 {
		p.first, p.firstSent = at, sent
	}
	p.got, p.last, p.lastSent = p.got+size, max(p.last, at), max(p.lastSent, sent)
}

// Lost notes that a packet did not come.
func (p *Prober) Lost(sent int64, size int) {
	if p.of(sent) {
		p.lost, p.lastSent = p.lost+size, max(p.lastSent, sent)
	}
}

func (p *Prober) of(sent int64) bool { return p.began != 0 && sent >= p.began && sent < p.ends }

// Feedback follows Estimator.Feedback. A step has passed when what was sent came, as fast as it was sent; feedback that
// was lost itself does not count.
func (p *Prober) Feedback(now int64) {
	if p.began == 0 || now < p.ends {
		return
	}
	if p.e.Congested() || p.e.cuts != p.cuts {
		p.fail(now)
		return
	}
	if p.lastSent < p.ends-int64(stepTail) || 2*(p.got+p.lost) < p.sent {
		return // the rest may come with the next
	}
	if float64(p.lost) > (lossMany+p.e.usual)*float64(p.got+p.lost) {
		p.fail(now)
		return
	}
	bits := float64(p.sent) * 8 / time.Duration(p.ends-p.began).Seconds()
	slower := float64(p.lastSent-p.firstSent) / max(float64(p.last-p.first)-2*p.e.jitter, 1)
	if slower < passes {
		p.fail(now)
		return
	}
	bits = min(bits*min(slower, 1), p.target)
	if p.target >= p.goal() && bits > p.goal()*passes {
		bits = p.goal()
	}
	if bits < p.goal() {
		bits = min(bits, p.wish*0.99) // on the way there
	}
	p.e.Proved(bits)
	if p.e.rate >= p.wish {
		p.won, p.cuts = now, p.e.cuts
		p.end(now, probeGap)
		return
	}
	if bits < p.target*passes && bits < p.wish*0.98 {
		p.fail(now) // less was sent than was meant: there is nothing to fill it with
		return
	}
	p.step(now, bits)
}

func (p *Prober) fail(now int64) {
	p.won = 0
	p.end(now, min(probeGap<<min(p.fails, 8), probeRare))
	p.fails++
}

func (p *Prober) end(now int64, gap time.Duration) {
	p.began, p.next = 0, now+int64(gap)
	p.e.probed = false
	if p.e.Congested() {
		p.e.excused = now + int64(drains)
	}
}
