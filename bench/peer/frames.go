package peer

import (
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

const (
	// window is how many packets may be held to be put in order: two seconds of a small picture.
	window = 256
	// patience is how long a gap may wait for a retransmission before a decoder would ask for a key frame.
	patience = 300 * time.Millisecond
)

// frames follows a VP8 stream as a decoder does, without decoding: a frame counts as decoded when it is whole and everything
// since a key frame was (RFC 7741, section 4.3).
type frames struct {
	slots   [window]entry
	started bool
	next    uint16    // the sequence number to be taken next
	newest  uint16    // the highest one seen
	gap     time.Time // since when next is missing

	intact bool // everything since a key frame came
	inside bool // between the first and the last packet of a frame that may be decoded
}

type entry struct {
	seq    uint16
	filled bool
	first  bool // begins a frame
	key    bool
	last   bool // ends a frame
}

func newFrames() *frames { return &frames{} }

// push takes a packet and says whether a frame was decoded and whether a key frame is needed to go on.
func (f *frames) push(p *rtp.Packet, now time.Time) (decoded, needKey bool) {
	var vp8 codecs.VP8Packet
	payload, err := vp8.Unmarshal(p.Payload)
	if err != nil {
		return false, !f.intact
	}
	seq := p.SequenceNumber
	if !f.started {
		f.started, f.next, f.newest = true, seq, seq
	}
	if int16(seq-f.next) < 0 { // late: given up already, or seen
		return false, !f.intact
	}
	if int16(seq-f.newest) > 0 {
		f.newest = seq
	}
	if f.newest-f.next >= window {
		f.skip(seq)
	}
	first := vp8.S == 1 && vp8.PID == 0
	f.slots[seq%window] = entry{
		seq: seq, filled: true, first: first, key: first && len(payload) > 0 && payload[0]&1 == 0, last: p.Marker,
	}
	decoded = f.drain()
	if f.newest != f.next-1 {
		switch {
		case f.gap.IsZero():
			f.gap = now
		case now.Sub(f.gap) > patience:
			f.giveUp()
			decoded = f.drain() || decoded
		}
	}
	if f.newest == f.next-1 {
		f.gap = time.Time{}
	}
	return decoded, !f.intact
}

// drain takes what is in order.
func (f *frames) drain() (decoded bool) {
	for {
		e := &f.slots[f.next%window]
		if !e.filled || e.seq != f.next {
			return decoded
		}
		e.filled = false
		f.next++
		f.gap = time.Time{}
		if e.key {
			f.intact = true
		}
		if e.first {
			f.inside = f.intact
		}
		if e.last {
			decoded = decoded || f.inside
			f.inside = false
		}
	}
}

// giveUp passes over a gap: what follows cannot be decoded before the next key frame.
func (f *frames) giveUp() {
	f.intact, f.inside, f.gap = false, false, time.Time{}
	for f.next != f.newest+1 {
		if e := &f.slots[f.next%window]; e.filled && e.seq == f.next {
			return
		}
		f.next++
	}
}

// skip begins anew at seq.
func (f *frames) skip(seq uint16) {
	f.slots = [window]entry{}
	f.intact, f.inside, f.gap = false, false, time.Time{}
	f.next, f.newest = seq, seq
}
