package squeeze

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"atrium/bench/impair"
	"atrium/bench/peer"
)

const (
	audioEvery = 20 * time.Millisecond
	audioSize  = 100
)

// Show is what a sender makes of its camera.
type Show struct {
	KeySize  float64       // a key frame is so much larger than another
	KeyEvery time.Duration // by itself, all senders at the same moment; 0: only when asked
}

// Sender talks and shows itself in all layers.
type Sender struct {
	Peer *peer.Peer

	cancel context.CancelFunc
	wg     sync.WaitGroup
	keys   []atomic.Bool
	audio  atomic.Int64 // packets sent
}

// Send joins and sends until Stop.
func Send(ctx context.Context, url, name string, show Show) (*Sender, error) {
	layers := Layers()
	s := &Sender{keys: make([]atomic.Bool, len(layers))}
	o := peer.Options{URL: url, Name: name, Loopback: true, AudioSlots: 1, VideoSlots: 1,
		Hooks: peer.Hooks{LayerKeyFrame: func(i int) { s.keys[i].Store(true) }}}
	for i, l := range layers {
		o.Layers = append(o.Layers, l.RID)
		s.keys[i].Store(true)
	}
	var err error
	if s.Peer, err = peer.Dial(ctx, o); err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.wg.Go(func() {
		seq := uint16(0)
		pace(life, audioEvery, func(time.Time) {
			seq++
			said := make([]byte, audioSize)
			binary.BigEndian.PutUint64(said, uint64(time.Now().UnixNano()))
			if s.Peer.WriteRTP(peer.Audio, &rtp.Packet{
				Header:  rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(seq) * 960},
				Payload: said,
			}) == nil {
				s.audio.Add(1)
			}
		})
	})
	for i, l := range layers {
		s.wg.Go(func() {
			c := &camera{l: l, n: byte(i), key: show.KeySize}
			last := time.Time{}
			pace(life, time.Second/fps, func(now time.Time) {
				if show.KeyEvery > 0 {
					if due := now.Truncate(show.KeyEvery); due.After(last) {
						last = due
						s.keys[i].Store(true)
					}
				}
				for _, p := range c.frame(now, s.keys[i].Swap(false)) {
					_ = s.Peer.WriteLayer(i, p) // a connection that just closed is no news here
				}
			})
		})
	}
	return s, nil
}

// Stop leaves.
func (s *Sender) Stop(ctx context.Context) error {
	s.cancel()
	s.wg.Wait()
	return s.Peer.Close(ctx)
}

// pace calls f at a steady rate until ctx is over.
func pace(ctx context.Context, every time.Duration, f func(now time.Time)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			f(now)
		}
	}
}

// Frame is the beginning of a frame that came.
type Frame struct {
	At    time.Time
	Mid   string // of the slot
	Layer int
}

// Heard is a packet of audio that came.
type Heard struct {
	At    time.Time
	Mid   string
	Seq   uint16
	After time.Duration // it was sent
}

// Receiver is behind a link that can be made narrow.
type Receiver struct {
	Peer *peer.Peer
	Net  *impair.Net

	// Guarded by mu.
	mu     sync.Mutex
	frames []Frame
	audio  []Heard
	bytes  int64 // of media that came
}

// Receive joins behind a link, with slots for so many senders.
func Receive(ctx context.Context, url string, senders int, in impair.Link, back impair.Link) (*Receiver, error) {
	n, err := impair.New(impair.Options{In: in, Out: back, Seed: 1})
	if err != nil {
		return nil, fmt.Errorf("squeeze: %w", err)
	}
	r := &Receiver{Net: n}
	r.Peer, err = peer.Dial(ctx, peer.Options{
		URL: url, Name: "receiver", Loopback: true, Muted: true, NoCamera: true, AudioSlots: senders, VideoSlots: senders, Net: n,
		FeedbackEvery: 50 * time.Millisecond, // as Chromium does at these rates
		Hooks:         peer.Hooks{Packet: r.packet},
	})
	return r, err
}

func (r *Receiver) packet(p peer.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes += int64(len(p.RTP.Payload))
	if p.Kind == peer.Audio {
		h := Heard{At: p.At, Mid: p.Mid, Seq: p.RTP.SequenceNumber}
		if said := p.RTP.Payload; len(said) == audioSize {
			h.After = p.At.Sub(time.Unix(0, int64(binary.BigEndian.Uint64(said))))
		}
		r.audio = append(r.audio, h)
		return
	}
	if layer, _, ok := layerOf(p.RTP.Payload); ok {
		r.frames = append(r.frames, Frame{p.At, p.Mid, int(layer)})
	}
}

// Arrived gives what has come so far.
func (r *Receiver) Arrived() (frames []Frame, audio []Heard, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Frame(nil), r.frames...), append([]Heard(nil), r.audio...), r.bytes
}

// Stop leaves.
func (r *Receiver) Stop(ctx context.Context) error { return r.Peer.Close(ctx) }
