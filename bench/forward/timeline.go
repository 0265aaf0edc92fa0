package forward

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Shape is how a camera's packets lie in time and what sizes they have.
type Shape string

// The shapes that are measured.
const (
	// Bursts: every frame is equal packets of 1,200 bytes, sent at once.
	Bursts Shape = "bursts"
	// Browser: frames have the sizes that VP8 makes of them at a constant rate, split as libwebrtc splits them into packets of
	// nearly equal size, and leave as its pacer sends them: every 5 ms, at 2.5 times the rate.
	Browser Shape = "browser"
)

const (
	videoBits  = 1_500_000 // a second
	videoSize  = 1200      // bytes of an RTP packet
	frameRate  = 30
	audioRate  = 50
	audioBytes = 100 // of an RTP packet: 32 kbit/s of Opus, header, level
	paceTick   = 5 * time.Millisecond
	paceOver   = 2.5
)

// event is what one member sends at one moment of the timeline.
type event struct {
	at     time.Duration // within the second
	from   int           // sender
	video  bool
	sizes  []int // of the RTP packets
	begins bool  // the first packet begins a frame
	ends   bool  // the last packet ends one
}

// timeline is one second of all who send, spread over a frame's time.
func timeline(s Shape, kinds []Kind) ([]event, error) {
	var all []event
	r := rand.New(rand.NewPCG(1, 2))
	senders, rank := 0, 0
	for _, k := range kinds {
		if k.sends() {
			senders++
		}
	}
	for i, k := range kinds {
		if !k.sends() {
			continue
		}
		shift := time.Duration(rank) * time.Second / time.Duration(senders*frameRate)
		rank++
		if k.Mic {
			for n := range audioRate {
				at := shift/2 + time.Duration(n)*time.Second/audioRate
				all = append(all, event{at: at, from: i, sizes: []int{audioBytes}})
			}
		}
		if !k.Camera {
			continue
		}
		switch s {
		case Bursts:
			per := videoBits / 8 / float64(videoSize) / frameRate
			for n := range frameRate {
				count := int(per*float64(n+1)+0.5) - int(per*float64(n)+0.5)
				sizes := slices.Repeat([]int{videoSize}, count)
				all = append(all, event{shift + time.Duration(n)*time.Second/frameRate, i, true, sizes, true, true})
			}
		case Browser:
			all = append(all, paced(r, i, shift)...)
		default:
			return nil, fmt.Errorf("forward: shape %q is none of bursts, browser", s)
		}
	}
	for i := range all {
		all[i].at = min(all[i].at, time.Second-time.Microsecond)
	}
	slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return all, nil
}

// paced is a second of one camera with a browser's sizes and pacing. The sizes of delta frames of a camera at a constant rate
// are close to log-normal; a third of the frames, those that others refer to, are larger.
func paced(r *rand.Rand, from int, shift time.Duration) (all []event) {
	var frames [frameRate]float64
	sum := 0.0
	for n := range frames {
		frames[n] = math.Exp(0.3 * r.NormFloat64())
		if n%3 == 0 {
			frames[n] *= 1.5
		}
		sum += frames[n]
	}
	free := time.Duration(0)
	for n, f := range frames {
		bytes := int(f / sum * videoBits / 8)
		count := (bytes + videoSize - 1) / videoSize
		var sizes []int
		for k := range count { // as RtpPacketizer::SplitAboutEqually: sizes that differ by one
			sizes = append(sizes, bytes*(k+1)/count-bytes*k/count)
		}
		at := max(shift+time.Duration(n)*time.Second/frameRate, free)
		budget := int(videoBits / 8 * paceOver * paceTick.Seconds())
		for first := true; len(sizes) > 0; first = false {
			k, sent := 0, 0
			for k < len(sizes) && (k == 0 || sent+sizes[k] <= budget) {
				sent += sizes[k]
				k++
			}
			all = append(all, event{at, from, true, sizes[:k], first, k == len(sizes)})
			sizes = sizes[k:]
			at += paceTick
		}
		free = at
	}
	return all
}
