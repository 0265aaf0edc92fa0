package sfu

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

// slow is a receiver whose way carries a million bits a second, and a clock that the test moves.
type slow struct {
	*rigged
	f   *SFU
	s   *slot
	w   *wire
	seq uint16
	pic uint16
	at  time.Duration
}

func newSlow(t testing.TB) *slow {
	g := rig(t, true, 1, true)
	x := &slow{rigged: g, f: g.l.up.s.f, s: g.slots[0], w: g.wires[0]}
	x.s.s.media.agreed()
	x.s.hdr.twccID = 5
	x.s.s.media.down.pace.set(1e6)
	x.pass(time.Minute)
	return x
}

// pass makes time pass. What the test itself takes is no time.
func (x *slow) pass(d time.Duration) {
	x.at += d
	x.f.start = time.Now().Add(-x.at)
	x.f.engine.sock.began = x.f.start
	x.b.at = int64(x.at)
}

// frame arrives, in so many packets at once.
func (x *slow) frame(key bool, packets int) {
	x.pic++
	for k := range packets {
		x.seq++
		payload := make([]byte, 1100)
		copy(payload, []byte{0x80, 0xc0, 0x80 | byte(x.pic>>8), byte(x.pic), byte(x.pic), 0x11, 0, 0})
		if k == 0 {
			payload[0] = 0x90
			if key {
				copy(payload[5:], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0})
			}
		}
		x.pass(0)
		x.arrive(raw(x.t, rtp.Header{SequenceNumber: x.seq, Timestamp: uint32(x.pic) * 3000, Marker: k == packets-1}, payload, 0))
	}
}

// round is one of the pacer's, after its time has passed; it gives how many packets went.
func (x *slow) round() (sent int, more bool) {
	x.t.Helper()
	x.pass(paceEvery)
	n := len(x.w.all)
	x.f.pacer.release(x.b)
	x.flush()
	return len(x.w.all) - n, x.f.pacer.settle()
}

// order checks that numbers follow each other, those of the transport as well.
func (x *slow) order() {
	x.t.Helper()
	for i, p := range x.w.all[1:] {
		before := x.w.all[i]
		if p.SequenceNumber != before.SequenceNumber+1 {
			x.t.Fatalf("packet %d has number %d after %d", i+1, p.SequenceNumber, before.SequenceNumber)
		}
		if a, z := before.GetExtension(5), p.GetExtension(5); len(z) != 2 || uint16(z[0])<<8|uint16(z[1]) != uint16(a[0])<<8|uint16(a[1])+1 {
			x.t.Fatalf("packet %d has the transport's number %x after %x", i+1, z, a)
		}
	}
}

func TestABurstGoesAsTheWayHasRoom(t *testing.T) {
	x := newSlow(t)
	x.frame(true, 40)
	now := len(x.w.all)
	if depth := int(1e6 / 8 * paceDepth.Seconds() / 1100); now < depth-1 || now > depth+1 {
		t.Fatalf("%d packets at once, a bucket of %v holds %d", now, paceDepth, depth)
	}
	// Nobody can miss what was not sent, and it is not sent twice.
	x.s.resend(x.b, uint16(30))
	x.flush()
	if len(x.w.all) != now {
		t.Fatal("what is held back was sent as a retransmission")
	}
	began := x.at
	for more := true; more; {
		var sent int
		if sent, more = x.round(); sent > 2 { // 625 bytes
			t.Fatalf("%d packets in one round", sent)
		}
	}
	if len(x.w.all) != 40 {
		t.Fatalf("%d packets of 40", len(x.w.all))
	}
	if took := x.at - began; took < 250*time.Millisecond || took > 400*time.Millisecond {
		t.Errorf("36 packets of 1,100 bytes took %v at 1 Mbit/s", took)
	}
	x.order()
	// An ordinary frame passes untouched.
	x.pass(100 * time.Millisecond)
	x.frame(false, 3)
	if len(x.w.all) != 43 {
		t.Fatalf("%d packets of 43", len(x.w.all))
	}
	x.order()
	if n := x.f.m.drops[dropHeld].Load(); n != 0 {
		t.Errorf("%d packets were dropped", n)
	}
}

func TestWhatComesWhileSomeWaitGoesBehindIt(t *testing.T) {
	x := newSlow(t)
	x.frame(true, 10)
	for range 5 {
		x.pass(30 * time.Millisecond)
		x.frame(false, 1)
		x.f.pacer.release(x.b)
		x.frame(false, 1) // while what went is being written
		if last := x.w.all[len(x.w.all)-1]; x.s.held.on && last.SequenceNumber == x.seq {
			t.Fatal("a packet has passed those that wait")
		}
		x.flush()
		x.f.pacer.settle()
	}
	for more := true; more; {
		_, more = x.round()
	}
	if len(x.w.all) != 20 {
		t.Fatalf("%d packets of 20", len(x.w.all))
	}
	x.order()
}

func TestANewKeyFrameReplacesWhatWaits(t *testing.T) {
	x := newSlow(t)
	x.frame(true, 2)
	x.frame(false, 20)
	x.frame(false, 5)
	x.frame(true, 4)
	before := len(x.w.all)
	for more := true; more; {
		_, more = x.round()
	}
	if n := len(x.w.all) - before; n != 4 {
		t.Fatalf("%d packets, want those of the key frame", n)
	}
	first := x.w.all[before]
	if d, ok := parseVP8(first.Payload); !ok || !d.key || first.Timestamp != 4*3000 {
		t.Errorf("key frame %v, timestamp %d", d.key, first.Timestamp)
	}
	x.order()
	// One that is on its way is not given up for another: with many who ask, none would ever be whole.
	x.pass(time.Second)
	n := len(x.w.all)
	x.frame(true, 10)
	x.frame(false, 3)
	x.frame(true, 10)
	for more := true; more; {
		_, more = x.round()
	}
	if n := len(x.w.all) - n; n != 20 {
		t.Errorf("%d packets, want two key frames", n)
	}
	x.order()
}

func TestWhatHasWaitedForTooLongIsNotSent(t *testing.T) {
	x := newSlow(t)
	x.frame(true, 2)
	x.frame(false, 60) // half a second
	asked := x.f.m.plis.Load()
	for more := true; more; {
		_, more = x.round()
	}
	if n := len(x.w.all); n < 30 || n > 45 {
		t.Errorf("%d packets within %v", n, heldMost)
	}
	if x.f.m.plis.Load() == asked {
		t.Error("no key frame was asked for")
	}
	n := len(x.w.all)
	x.frame(false, 2)
	if len(x.w.all) != n {
		t.Fatal("a picture that nothing precedes")
	}
	// A key frame is sent to its end, and what follows it is as late as it.
	x.pass(time.Second)
	x.frame(true, 80)
	for range 10 {
		x.pass(30 * time.Millisecond)
		x.frame(false, 1)
	}
	for more := true; more; {
		_, more = x.round()
	}
	if len(x.w.all) != n+90 {
		t.Errorf("%d packets of 90", len(x.w.all)-n)
	}
	x.order()
}

func TestWhatIsHeldHasABound(t *testing.T) {
	x := newSlow(t)
	x.frame(true, 2)
	x.frame(false, videoRing)
	if x.s.held.from != nil || x.s.cur != nil {
		t.Error("more is held than the ring keeps")
	}
	for more := true; more; {
		_, more = x.round()
	}
	x.order()
	if x.s.held.on || x.s.s.media.down.pace.gate.Load() == math.MaxInt64 {
		t.Error("the slot waits for nothing")
	}
}

// TestWhoLeavesHoldsNothing: however a slot comes to take another or nothing, what it held back is gone.
func TestWhoLeavesHoldsNothing(t *testing.T) {
	for name, change := range map[string]func(x *slow){
		"another source": func(x *slow) { x.s.setSource(nil) },
		"paused":         func(x *slow) { x.s.aim(nil, whole, 0, true, true, x.b.at) },
		"closed":         func(x *slow) { x.s.s.live.Store(false) },
	} {
		x := newSlow(t)
		x.frame(true, 20)
		n := len(x.w.all)
		change(x)
		if sent, more := x.round(); sent != 0 || more || len(x.w.all) != n {
			t.Errorf("%s: %d packets were sent, more: %v", name, sent, more)
		}
	}
}

// A key frame whose first packet the ring has lost while it waited is no beginning any more.
func TestAKeyFrameThatIsGoneIsGivenUp(t *testing.T) {
	x := newSlow(t)
	x.frame(true, 2)
	x.frame(false, 20)
	x.frame(true, 4)
	if !x.s.held.keyHeld {
		t.Fatal("no key frame is held")
	}
	x.l.ring.slots[int(x.s.held.key)%videoRing] = packet{}
	asked := x.f.m.plis.Load()
	done := make(chan int)
	go func() {
		n := 0
		for more := true; more; {
			var sent int
			sent, more = x.round()
			n += sent
		}
		done <- n
	}()
	select {
	case n := <-done:
		if n != 0 {
			t.Errorf("%d packets of what a decoder cannot begin with", n)
		}
	case <-time.After(patience):
		t.Fatal("the pacer goes round in it for ever")
	}
	if x.f.m.plis.Load() == asked {
		t.Error("no key frame was asked for")
	}
}

func TestAudioIsNeverHeldBack(t *testing.T) {
	g := rig(t, false, 1, true)
	m := g.slots[0].s.media
	m.agreed()
	g.slots[0].hdr.twccID = 5
	m.down.pace.set(10e3)
	m.down.pace.gate.Store(math.MaxInt64)
	for i := range uint16(50) {
		g.arrive(raw(t, rtp.Header{SequenceNumber: i, Timestamp: uint32(i) * 960}, make([]byte, 100), 0))
	}
	if n := len(g.wires[0].all); n != 50 {
		t.Errorf("%d packets of 50", n)
	}
}

// Whatever comes in whatever order, at whatever pace: what is sent is the sender's order without a gap, nothing is sent twice,
// what is held has a bound, and when nothing more comes nothing waits.
func TestPaceProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := newSlow(t)
		x.frame(true, 1)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				x.frame(true, rapid.IntRange(1, 60).Draw(rt, "key frame"))
			case 1, 2:
				x.frame(false, rapid.IntRange(1, 12).Draw(rt, "frame"))
			case 3:
				x.s.s.media.down.pace.set(float64(rapid.IntRange(100, 20_000).Draw(rt, "kbit/s")) * 1e3)
			case 4:
				x.pass(time.Duration(rapid.IntRange(1, 400).Draw(rt, "ms")) * time.Millisecond)
			case 5:
				for range rapid.IntRange(1, 20).Draw(rt, "rounds") {
					if _, more := x.round(); !more {
						break
					}
				}
			}
			if h := &x.s.held; h.from != nil && int(h.last-h.next) >= videoRing {
				rt.Fatalf("%d packets are held", h.last-h.next)
			}
		}
		rounds := 0
		for more := true; more; rounds++ {
			if _, more = x.round(); rounds > 100_000 {
				rt.Fatal("something waits for ever")
			}
		}
		if x.s.held.on || x.s.held.from != nil || x.s.s.media.paced {
			rt.Fatal("nobody looks after what waits")
		}
		x.order()
		last, whole := uint16(0), true // of the pictures: what was left out was left out before a key frame
		for i, p := range x.w.all {
			d, ok := parseVP8(p.Payload)
			if !ok {
				rt.Fatalf("packet %d is no VP8", i)
			}
			if i > 0 && d.id != last && d.id != last+1 {
				rt.Fatalf("packet %d: picture %d after %d", i, d.id, last)
			}
			if i > 0 && d.id != last && !whole && !d.key {
				rt.Fatalf("packet %d: picture %d begins, and the one before it has no end", i, d.id)
			}
			last, whole = d.id, p.Marker
		}
	})
}
