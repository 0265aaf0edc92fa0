package sfu

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"atrium/signaling/protocol"
)

const (
	audioRate = 48000
	videoRate = 90000

	audioRing = 128 // packets: 2.5 s of 20 ms
	videoRing = 512 // 2.5 s of 2 Mbit/s; a power of two each, so that the index goes on when sequence numbers wrap

	maxLayers = 4 // of an uplink: three of simulcast, and one of a restarted encoder

	flowAudio = 3 // packets after which a microphone counts as flowing

	keyInterval = 200 * time.Millisecond // between key frame requests to one layer
)

// uplink is one source of a member: its microphone, camera or screen.
type uplink struct {
	// Static after construction.
	s     *session
	key   sourceKey
	mid   string
	video bool

	offered atomic.Bool // the offer says that it carries a track
	muted   atomic.Bool // by moderation: audio is dropped here
	flowed  atomic.Bool // packets came and were forwarded for a moment
	active  atomic.Bool // see room.activate
	last    atomic.Int64
	subs    atomic.Pointer[[]*slot] // whom to write to; replaced by the room
	want    atomic.Pointer[layer]   // the layer that slots take, or switch to at its next key frame

	// Guarded by room.mu.
	seen        bool // it had a packet: it is a source that wants slots
	activeSince int64

	// Guarded by mu.
	mu     sync.Mutex
	layers []*layer
}

// layer is one encoding of an uplink: one SSRC, one ring, one reader.
type layer struct {
	// Static after construction.
	up       *uplink
	track    *webrtc.TrackRemote
	receiver *webrtc.RTPReceiver
	ssrc     uint32
	rid      string
	levelID  uint8
	ring     *ring

	last   atomic.Int64
	pixels atomic.Int64 // of its last key frame

	// Owned by the reader.
	count    int
	keyStart bool

	// Guarded by mu.
	mu        sync.Mutex
	sr        senderReport
	keyAsked  int64 // when the last request went out
	keyCame   int64 // when the last key frame came
	keyWanted int64 // when the last request was made
	keyTimer  *time.Timer
	ended     bool
}

func newUplink(s *session, sec section) *uplink {
	return &uplink{s: s, key: sourceKey{s.top.User, sec.source}, mid: sec.mid, video: sec.kind == protocol.Video}
}

// open starts reading a track that Pion found in the uplink's section.
func (u *uplink) open(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	size := audioRing
	if u.video {
		size = videoRing
	}
	l := &layer{up: u, track: track, receiver: receiver, ssrc: uint32(track.SSRC()), rid: track.RID(), ring: newRing(size)}
	for _, x := range receiver.GetParameters().HeaderExtensions {
		if x.URI == sdp.AudioLevelURI && !u.video {
			l.levelID = uint8(x.ID)
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.layers) >= maxLayers || !u.s.track(2) {
		return // more encodings than a client has: not read, Pion's buffer of it is bounded
	}
	u.layers = append(u.layers, l)
	go l.read()
	go l.readRTCP()
}

// read owns the layer's packets: from Pion into the ring and to every slot.
func (l *layer) read() {
	defer l.up.s.untrack()
	defer l.close()
	m := l.up.s.f.m
	for {
		n, _, err := l.track.Read(l.ring.in)
		if err != nil {
			if errors.Is(err, io.ErrShortBuffer) || errors.Is(err, webrtc.ErrCodecNotFound) {
				m.drop(dropMalformed) // too long, or of a payload type that was not answered
				continue
			}
			return
		}
		p := l.ring.put(n, l.up.s.f.now(), l.levelID, l.up.video)
		if p == nil {
			m.drop(dropMalformed)
			continue
		}
		l.up.take(l, p)
	}
}

// take hands one packet on. Called by the layer's reader.
func (u *uplink) take(l *layer, p *packet) {
	if p.end > p.off { // padding is no sign of a source
		l.last.Store(p.at)
		u.last.Store(p.at)
		if !u.active.Load() {
			u.s.room.activate(u, p.at)
		}
	}
	if p.isVP8 && p.vp8.key {
		l.keyFrame(p)
	}
	if u.want.Load() == nil {
		u.want.CompareAndSwap(nil, l)
	}
	if u.muted.Load() {
		u.s.f.m.drop(dropMuted)
	} else {
		for _, t := range *u.subs.Load() {
			t.forward(l, p)
		}
	}
	if !u.flowed.Load() && l.flows(p) {
		u.flowed.Store(true)
		u.s.wakeup()
	}
}

// keyFrame notes a key frame; where its picture is larger than that of the layer in use, slots switch with this packet.
func (l *layer) keyFrame(p *packet) {
	l.pixels.Store(int64(p.vp8.width) * int64(p.vp8.height))
	l.mu.Lock()
	l.keyCame = p.at
	l.mu.Unlock()
	if w := l.up.want.Load(); w != nil && w != l && l.pixels.Load() > w.pixels.Load() {
		l.up.want.Store(l)
	}
}

// flows says whether enough has been forwarded for receivers to have something: a few packets of audio, a whole key frame.
func (l *layer) flows(p *packet) bool {
	if !l.up.video {
		l.count++
		return l.count >= flowAudio
	}
	if l.keyStart && p.isVP8 && p.vp8.start && !p.vp8.key {
		return true
	}
	if p.isVP8 && p.vp8.key {
		l.keyStart = true
	}
	if !l.keyStart {
		l.requestKey(p.at) // the encoder began before the transport was up
	}
	return l.keyStart && p.marker
}

// chooseLayer keeps the layer in use to the highest that flows. Called by the tick.
func (u *uplink) chooseLayer(now int64) {
	const flowing, silent = int64(400 * time.Millisecond), int64(time.Second)
	u.mu.Lock()
	var best *layer
	for _, l := range u.layers {
		if now-l.last.Load() < flowing && (best == nil || l.pixels.Load() > best.pixels.Load()) {
			best = l
		}
	}
	u.mu.Unlock()
	cur := u.want.Load()
	if best == nil || best == cur {
		return
	}
	if cur == nil || best.pixels.Load() > cur.pixels.Load() || now-cur.last.Load() > silent {
		u.want.Store(best)
		best.requestKey(now)
	}
}

// requestKey asks the sender for a key frame, at most once in keyInterval; a request within it is sent at its end, unless
// a key frame came by then. It may be called from the forward path.
func (u *uplink) requestKey(now int64) {
	if l := u.want.Load(); l != nil && u.video {
		l.requestKey(now)
	}
}

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
				l.goPLI()
			}
		})
		return
	}
	l.keyAsked = now
	l.goPLI()
}

// goPLI sends the request from a goroutine of its own: the caller may hold a slot's lock and be in a hurry.
func (l *layer) goPLI() {
	if l.up.s.track(1) {
		go func() {
			defer l.up.s.untrack()
			l.sendPLI()
		}()
	}
}

func (l *layer) sendPLI() {
	l.up.s.f.m.plis.Add(1)
	l.up.s.writeRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: l.ssrc}})
}

// readRTCP owns the layer's RTCP: its sender reports go to the slots.
func (l *layer) readRTCP() {
	defer l.up.s.untrack()
	b := make([]byte, packetBytes)
	for {
		var n int
		var err error
		if l.rid != "" {
			n, _, err = l.receiver.ReadSimulcast(b, l.rid)
		} else {
			n, _, err = l.receiver.Read(b)
		}
		if err != nil {
			if errors.Is(err, io.ErrShortBuffer) {
				continue
			}
			return
		}
		packets, err := rtcp.Unmarshal(b[:n])
		if err != nil {
			continue
		}
		for _, p := range packets {
			sr, ok := p.(*rtcp.SenderReport)
			if !ok || sr.SSRC != l.ssrc {
				continue
			}
			l.report(sr)
		}
	}
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
	u.want.CompareAndSwap(l, nil)
	l.ring.release()
}
