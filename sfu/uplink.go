package sfu

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"atrium/sfu/offer"
	"atrium/signaling/protocol"
)

const (
	audioRate = 48000
	videoRate = 90000

	audioRing = 128 // packets: 2.5 s of 20 ms
	videoRing = 512 // 2.5 s of 2 Mbit/s; a power of two each, so that the index goes on when sequence numbers wrap

	maxLayers = 4 // of an uplink: three of simulcast, and one of a restarted encoder

	abandoned = 2 * time.Second // without a packet a layer gives way to a new one

	flowAudio = 3 // packets after which a microphone counts as flowing

	keyInterval  = 200 * time.Millisecond // between key frame requests to one layer
	growInterval = time.Second            // between those of a slot that would have a larger layer
)

// uplink is one source of a member: its microphone, camera or screen.
type uplink struct {
	// Static after construction.
	s     *session
	key   sourceKey
	mid   string
	video bool

	offered atomic.Bool   // the offer says that it carries a track
	muted   atomic.Bool   // by moderation: audio is dropped here
	flowed  atomic.Bool   // packets came and were forwarded for a moment
	active  atomic.Bool   // see room.activate
	codec   atomic.Uint32 // that its streams have, as a bit; 0: none came
	recoded atomic.Bool   // it has changed: somebody may not be able to decode it any more, or again
	last    atomic.Int64
	subs    atomic.Pointer[[]*slot] // whom to write to; replaced by the room
	loud    atomic.Uint64           // of a microphone: its voice at the last packet, a float64's bits
	waits   atomic.Bool             // a microphone that not everybody hears: a loud voice is looked at at once

	agreed offer.Agreed // guarded by transport.inMu

	// Guarded by room.mu.
	seen        bool // it had a packet: it is a source that wants slots
	activeSince int64
	slots       []*slot  // what subs was made of
	flowing     []*layer // the smallest first; see measure
	rungs       []rung   // ways of taking it, the least first
	speaksSince int64    // 0: it does not speak
	spokeAt     int64    // 0: never

	// Guarded by mu.
	mu     sync.Mutex
	layers []*layer
}

// layer is one encoding of an uplink: one SSRC, one ring.
type layer struct {
	// Static after construction.
	up      *uplink
	codec   *offer.Codec
	ssrc    uint32
	rid     string
	began   int64
	reading reading
	ring    *ring

	last   atomic.Int64
	pixels atomic.Int64 // of its last key frame, at its highest spatial layer
	lines  [spatialMost]atomic.Int64
	parts  [spatialMost][temporalMost]part
	gone   atomic.Bool // it has ended

	// Guarded by room.mu; see measure.
	rate       float64 // bits a second
	measuredAt int64

	// Guarded by transport.inMu of the uplink's session.
	deps      *dependencies // of AV1; nil: no descriptor has come
	newest    uint32        // timestamp of the newest picture
	voice     voice
	count     int
	keyStart  bool
	reception reception

	// Guarded by mu.
	mu        sync.Mutex
	sr        senderReport
	keyAsked  int64 // when the last request went out
	keyCame   int64 // when the last key frame came
	keyWanted int64 // when the last request was made
	keyTimer  *time.Timer
	ended     bool
}

func newUplink(s *session, sec *offer.Section) *uplink {
	return &uplink{s: s, key: sourceKey{s.top.User, sec.Source}, mid: sec.Mid, video: sec.Kind == protocol.Video}
}

// begin makes the layer of a new stream. Nil: there are more encodings than a client has. transport.inMu is held.
func (u *uplink) begin(ssrc uint32, rid string, codec *offer.Codec) *layer {
	size := audioRing
	if u.video {
		size = videoRing
	}
	l := &layer{up: u, codec: codec, ssrc: ssrc, rid: rid, began: u.s.f.now(), ring: newRing(size), reading: reading{codec: codecNamed(codec.Name)}}
	switch ids := &u.s.media.routes.ids; {
	case !u.video:
		l.reading.levelID = ids.Level
		if o, r := u.agreed.Of(offer.Opus), u.agreed.Of(offer.RED); r != nil {
			l.reading.codec, l.reading.opus, l.reading.red = codecOpus, o.PT, r.PT
		}
	case l.reading.codec == codecAV1:
		l.reading.dependency = ids.Dependency
	}
	if was := u.codec.Swap(l.reading.codec.bit()); was != 0 && was != l.reading.codec.bit() {
		u.recoded.Store(true)
	}
	if now := u.s.f.now(); u.count() >= maxLayers {
		var old *layer
		for _, x := range u.all() {
			if last := x.last.Load(); now-last > int64(abandoned) && (old == nil || last < old.last.Load()) {
				old = x
			}
		}
		if old == nil {
			return nil
		}
		old.close()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.layers = append(u.layers, l)
	return l
}

func (u *uplink) all() []*layer {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]*layer(nil), u.layers...)
}

func (u *uplink) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.layers)
}

// find gives the layer that a stream of retransmissions is for: by SSRC, by RID, or the only one.
func (u *uplink) find(ssrc uint32, rid string) *layer {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, l := range u.layers {
		if ssrc != 0 && l.ssrc == ssrc || rid != "" && l.rid == rid {
			return l
		}
	}
	if ssrc == 0 && rid == "" && len(u.layers) == 1 {
		return u.layers[0]
	}
	return nil
}

// put takes the n bytes that stand in the ring's place for the next packet. transport.inMu is held.
func (l *layer) put(b *batch, n int, at int64) bool {
	p := l.ring.put(n, at, l.reading)
	if p == nil {
		return false
	}
	l.describe(p)
	l.reception.note(p, l.clock())
	b.arrived = append(b.arrived, arrival{l, p})
	return true
}

func (l *layer) clock() uint32 {
	if l.up.video {
		return videoRate
	}
	return audioRate
}

// take hands one packet on. transport.inMu is held.
func (u *uplink) take(b *batch, l *layer, p *packet) {
	l.part(p).note(p)
	if !u.video {
		u.hear(l, p)
	}
	if p.end > p.off { // padding is no sign of a source
		l.last.Store(p.at)
		u.last.Store(p.at)
		if !u.active.Load() {
			u.s.room.activate(u, p.at)
		}
	}
	if p.pic.key {
		l.keyFrame(p)
	}
	if u.muted.Load() {
		u.s.f.m.drop(dropMuted)
	} else {
		for _, t := range *u.subs.Load() {
			t.forward(b, l, p)
		}
	}
	if !u.flowed.Load() && l.flows(p) {
		u.flowed.Store(true)
		u.s.wakeup()
	}
}

// hear follows the voice of a microphone.
func (u *uplink) hear(l *layer, p *packet) {
	level := l.voice.hear(p)
	u.loud.Store(math.Float64bits(level))
	if level > speech && u.waits.Load() {
		u.s.room.onset(p.at)
	}
}

// keyFrame notes a key frame.
func (l *layer) keyFrame(p *packet) {
	l.mu.Lock()
	l.keyCame = p.at
	l.mu.Unlock()
}

// flows says whether enough has been forwarded for receivers to have something: a few packets of audio, a whole key frame.
func (l *layer) flows(p *packet) bool {
	if !l.up.video {
		l.count++
		return l.count >= flowAudio
	}
	if l.keyStart && p.pic.start && p.pic.sid == 0 && !p.pic.key {
		return true
	}
	if p.pic.key {
		l.keyStart = true
	}
	if !l.keyStart {
		l.requestKey(p.at) // the encoder began before the transport was up
	}
	return l.keyStart && p.marker
}

// requestKey asks the sender for a key frame, at most once in keyInterval; a request within it is sent at its end, unless
// a key frame came by then. It may be called from the forward path.
func (l *layer) requestKey(now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keyWanted = now
	if l.ended || l.keyTimer != nil {
		return
	}
	wait := time.Duration(0)
	if l.keyAsked != 0 {
		wait = keyInterval - time.Duration(now-l.keyAsked)
	}
	if wait > 0 {
		l.keyTimer = time.AfterFunc(wait, func() {
			l.mu.Lock()
			l.keyTimer = nil
			send := !l.ended && l.keyCame <= l.keyWanted
			if send {
				l.keyAsked = l.up.s.f.now()
			}
			l.mu.Unlock()
			if send {
				l.sendPLI()
			}
		})
		return
	}
	l.keyAsked = now
	l.sendPLI()
}

func (l *layer) sendPLI() {
	l.up.s.f.m.plis.Add(1)
	l.up.s.writeRTCP(&rtcp.PictureLossIndication{MediaSSRC: l.ssrc})
}

func (l *layer) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

func (l *layer) close() {
	l.mu.Lock()
	l.ended = true
	if l.keyTimer != nil {
		l.keyTimer.Stop()
		l.keyTimer = nil
	}
	l.mu.Unlock()
	u := l.up
	u.mu.Lock()
	for i, x := range u.layers {
		if x == l {
			u.layers = append(u.layers[:i:i], u.layers[i+1:]...)
			break
		}
	}
	u.mu.Unlock()
	l.gone.Store(true)
	l.ring.release()
}
