package sfu

import (
	"math"
	"time"

	"github.com/pion/rtcp"
)

// senderReport is what a layer's last sender report (RFC 3550, section 6.4.1) said: which moment of the sender's clock
// belongs to which of its timestamps.
type senderReport struct {
	at    int64  // arrival, monotonic nanoseconds; 0: none came
	ntp   int64  // the sender's wall clock, nanoseconds since 1970
	stamp uint64 // the same as it came
	rtp   uint32
}

const ntpEpoch = 2208988800 // 1970 in seconds since 1900

func ntpToUnix(ntp uint64) int64 {
	return (int64(ntp>>32)-ntpEpoch)*int64(time.Second) + int64((ntp&math.MaxUint32)*uint64(time.Second)>>32)
}

func unixToNTP(ns int64) uint64 {
	sec, frac := ns/int64(time.Second), ns%int64(time.Second)
	return uint64(sec+ntpEpoch)<<32 | uint64(frac)<<32/uint64(time.Second)
}

// report takes a sender report of the uplink and carries it to the slots that the layer feeds.
func (l *layer) report(b *batch, sr *rtcp.SenderReport) {
	r := senderReport{at: l.up.s.f.now(), ntp: ntpToUnix(sr.NTPTime), stamp: sr.NTPTime, rtp: sr.RTPTime}
	l.mu.Lock()
	l.sr = r
	l.mu.Unlock()
	l.up.s.clockOffset(r)
	for _, t := range *l.up.subs.Load() {
		t.sendReport(b, l)
	}
}

func (l *layer) lastReport() senderReport {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sr
}

// clockOffset gives what leads from the sender's wall clock to ours. One for all sources of a session: lip sync needs the
// same shift for sound and picture, and a slot whose source changes must not see the clock jump to another person's.
func (s *session) clockOffset(r senderReport) int64 {
	off := s.f.wall(r.at) - r.ntp
	s.clockMu.Lock()
	defer s.clockMu.Unlock()
	if d := off - s.clockOff; !s.clockSet || d > int64(time.Second) || d < -int64(time.Second) {
		s.clockOff, s.clockSet = off, true
	}
	return s.clockOff
}

// sendReport writes a sender report on the slot's timeline, carried on to this moment, with the CNAME of the stream.
func (t *slot) sendReport(b *batch, l *layer) {
	l.mu.Lock()
	r := l.sr
	l.mu.Unlock()
	if r.at == 0 {
		return
	}
	off := l.up.s.clockOffset(r)
	passed := max(t.s.f.now()-r.at, 0)
	t.mu.Lock()
	if t.cur != l || !t.s.live.Load() {
		t.mu.Unlock()
		return
	}
	sr := &rtcp.SenderReport{
		SSRC:        t.hdr.ssrc,
		NTPTime:     unixToNTP(r.ntp + off + passed),
		RTPTime:     r.rtp + uint32(uint64(passed)/1000*uint64(t.line.rate)/1_000_000) - t.line.seg.tsOff,
		PacketCount: t.packets,
		OctetCount:  t.octets,
	}
	t.mu.Unlock()
	t.s.media.writeRTCP(b, sr, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: t.hdr.ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: t.streamID()}}}}})
}
