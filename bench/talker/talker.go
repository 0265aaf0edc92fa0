package talker

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"atrium/bench/impair"
	"atrium/bench/measure"
	"atrium/bench/peer"
	"atrium/bench/stamp"
)

// Options say who talks and over which network.
type Options struct {
	Peer peer.Options // its Hooks are the talker's
	// Impair, if not nil, puts the talker behind links of this quality.
	Impair *impair.Options
	// FPS of the camera; zero: 15.
	FPS int
	// Event is called for each event, after it was logged. It must not block.
	Event func(*Talker, peer.Event)
}

// Source is one kind of media of one sender.
type Source struct {
	From uuid.UUID
	Kind peer.Kind
}

// Drop is an RTP packet that the talker's own network lost.
type Drop struct {
	At   time.Time
	In   bool
	SSRC uint32
	RTP  uint16
}

// Talker is a person who talks and shows themselves from Start to Stop.
type Talker struct {
	// Static after construction.
	Name   string
	Peer   *peer.Peer
	ID     uuid.UUID
	Muted  bool
	Blind  bool // has no camera
	cancel context.CancelFunc
	wg     sync.WaitGroup
	key    atomic.Bool // somebody wants a key frame

	// Guarded by mu.
	mu      sync.Mutex
	sent    [2][]time.Time
	heard   map[Source][]measure.Arrival
	events  []peer.Event
	drops   []Drop
	uplinks map[uint32]peer.Uplink
	full    int // packets that a queue of the impaired network had no room for
	foreign int // packets whose stamp names another sender than SLOTS did
	strange int // packets without a stamp
}

// Start connects, joins and begins to talk.
func Start(ctx context.Context, o Options) (*Talker, error) {
	t := &Talker{
		Name: o.Peer.Name, Muted: o.Peer.Muted, Blind: o.Peer.NoCamera,
		heard: make(map[Source][]measure.Arrival), uplinks: make(map[uint32]peer.Uplink),
	}
	t.key.Store(true) // a camera begins with one
	if o.Impair != nil {
		bad := *o.Impair
		bad.Dropped = t.dropped
		n, err := impair.New(bad)
		if err != nil {
			return nil, fmt.Errorf("talker: impaired network: %w", err)
		}
		o.Peer.Net = n
	}
	o.Peer.Hooks = peer.Hooks{
		Packet: t.packet,
		Event: func(e peer.Event) {
			t.mu.Lock()
			t.events = append(t.events, e)
			t.mu.Unlock()
			if o.Event != nil {
				o.Event(t, e)
			}
		},
		KeyFrame: func(k peer.Kind) {
			if k == peer.Video {
				t.key.Store(true)
			}
		},
		Uplink: func(u peer.Uplink) {
			t.mu.Lock()
			t.uplinks[u.SSRC] = u
			t.mu.Unlock()
		},
	}
	p, err := peer.Dial(ctx, o.Peer)
	if err != nil {
		return nil, err
	}
	t.Peer, t.ID = p, p.ID()
	life, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	if !t.Muted {
		t.wg.Go(func() { t.talk(life) })
	}
	if !t.Blind {
		fps := o.FPS
		if fps == 0 {
			fps = 15
		}
		t.wg.Go(func() { t.show(life, fps) })
	}
	return t, nil
}

// Stop leaves.
func (t *Talker) Stop(ctx context.Context) error {
	t.cancel()
	t.wg.Wait()
	return t.Peer.Close(ctx)
}

// pace calls f at a steady rate until ctx is over. A late call is made up for: like a sound card, it owes each one.
func pace(ctx context.Context, every time.Duration, f func(now time.Time)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	next := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		for now := time.Now(); !next.After(now); next = next.Add(every) {
			f(time.Now())
		}
		timer.Reset(time.Until(next))
	}
}

func (t *Talker) talk(ctx context.Context) {
	src := stamp.NewAudio(t.ID)
	pace(ctx, stamp.AudioInterval, func(now time.Time) {
		pkt, s := src.Next(now)
		t.log(peer.Audio, s)
		_ = t.Peer.WriteRTP(peer.Audio, pkt) // a connection that just closed is no news here
	})
}

func (t *Talker) show(ctx context.Context, fps int) {
	src := stamp.NewVideo(t.ID, fps)
	pace(ctx, src.Interval(), func(now time.Time) {
		pkts, stamps := src.Next(now, t.key.Swap(false))
		for i, pkt := range pkts {
			t.log(peer.Video, stamps[i])
			_ = t.Peer.WriteRTP(peer.Video, pkt)
		}
	})
}

func (t *Talker) log(kind peer.Kind, s stamp.Stamp) {
	t.mu.Lock()
	t.sent[kind] = append(t.sent[kind], s.Sent)
	t.mu.Unlock()
}

func (t *Talker) packet(p peer.Packet) {
	s, err := stamp.Read(stamp.Kind(p.Kind), p.RTP.Payload)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.strange++
		return
	}
	if p.From != uuid.Nil && p.From != s.Sender {
		t.foreign++
	}
	src := Source{From: s.Sender, Kind: p.Kind}
	t.heard[src] = append(t.heard[src], measure.Arrival{
		At: p.At, Sequence: s.Sequence, Way: measure.Way(p.Way), SSRC: p.SSRC, RTP: p.RTP.SequenceNumber,
	})
}

// dropped logs the RTP packets among what the network lost. Relayed ones are looked at within their ChannelData
// (RFC 8656, section 12.4).
func (t *Talker) dropped(d impair.Drop) {
	b := d.Data
	if len(b) > 4 && b[0] >= 0x40 && b[0] < 0x80 {
		b = b[4:]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.Full {
		t.full++
	}
	if len(b) < 12 || b[0]>>6 != 2 {
		return
	}
	if pt := b[1] & 0x7f; pt >= 64 && pt < 96 {
		return // RTCP (RFC 5761, section 4)
	}
	t.drops = append(t.drops, Drop{
		At: time.Now(), In: d.Direction == impair.In,
		RTP:  uint16(b[2])<<8 | uint16(b[3]),
		SSRC: uint32(b[8])<<24 | uint32(b[9])<<16 | uint32(b[10])<<8 | uint32(b[11]),
	})
}

// Counts tells how many packets came of each source by each way.
func (t *Talker) Counts() map[Source][2]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[Source][2]int, len(t.heard))
	for s, arrivals := range t.heard {
		n := out[s]
		for _, a := range arrivals {
			n[a.Way]++
		}
		out[s] = n
	}
	return out
}

// Last is the packet of a source that came last.
func (t *Talker) Last(s Source) (measure.Arrival, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.heard[s]
	if len(a) == 0 {
		return measure.Arrival{}, false
	}
	return a[len(a)-1], true
}

// Sends says whether the talker sends a kind.
func (t *Talker) Sends(k peer.Kind) bool {
	return (k == peer.Audio && !t.Muted) || (k == peer.Video && !t.Blind)
}

// Happened finds the first event of a type at or after a time for which match holds (nil: any).
func (t *Talker) Happened(typ peer.EventType, after time.Time, match func(peer.Event) bool) (peer.Event, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.events {
		if e.Type == typ && !e.At.Before(after) && (match == nil || match(e)) {
			return e, true
		}
	}
	return peer.Event{}, false
}
