package relay

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Pacing is how a flow's packets lie in time.
type Pacing string

// The pacings that are measured.
const (
	// Even: every packet by itself, as far from the others as the rate allows. Nothing can be batched.
	Even Pacing = "even"
	// Browser: 30 frames a second, whose packets leave as libwebrtc's pacer sends them: every 5 ms, at 2.5 times the rate.
	Browser Pacing = "browser"
	// Bursts: 30 frames a second, each sent at once.
	Bursts Pacing = "bursts"
)

const (
	frameRate = 30
	paceTick  = 5 * time.Millisecond
	paceOver  = 2.5
)

// event is n packets of one flow, sent back to back.
type event struct {
	at      time.Duration // within the second
	flow, n int
}

// timeline is one second of all flows, which send pps packets in it. Their frames are spread over the frame's time.
func timeline(p Pacing, flows, pps int) ([]event, error) {
	var all []event
	switch p {
	case Even:
		for k := range pps {
			all = append(all, event{time.Duration(k) * time.Second / time.Duration(pps), k % flows, 1})
		}
	case Browser, Bursts:
		for f := range flows {
			rate := pps / flows
			if f < pps%flows {
				rate++
			}
			most := rate // in one event
			if p == Browser {
				most = max(1, int(paceOver*float64(rate)*paceTick.Seconds()+0.999))
			}
			for k := range frameRate {
				at := (time.Duration(k)*time.Second + time.Duration(f)*time.Second/time.Duration(flows)) / frameRate
				for n := rate*(k+1)/frameRate - rate*k/frameRate; n > 0; n -= most {
					all = append(all, event{at, f, min(n, most)})
					at += paceTick
				}
			}
		}
		slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	default:
		return nil, fmt.Errorf("relay: pacing %q is none of even, browser, bursts", p)
	}
	return all, nil
}
