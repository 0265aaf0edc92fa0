package measure

import (
	"slices"
	"time"
)

// Way is the way that a packet came: 0 and 1 for a pair's own connection and the SFU.
type Way uint8

// Arrival is one packet of one sender and kind at one receiver.
type Arrival struct {
	At       time.Time
	Sequence uint64 // of the stamp
	Way      Way
	SSRC     uint32 // as received
	RTP      uint16 // sequence number as received
}

// Stream is what one sender sent of one kind and what one receiver got of it.
type Stream struct {
	Sent     []time.Time // by stamp sequence
	Arrivals []Arrival   // in the order they came
	// Dropped tells whether the path lost a packet; nil: it lost none.
	Dropped func(sequence uint64) bool
}

// Window is the time that is looked at.
type Window struct{ From, To time.Time }

// holds: the window is closed at its beginning and open at its end.
func (w Window) holds(t time.Time) bool { return !t.Before(w.From) && t.Before(w.To) }

// Result is what became of a stream within a window.
type Result struct {
	Sent    int // packets sent within the window and after the first that came
	Lost    int // of these, came by no way, and the path did not lose them
	OnPath  int // came by no way because the path lost them
	Doubled int // came twice by one way
	Both    int // came by both ways
	Ways    [2]int
	// Gap is the longest silence between two packets that would be played, whichever way they came, minus the time in which
	// the sender was silent itself.
	Gap   time.Duration
	GapAt time.Time
}

// Of looks at a stream through a window. Loss is counted from the first packet that ever came (before it, nothing was
// promised), and to the end of the window; the caller lets some time pass after it, so that what is on its way counts.
func (s *Stream) Of(w Window) Result {
	var r Result
	if len(s.Arrivals) == 0 {
		return r
	}
	var (
		seen  = make(map[uint64][2]int)
		first = s.Arrivals[0].Sequence
		last  *Arrival // the packet last played
	)
	for i := range s.Arrivals {
		a := &s.Arrivals[i]
		first = min(first, a.Sequence)
		n := seen[a.Sequence]
		fresh := n[0]+n[1] == 0
		n[a.Way]++
		seen[a.Sequence] = n
		if !fresh {
			continue
		}
		if last != nil && a.Sequence > last.Sequence && w.holds(a.At) {
			if gap := a.At.Sub(last.At) - s.interval(a.Sequence); gap > r.Gap {
				r.Gap, r.GapAt = gap, last.At
			}
		}
		if last == nil || a.Sequence > last.Sequence {
			last = a
		}
	}
	begin, _ := slices.BinarySearchFunc(s.Sent, w.From, time.Time.Compare)
	end, _ := slices.BinarySearchFunc(s.Sent, w.To, time.Time.Compare)
	for seq := max(uint64(begin), first); seq < uint64(end); seq++ {
		r.Sent++
		n := seen[seq]
		switch {
		case n[0]+n[1] == 0 && s.Dropped != nil && s.Dropped(seq):
			r.OnPath++
		case n[0]+n[1] == 0:
			r.Lost++
		case n[0] > 0 && n[1] > 0:
			r.Both++
		}
		for way, c := range n {
			r.Ways[way] += min(c, 1)
			r.Doubled += max(c-1, 0)
		}
	}
	return r
}

// GapOneWay is the longest silence, as in Of, for a player that never mixes the ways: it plays the old one until the first packet
// comes by the new one, and from then on the new one only, each packet once.
func (s *Stream) GapOneWay(w Window, to Way) time.Duration {
	var (
		gap  time.Duration
		last *Arrival
		over bool
	)
	for i := range s.Arrivals {
		a := &s.Arrivals[i]
		over = over || (a.Way == to && !a.At.Before(w.From))
		if over && a.Way != to || last != nil && a.Sequence <= last.Sequence {
			continue
		}
		if last != nil && w.holds(a.At) {
			gap = max(gap, a.At.Sub(last.At)-s.interval(a.Sequence))
		}
		last = a
	}
	return gap
}

// interval is how long the sender was silent before a packet. Its own lateness is not the network's.
func (s *Stream) interval(seq uint64) time.Duration {
	if seq == 0 || seq >= uint64(len(s.Sent)) {
		return 0
	}
	return s.Sent[seq].Sub(s.Sent[seq-1])
}

// FirstBy is when the first packet sent at or after a time came by a way; zero: none did.
func (s *Stream) FirstBy(way Way, after time.Time) time.Time {
	for _, a := range s.Arrivals {
		if a.Way == way && a.Sequence < uint64(len(s.Sent)) && !s.Sent[a.Sequence].Before(after) {
			return a.At
		}
	}
	return time.Time{}
}

// Percentile is by nearest rank; the slice is sorted in place.
func Percentile(d []time.Duration, p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	i := int(p/100*float64(len(d))+0.9999999) - 1
	return d[min(max(i, 0), len(d)-1)]
}
