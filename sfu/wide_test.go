package sfu

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

// What Pion's recorder writes is read as it was recorded, whatever was lost on the way.
func TestWideFeedbackSaysWhatCame(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, loss := range []float64{0, 0.02, 0.5, 0.9} {
		rec := twcc.NewRecorder(1)
		at := map[uint16]int64{}
		now := int64(10_000_000)
		for n := range 3000 {
			now += int64(r.IntN(30_000))
			if r.Float64() >= loss {
				seq := uint16(65000 + n)
				at[seq] = now
				rec.Record(5, seq, now)
			}
			if n%200 != 199 {
				continue
			}
			for _, p := range rec.BuildFeedbackPacket() {
				raw, err := rtcp.Marshal([]rtcp.Packet{p})
				if err != nil {
					t.Fatal(err)
				}
				f, ok := readWide(raw)
				if !ok {
					t.Fatal("not read")
				}
				came, when := 0, int64(f.reference)*64_000
				ok = f.each(func(seq uint16, here bool, delta time.Duration) {
					want, sent := at[seq]
					if here != sent {
						t.Fatalf("packet %d: came %v, want %v", seq, here, sent)
					}
					if !here {
						return
					}
					came++
					when += delta.Microseconds()
					if d := when - want; d < -250 || d > 250 {
						t.Fatalf("packet %d: %d us from when it came", seq, d)
					}
				})
				if !ok || loss < 0.5 && came == 0 {
					t.Fatalf("%v, %d came", ok, came)
				}
			}
		}
	}
}

func FuzzWideFeedback(f *testing.F) {
	f.Add([]byte{0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 3, 0, 0, 1, 0, 0x20, 3, 4, 5, 6, 0})
	f.Fuzz(func(t *testing.T, p []byte) {
		w, ok := readWide(p)
		if !ok {
			return
		}
		n := 0
		w.each(func(uint16, bool, time.Duration) { n++ })
		if n > int(w.count) {
			t.Fatalf("%d packets of %d", n, w.count)
		}
	})
}
