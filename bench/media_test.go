package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"atrium/bench/peer"
)

// TestRealMedia publishes a file of VP8 and one of Opus, and expects every frame of them, byte for byte, at the other end of each
// topology.
func TestRealMedia(t *testing.T) {
	pictures, sounds := readIVF(t, "testdata/vp8.ivf"), readOgg(t, "testdata/opus.ogg")
	for topology, c := range map[peer.Topology]struct {
		promoteAt int
		relay     bool
		way       peer.Way
		local     string
	}{
		peer.Direct: {promoteAt: 5, way: peer.WayP2P, local: "host/udp"},
		peer.Relay:  {promoteAt: 5, relay: true, way: peer.WayP2P, local: "relay/udp"},
		peer.SFU:    {promoteAt: 2, way: peer.WaySFU, local: "host/udp"},
	} {
		t.Run(string(topology), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			n, stop, err := ownNode{
				PromoteAt: c.promoteAt, DemoteAt: 1, Grace: time.Second, DemoteAfter: time.Minute, Dwell: time.Second,
			}.start(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := stop(); err != nil {
					t.Errorf("the node did not end: %v", err)
				}
			}()
			o := peer.Options{
				URL: n.Addrs.HTTP, Loopback: true, ForceRelay: c.relay, RelayProtocol: "udp",
				AudioSlots: 2, VideoSlots: 2, ICEPatience: 3 * time.Second,
			}
			o.Name = "publisher"
			publisher := dial(ctx, t, o)
			var got recorder
			o.Name, o.Muted, o.NoCamera, o.Hooks.Packet = "receiver", true, true, got.packet
			receiver := dial(ctx, t, o)

			ready := func(s peer.State) bool { return s.Topology == topology && connected(s) }
			if topology == peer.SFU {
				// Committed: everybody hears everybody by the SFU, and nothing is left of the peer-to-peer connections.
				ready = func(s peer.State) bool {
					return s.Topology == topology && s.Epoch > 0 && s.SFU.Reported && !s.Changing && !connected(s)
				}
			}
			for _, p := range []*peer.Peer{publisher, receiver} {
				if err := p.Wait(ctx, ready); err != nil {
					t.Fatalf("%s is not reached: %v: %+v", topology, err, p.State())
				}
			}
			if s := receiver.State(); topology == peer.SFU && s.SFU.Local != c.local {
				t.Errorf("the SFU is reached by %s, not %s", s.SFU.Local, c.local)
			} else if topology != peer.SFU && s.Peers[publisher.ID()].Local != c.local {
				t.Errorf("the publisher is reached by %s, not %s", s.Peers[publisher.ID()].Local, c.local)
			}
			play(ctx, t, publisher, pictures, sounds)
			err = poll(ctx, 5*time.Second, func() bool {
				return len(got.frames(peer.Video)) >= len(pictures) && len(got.frames(peer.Audio)) >= len(sounds)
			})
			if err != nil {
				t.Errorf("not everything came: %d of %d pictures, %d of %d sounds", len(got.frames(peer.Video)), len(pictures),
					len(got.frames(peer.Audio)), len(sounds))
			}
			compare(t, "picture", got.frames(peer.Video), pictures)
			compare(t, "sound", got.frames(peer.Audio), sounds)
			if from, by := got.origin(); from != publisher.ID() || by != c.way {
				t.Errorf("the packets came from %s by %s, not from %s by %s", from, by, publisher.ID(), c.way)
			}
		})
	}
}

func dial(ctx context.Context, t *testing.T, o peer.Options) *peer.Peer {
	t.Helper()
	p, err := peer.Dial(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

// play sends both files at twice their pace.
func play(ctx context.Context, t *testing.T, p *peer.Peer, pictures, sounds [][]byte) {
	t.Helper()
	var playing sync.WaitGroup
	defer playing.Wait()
	playing.Go(func() {
		seq, payloader := uint16(65500), &codecs.VP8Payloader{EnablePictureID: true}
		next(ctx, len(pictures), time.Second/30, func(i int) {
			payloads := payloader.Payload(1100, pictures[i])
			for k, payload := range payloads {
				write(t, p, peer.Video, payload, seq, uint32(i*90000/15), k == len(payloads)-1)
				seq++
			}
		})
	})
	playing.Go(func() {
		next(ctx, len(sounds), 10*time.Millisecond, func(i int) {
			write(t, p, peer.Audio, sounds[i], uint16(i), uint32(i*960), i == 0)
		})
	})
}

// next calls f n times at a pace.
func next(ctx context.Context, n int, every time.Duration, f func(int)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range n {
		f(i)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func write(t *testing.T, p *peer.Peer, kind peer.Kind, payload []byte, seq uint16, timestamp uint32, marker bool) {
	t.Helper()
	err := p.WriteRTP(kind, &rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: timestamp, Marker: marker},
		Payload: payload,
	})
	if err != nil {
		t.Error(err)
	}
}

// recorder keeps what came and puts it together again.
type recorder struct {
	mu      sync.Mutex
	packets [2][]*rtp.Packet
	from    uuid.UUID
	way     peer.Way
}

func (r *recorder) packet(p peer.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packets[p.Kind] = append(r.packets[p.Kind], p.RTP.Clone())
	if p.From != uuid.Nil {
		r.from = p.From
	}
	r.way = p.Way
}

func (r *recorder) origin() (uuid.UUID, peer.Way) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from, r.way
}

// frames gives what came of a kind, in order and each once, as whole frames.
func (r *recorder) frames(kind peer.Kind) [][]byte {
	r.mu.Lock()
	packets := slices.Clone(r.packets[kind])
	r.mu.Unlock()
	// Wherever the numbers begin, a few hundred packets lie within half of their circle.
	slices.SortStableFunc(packets, func(a, b *rtp.Packet) int {
		return int(int16(a.SequenceNumber - b.SequenceNumber))
	})
	packets = slices.CompactFunc(packets, func(a, b *rtp.Packet) bool { return a.SequenceNumber == b.SequenceNumber })
	var (
		frames [][]byte
		frame  []byte
	)
	for _, p := range packets {
		if kind == peer.Audio {
			frames = append(frames, p.Payload)
			continue
		}
		var vp8 codecs.VP8Packet
		part, err := vp8.Unmarshal(p.Payload)
		if err != nil {
			continue
		}
		if vp8.S == 1 && vp8.PID == 0 {
			frame = nil
		}
		frame = append(frame, part...)
		if p.Marker {
			frames = append(frames, frame)
		}
	}
	return frames
}

func compare(t *testing.T, what string, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d %ss came, not %d", len(got), what, len(want))
	}
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("%s %d came as %d bytes that are not the file's %d", what, i, len(got[i]), len(want[i]))
			return
		}
	}
}

func readIVF(t *testing.T, file string) [][]byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, _, err := ivfreader.NewWith(f)
	if err != nil {
		t.Fatal(err)
	}
	var frames [][]byte
	for {
		frame, _, err := r.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame)
	}
}

// readOgg gives the packets of an Ogg Opus file whose pages hold one each, without its two headers (RFC 7845, section 3).
func readOgg(t *testing.T, file string) [][]byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, _, err := oggreader.NewWith(f) // reads the first header
	if err != nil {
		t.Fatal(err)
	}
	var packets [][]byte
	for {
		page, _, err := r.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(page, []byte("OpusTags")) {
			packets = append(packets, page)
		}
	}
}
