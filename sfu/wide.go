package sfu

import (
	"encoding/binary"
	"time"
)

const (
	rtcpReport   = 201 // RFC 3550, section 6.4.2
	rtcpSources  = 202
	rtcpGoodbye  = 203
	rtcpFeedback = 205 // RFC 4585, section 6.2
	wideFormat   = 15

	wideTick = 250 * time.Microsecond
)

// wideFeedback is a transport-wide feedback message (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1). It is read
// where it stands: every receiver sends ten a second and more, and each speaks of many packets.
type wideFeedback struct {
	base, count uint16
	reference   uint32 // in 64 ms, 24 bits
	chunks      []byte
	deltas      []byte
}

func readWide(p []byte) (f wideFeedback, ok bool) {
	if len(p) < 20 {
		return f, false
	}
	f.base, f.count = binary.BigEndian.Uint16(p[12:]), binary.BigEndian.Uint16(p[14:])
	f.reference = binary.BigEndian.Uint32(p[16:]) >> 8
	rest := p[20:]
	n := 0
	for seen := 0; seen < int(f.count); n += 2 {
		if len(rest) < n+2 {
			return f, false
		}
		switch c := binary.BigEndian.Uint16(rest[n:]); {
		case c&0x8000 == 0:
			seen += int(c & 0x1fff)
			if c&0x1fff == 0 {
				return f, false
			}
		case c&0x4000 == 0:
			seen += 14
		default:
			seen += 7
		}
	}
	f.chunks, f.deltas = rest[:n], rest[n:]
	return f, true
}

// each calls one with every packet in order: whether it came, and how long after the one before that came. False: the message
// ends before its packets do.
func (f *wideFeedback) each(one func(seq uint16, came bool, delta time.Duration)) bool {
	seq, left, deltas := f.base, int(f.count), f.deltas
	tell := func(symbol uint16) bool {
		var delta time.Duration
		switch symbol {
		case 1:
			if len(deltas) < 1 {
				return false
			}
			delta, deltas = time.Duration(deltas[0])*wideTick, deltas[1:]
		case 2:
			if len(deltas) < 2 {
				return false
			}
			delta, deltas = time.Duration(int16(binary.BigEndian.Uint16(deltas)))*wideTick, deltas[2:]
		case 3:
			return false
		}
		one(seq, symbol != 0, delta)
		seq++
		left--
		return true
	}
	for i := 0; i < len(f.chunks); i += 2 {
		c := binary.BigEndian.Uint16(f.chunks[i:])
		switch {
		case c&0x8000 == 0: // a run
			for range min(int(c&0x1fff), left) {
				if !tell(c >> 13 & 3) {
					return false
				}
			}
		case c&0x4000 == 0: // 14 symbols of a bit
			for k := 13; k >= 0 && left > 0; k-- {
				if !tell(c >> k & 1) {
					return false
				}
			}
		default: // 7 symbols of two bits
			for k := 12; k >= 0 && left > 0; k -= 2 {
				if !tell(c >> k & 3) {
					return false
				}
			}
		}
	}
	return true
}
