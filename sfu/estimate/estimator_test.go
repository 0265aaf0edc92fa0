package estimate

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func show(t *testing.T, w *way) {
	if os.Getenv("TRACE") != "" {
		w.trace(t, 100*time.Millisecond)
	}
}

func TestABandwidthThatFallsAndComesBack(t *testing.T) {
	for _, feedback := range []time.Duration{50 * time.Millisecond, 100 * time.Millisecond} {
		for _, back := range []time.Duration{12 * time.Second, 13 * time.Second, 14*time.Second + 500*time.Millisecond, 20 * time.Second} {
			w := newWay(func(at time.Duration) float64 {
				if at >= 4*time.Second && at < back {
					return 700e3
				}
				return 2.1e6
			})
			w.feedback = feedback
			w.run(0, back+8*time.Second)
			show(t, w)
			w.over(t, "the best layer while it fits", time.Second, 4*time.Second, func(s state) bool { return s.layer == 2 })
			w.over(t, "a layer that fits 300 ms after the fall", 4300*time.Millisecond, back, func(s state) bool { return s.layer < 2 })
			w.over(t, "the middle layer fits", 7*time.Second, back, func(s state) bool { return s.layer == 1 })
			w.over(t, "the best layer within 5 s", back+5*time.Second, back+8*time.Second, func(s state) bool { return s.layer == 2 })
			if share := float64(w.audioOf.lost) / float64(w.audioOf.sent); share > 0.01 {
				t.Errorf("%.2f %% of the audio was lost", 100*share)
			}
		}
	}
}

func TestLossThatIsNotOursCostsNoPicture(t *testing.T) {
	w := newWay(steady(3e6))
	w.loss, w.lossBack = 0.05, 0.05
	w.run(0, 30*time.Second)
	show(t, w)
	w.over(t, "5 % of loss", time.Second, 30*time.Second, func(s state) bool { return s.layer == 2 })

	// Who is sent little is not sent less for it.
	w = newWay(steady(3e6))
	w.loss, w.lossBack = 0.05, 0.05
	w.layers, w.layer = []float64{60e3}, 0
	w.run(0, 60*time.Second)
	show(t, w)
	w.over(t, "5 % of loss of little", 0, 60*time.Second, func(s state) bool { return s.layer == 0 })

	w = newWay(steady(3e6))
	w.loss = 0.2
	w.run(0, 30*time.Second)
	show(t, w)
	w.over(t, "20 % of loss", 10*time.Second, 30*time.Second, func(s state) bool { return s.layer >= 1 })
}

func TestAPolicerIsFound(t *testing.T) {
	w := newWay(steady(800e3))
	w.queue = 10 * time.Millisecond // what waits longer is lost
	w.run(0, 30*time.Second)
	show(t, w)
	w.over(t, "what fits", 5*time.Second, 30*time.Second, func(s state) bool { return s.layer <= 1 })
	if w.at(20*time.Second).layer != 1 {
		t.Errorf("layer %d", w.at(20*time.Second).layer)
	}
}

func TestJitterIsNoQueue(t *testing.T) {
	w := newWay(steady(3e6))
	w.jitter = 40 * time.Millisecond
	w.run(0, 30*time.Second)
	show(t, w)
	w.over(t, "40 ms of jitter", time.Second, 30*time.Second, func(s state) bool { return s.layer == 2 })
}

// TestAQueueOfOthers: what waits because of others waits however little is sent; it costs a step, not everything.
func TestAQueueOfOthers(t *testing.T) {
	w := newWay(steady(3e6))
	w.others = func(at time.Duration) time.Duration {
		if at > 5*time.Second {
			return 80 * time.Millisecond
		}
		return 0
	}
	w.run(0, 30*time.Second)
	show(t, w)
	w.over(t, "not everything is given up", time.Second, 30*time.Second, func(s state) bool { return s.layer >= 0 })
	w.over(t, "the best layer again", 12*time.Second, 30*time.Second, func(s state) bool { return s.layer == 2 })
}

// TestABusyMachineIsNoQueue: what the sender's own machine keeps back for a while says nothing of the way, if it is told.
func TestABusyMachineIsNoQueue(t *testing.T) {
	busy := func(at time.Duration) time.Duration {
		if at%(3*time.Second) < time.Second {
			return 0
		}
		return 80 * time.Millisecond
	}
	w := newWay(steady(3e6))
	w.busy, w.told = busy, true
	w.run(0, 30*time.Second)
	show(t, w)
	w.over(t, "a machine that is busy", 0, 30*time.Second, func(s state) bool { return s.layer == 2 })
	if n := w.e.Cuts(); n != 0 {
		t.Errorf("%d cuts", n)
	}
	w = newWay(steady(3e6))
	w.busy = busy
	w.run(0, 30*time.Second)
	if w.e.Cuts() == 0 {
		t.Error("who is not told sees no queue: the test shows nothing")
	}
	// And a link that is narrow is found all the same.
	w = newWay(func(at time.Duration) float64 {
		if at >= 4*time.Second {
			return 700e3
		}
		return 2.1e6
	})
	w.busy, w.told = busy, true
	w.run(0, 20*time.Second)
	show(t, w)
	w.over(t, "a layer that fits", 4500*time.Millisecond, 20*time.Second, func(s state) bool { return s.layer < 2 })
}

func TestRareFeedback(t *testing.T) {
	w := newWay(func(at time.Duration) float64 {
		if at >= 4*time.Second && at < 12*time.Second {
			return 700e3
		}
		return 2.1e6
	})
	w.feedback = 250 * time.Millisecond
	w.run(0, 20*time.Second)
	show(t, w)
	w.over(t, "a layer that fits", 4700*time.Millisecond, 12*time.Second, func(s state) bool { return s.layer < 2 })
	w.over(t, "the best layer again", 18*time.Second, 20*time.Second, func(s state) bool { return s.layer == 2 })
}

// TestSilenceProvesNothing: who is sent little keeps its estimate, and gets no higher one either.
func TestSilenceProvesNothing(t *testing.T) {
	w := newWay(func(at time.Duration) float64 {
		if at < 3*time.Second {
			return 700e3
		}
		return 100e6
	})
	w.run(0, 3*time.Second)
	before := w.e.Rate()
	w.layers, w.layer = []float64{10e3}, 0
	w.run(3*time.Second, 120*time.Second)
	show(t, w)
	if now := w.e.Rate(); now < before || now > before*1.3 {
		t.Errorf("%.0f before, %.0f after two minutes of audio", before, now)
	}
	w = newWay(steady(100e6))
	w.layers = []float64{2e6}
	w.layer = 0
	w.run(0, 60*time.Second)
	if r := w.e.Rate(); r > 10e6 {
		t.Errorf("2 Mbit/s have arrived, the estimate is %.0f", r)
	}
}

func TestFeedbackThatStaysOutLowersTheEstimate(t *testing.T) {
	w := newWay(steady(3e6))
	w.run(0, 3*time.Second)
	before := w.e.Rate()
	w.lossBack = 1
	w.run(3*time.Second, 8*time.Second)
	show(t, w)
	if r := w.e.Rate(); r > before/4 {
		t.Errorf("%.0f before, %.0f after 5 s without feedback", before, r)
	}
	w.lossBack = 0
	w.run(8*time.Second, 20*time.Second)
	w.over(t, "the best layer again", 18*time.Second, 20*time.Second, func(s state) bool { return s.layer == 2 })
}

// TestAProbeThatIsTooMuchDisturbsLittle: a link that never has room for more is asked every few seconds.
func TestAProbeThatIsTooMuchDisturbsLittle(t *testing.T) {
	w := newWay(steady(700e3))
	w.run(0, 60*time.Second)
	show(t, w)
	w.over(t, "the queue of a probe", 3*time.Second, 60*time.Second, func(s state) bool { return s.queue < 130*time.Millisecond })
	w.over(t, "the middle layer", 4*time.Second, 60*time.Second, func(s state) bool { return s.layer == 1 })
	if w.probed == 0 || w.probed > 60*700e3/8/20 {
		t.Errorf("%d bytes of probes in a minute", w.probed)
	}
}

func TestAnyWayIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const step = 15 * time.Second
		steps := make([]float64, 2)
		for i := range steps {
			steps[i] = float64(rapid.IntRange(400, 4000).Draw(t, "kbit/s")) * 1e3
		}
		w := newWay(func(at time.Duration) float64 { return steps[min(int(at/step), len(steps)-1)] })
		w.delay = time.Duration(rapid.IntRange(1, 100).Draw(t, "delay")) * time.Millisecond
		w.feedback = time.Duration(rapid.IntRange(5, 10).Draw(t, "feedback")) * 10 * time.Millisecond
		w.queue = time.Duration(rapid.IntRange(100, 500).Draw(t, "queue")) * time.Millisecond
		w.jitter = time.Duration(rapid.IntRange(0, 10).Draw(t, "jitter"))*time.Millisecond + 1
		w.lossBack = float64(rapid.IntRange(0, 5).Draw(t, "feedback lost")) / 100
		w.rnd = rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		w.run(0, step*time.Duration(len(steps)))
		for i, bits := range steps {
			end := step * time.Duration(i+1)
			best := -1
			for k, rate := range w.layers { // with room to spare
				if (rate*1.15+w.audio)*1.25 < bits {
					best = k
				}
			}
			low, high := 0, 0
			n := 0
			for _, s := range w.log {
				if s.at < end-4*time.Second || s.at >= end {
					continue
				}
				n++
				if s.layer < best {
					low++
				}
				if s.layer >= 0 && w.layers[s.layer]+w.audio > bits*1.05 {
					high++
				}
			}
			if low > n/3 || high > n/10 {
				t.Fatalf("step %d of %.0f bit/s: of %d moments %d with less than layer %d, %d with more than the link carries", i, bits, n, low, best, high)
			}
		}
	})
}
