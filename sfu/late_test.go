package sfu

import (
	"testing"
	"time"
)

// TestWhatThisMachineKeepsBackIsNoQueue: packets that are written long after they were read are late by this machine's doing,
// and the receiver's estimator hears of it.
func TestWhatThisMachineKeepsBackIsNoQueue(t *testing.T) {
	g := rig(t, true, 1, false)
	m := g.slots[0].s.media
	m.agreed()
	g.slots[0].hdr.twccID = 5
	f := g.l.up.s.f
	pass := func(d time.Duration) { // time passes
		f.start = f.start.Add(-d)
		f.engine.sock.began = f.start
	}
	pass(time.Second)
	const way = int64(20 * time.Millisecond)
	wrong := 0
	for i := range uint16(60) {
		pass(10 * time.Millisecond)
		g.b.at = f.now()
		if i >= 30 {
			pass(80 * time.Millisecond) // from its read to its write
		}
		m.outMu.Lock()
		seq := m.twccOut
		m.outMu.Unlock()
		g.arrive(vp8Packet(t, i+1, i+1, i == 0, 500))
		after := f.now()
		m.outMu.Lock()
		if _, _, ok := m.down.est.Arrived(seq, after+way); !ok {
			t.Fatalf("packet %d was not noted", seq)
		}
		m.down.est.Feedback(after + way)
		queue := m.down.est.Queue()
		m.outMu.Unlock()
		if queue > 60*time.Millisecond {
			wrong++
			t.Logf("packet %d: a queue of %v", i, queue)
		}
	}
	if wrong > 5 { // the machine that the test runs on may be late itself
		t.Errorf("a queue is seen by %d of 30 packets", wrong)
	}
}
