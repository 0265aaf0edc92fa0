package estimate

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// way is a simulated way from a sender to a receiver: a link of some capacity with a bounded queue, a delay, loss, and
// feedback that comes from time to time.
type way struct {
	capacity func(at time.Duration) float64 // bits a second
	queue    time.Duration                  // what waits longer is dropped
	delay    time.Duration                  // each direction
	jitter   time.Duration                  // of what arrives, at random, in order
	loss     float64
	feedback time.Duration                        // between two
	lossBack float64                              // of feedback
	others   func(at time.Duration) time.Duration // how long others make everybody wait; nil: not at all
	busy     func(at time.Duration) time.Duration // how long the sender's own machine keeps a packet back; nil: not at all
	told     bool                                 // and the estimator hears of it
	rnd      *rand.Rand

	// The sender's side.
	e      *Estimator
	p      *Prober
	layers []float64 // of its picture
	audio  float64
	layer  int // -1: paused

	seq      uint16
	frees    time.Duration // when the link is free
	left     time.Duration // when the last packet left the machine
	onTheWay []flying
	messages []message
	log      []state
	audioOf  struct{ sent, lost int }
	last     time.Duration
	probed   int
}

type flying struct {
	seq   uint16
	at    time.Duration // of arrival
	lost  bool
	audio bool
}

type message struct {
	at  time.Duration
	all []flying
}

// state is what held at a moment.
type state struct {
	at          time.Duration
	rate, sends float64
	layer       int
	queue       time.Duration
}

func newWay(capacity func(time.Duration) float64) *way {
	e := New(10e6)
	return &way{
		capacity: capacity, queue: 200 * time.Millisecond, delay: 20 * time.Millisecond, feedback: 50 * time.Millisecond,
		rnd: rand.New(rand.NewPCG(1, 2)), e: e, p: NewProber(e), layers: []float64{150e3, 500e3, 1500e3}, audio: 50e3, layer: 2,
	}
}

func steady(bits float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return bits }
}

func (w *way) send(now time.Duration, size int, audio bool) {
	w.seq++
	w.e.Sent(w.seq, size, int64(now))
	w.p.Sent(size, int64(now))
	if audio {
		w.audioOf.sent++
	}
	f := flying{seq: w.seq, audio: audio}
	if w.busy != nil {
		now = max(now+w.busy(now), w.left)
		w.left = now
		if w.told {
			w.e.Left(w.seq, w.seq, int64(now))
		}
	}
	from := max(now, w.frees)
	if from-now > w.queue || w.rnd.Float64() < w.loss {
		f.lost, f.at = true, max(now, w.last)+w.delay
		if audio {
			w.audioOf.lost++
		}
	} else {
		w.frees = from + time.Duration(float64(size)*8/w.capacity(now)*float64(time.Second))
		f.at = w.frees + w.delay
		if w.others != nil {
			f.at += w.others(now)
		}
		if w.jitter > 0 {
			f.at += time.Duration(w.rnd.Int64N(int64(w.jitter)))
		}
		f.at = max(f.at, w.last)
		w.last = f.at
	}
	w.onTheWay = append(w.onTheWay, f)
}

const clocks = 12345 * time.Second // of the receiver's clock before the sender's

// run goes on until end, a millisecond at a time.
func (w *way) run(from, end time.Duration) {
	for now := from; now < end; now += time.Millisecond {
		ms := int(now / time.Millisecond)
		if ms%20 == 0 {
			w.send(now, int(w.audio/50/8), true)
		}
		if w.layer >= 0 && ms%33 < 8 { // a frame, spread over 8 ms
			bytes := w.layers[w.layer] * 0.033 / 8 / 8
			for bytes > 0 {
				n := min(bytes, 1200)
				w.send(now, int(n), false)
				bytes -= n
			}
		}
		if w.p.Probing() && ms%5 == 0 {
			for n := w.p.Due(int64(now)); n > 0; n -= 1000 {
				w.send(now, max(min(n, 1000), 50), false)
				w.probed += min(n, 1000)
			}
		}
		if now%w.feedback == 0 {
			var m message
			rest := w.onTheWay[:0:0]
			newest := uint16(0)
			any := false
			for _, f := range w.onTheWay {
				if !f.lost && f.at <= now {
					newest, any = f.seq, true
				}
			}
			for _, f := range w.onTheWay {
				if any && int16(newest-f.seq) >= 0 && f.at <= now+w.queue {
					m.all = append(m.all, f)
				} else {
					rest = append(rest, f)
				}
			}
			w.onTheWay = rest
			if len(m.all) > 0 && w.rnd.Float64() >= w.lossBack {
				m.at = now + w.delay
				w.messages = append(w.messages, m)
			}
		}
		for len(w.messages) > 0 && w.messages[0].at <= now {
			for _, f := range w.messages[0].all {
				if f.lost {
					if sent, size, ok := w.e.Lost(f.seq); ok {
						w.p.Lost(sent, size)
					}
				} else if sent, size, ok := w.e.Arrived(f.seq, int64(f.at+clocks)); ok {
					w.p.Arrived(sent, size, int64(f.at+clocks))
				}
			}
			w.messages = w.messages[1:]
			w.e.Feedback(int64(now))
			w.p.Feedback(int64(now))
			w.choose(now)
		}
		if ms%100 == 0 {
			w.e.Tick(int64(now))
			w.choose(now)
			w.p.Start(int64(now))
		}
		if ms%10 == 0 {
			w.log = append(w.log, state{now, w.e.Rate(), w.e.Sending(int64(now)), w.layer, max(w.frees-now, 0)})
		}
	}
}

// choose takes the best layer that fits, as the SFU does.
func (w *way) choose(time.Duration) {
	const more = 1.15
	best, wish := -1, 0.0
	for i, bits := range w.layers {
		cost := bits
		if i > w.layer {
			cost *= more
		}
		if w.audio+cost <= w.e.Rate() {
			best = i
		} else if wish == 0 {
			wish = w.audio + cost
		}
	}
	w.layer = best
	if wish == 0 {
		wish = w.audio + w.layers[len(w.layers)-1]
	}
	w.p.Wish(wish)
}

func (w *way) at(t time.Duration) state {
	for _, s := range w.log {
		if s.at >= t {
			return s
		}
	}
	return w.log[len(w.log)-1]
}

// over looks for the first moment in a span at which ok does not hold.
func (w *way) over(t testing.TB, what string, from, to time.Duration, ok func(state) bool) {
	t.Helper()
	for _, s := range w.log {
		if s.at >= from && s.at < to && !ok(s) {
			t.Errorf("%s: at %v the estimate is %.0f, sent is %.0f, layer %d, the queue %v", what, s.at, s.rate, s.sends, s.layer, s.queue)
			return
		}
	}
}

func (w *way) trace(t testing.TB, every time.Duration) {
	for i, s := range w.log {
		if s.at%every == 0 || i > 0 && w.log[i-1].layer != s.layer {
			t.Logf("%8v rate %7.0fk sends %6.0fk layer %2d queue %v", s.at, math.Round(s.rate/1e3), math.Round(s.sends/1e3), s.layer, s.queue.Round(time.Millisecond))
		}
	}
}
