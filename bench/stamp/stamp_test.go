package stamp

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/rtp/codecs"
)

func TestAudioRoundTrip(t *testing.T) {
	src := NewAudio(uuid.New())
	now := time.Unix(1700000000, 123456789)
	for i := range 70000 {
		p, want := src.Next(now)
		if int(p.SequenceNumber) != i&0xffff {
			t.Fatalf("packet %d has RTP sequence number %d", i, p.SequenceNumber)
		}
		if got, err := Read(Audio, p.Payload); err != nil || got.Sequence != uint64(i) || got.Sender != want.Sender || !got.Sent.Equal(now) {
			t.Fatalf("packet %d reads %+v, %v", i, got, err)
		}
	}
}

// TestVideoIsVP8 reads what was made with Pion's depacketizer, and the stamps after the picture id was made longer or shorter
// or taken away, as an SFU may.
func TestVideoIsVP8(t *testing.T) {
	src := NewVideo(uuid.New(), 15)
	for frame := range 20 {
		key := frame%10 == 0
		pkts, stamps := src.Next(time.Now(), key)
		for i, p := range pkts {
			var vp8 codecs.VP8Packet
			body, err := vp8.Unmarshal(p.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if begins := vp8.S == 1 && vp8.PID == 0; begins != (i == 0) {
				t.Errorf("frame %d packet %d: begins = %v", frame, i, begins)
			}
			if i == 0 && (body[0]&1 == 0) != key {
				t.Errorf("frame %d: key frame bit is wrong", frame)
			}
			if int(vp8.PictureID) != frame {
				t.Errorf("frame %d has picture id %d", frame, vp8.PictureID)
			}
			if p.Marker != (i == len(pkts)-1) {
				t.Errorf("frame %d packet %d: marker %v", frame, i, p.Marker)
			}
			plain := append([]byte{p.Payload[0] &^ 0x80}, body...)
			short := append([]byte{p.Payload[0], 0x80, 0x11}, body...)
			for form, payload := range map[string][]byte{"long": p.Payload, "short": short, "plain": plain} {
				if got, err := Read(Video, payload); err != nil || got.Sequence != stamps[i].Sequence || got.Kind != Video {
					t.Errorf("frame %d packet %d, %s picture id: %+v, %v", frame, i, form, got, err)
				}
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	a, _ := NewAudio(uuid.Nil).Next(time.Unix(0, 0))
	f.Add(byte(0), a.Payload)
	v, _ := NewVideo(uuid.Nil, 15).Next(time.Unix(0, 0), true)
	f.Add(byte(1), v[0].Payload)
	f.Add(byte(1), []byte{0x90, 0xf0, 0x80})
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		_, _ = Read(Kind(kind%2), payload)
	})
}
