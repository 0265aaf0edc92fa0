package sfu

import (
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"atrium/signaling/protocol"
)

var _ webrtc.TrackLocal = (*slot)(nil)

const (
	resendWindow = 100 * time.Millisecond
	resendMost   = 128 // retransmissions of a slot within resendWindow: no NACK makes the SFU a packet gun
)

// slot is one recvonly section of a member: a place that the SFU fills with whom it chooses. Its SSRC, payload type and
// numbering stay the same whoever is in it.
type slot struct {
	// Static after construction.
	s     *session
	mid   string
	nth   int // index k: audio slot k and video slot k share a stream
	video bool

	// Guarded by mu.
	mu       sync.Mutex
	off      bool
	w        webrtc.TrackLocalWriter // nil until bound
	src      *uplink                 // who is chosen; nil: nobody
	cur      *layer                  // who feeds it; nil: a switch is due
	line     timeline
	hdr      rtp.Header
	rtxHdr   rtp.Header
	level    [1]byte
	pt       uint8
	rtxPT    uint8
	ssrc     uint32
	rtxSSRC  uint32
	rtxSeq   uint16
	packets  uint32
	octets   uint32
	keyAsked int64
	resent   int
	resentAt int64
	scratch  []byte // of a video slot: the payload whose descriptor is rewritten
}

func newSlot(s *session, sec section) *slot {
	t := &slot{s: s, mid: sec.mid, nth: sec.nth, video: sec.kind == protocol.Video, off: sec.off}
	t.line = timeline{rate: audioRate, minGap: audioRate / 50}
	if t.video {
		t.line = timeline{rate: videoRate, minGap: videoRate / 30}
	}
	return t
}

// Bind implements webrtc.TrackLocal: the receiver's payload types and header extension ids are known now.
func (t *slot) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	want := webrtc.MimeTypeOpus
	if t.video {
		want = webrtc.MimeTypeVP8
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range ctx.CodecParameters() {
		if !strings.EqualFold(c.MimeType, want) {
			continue
		}
		t.pt, t.ssrc, t.rtxSSRC, t.rtxPT = uint8(c.PayloadType), uint32(ctx.SSRC()), uint32(ctx.SSRCRetransmission()), 0
		apt := "apt=" + strconv.Itoa(int(c.PayloadType))
		for _, r := range ctx.CodecParameters() {
			if strings.EqualFold(r.MimeType, webrtc.MimeTypeRTX) && r.SDPFmtpLine == apt {
				t.rtxPT = uint8(r.PayloadType)
			}
		}
		t.hdr = rtp.Header{Version: 2, SSRC: t.ssrc, PayloadType: t.pt}
		for _, x := range ctx.HeaderExtensions() {
			if x.URI == sdp.AudioLevelURI && !t.video {
				// The element points at t.level; forward only changes the byte and switches the extension on and off.
				if err := t.hdr.SetExtension(uint8(x.ID), t.level[:]); err != nil {
					return webrtc.RTPCodecParameters{}, err
				}
			}
		}
		t.w = ctx.WriteStream()
		return c, nil
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind implements webrtc.TrackLocal.
func (t *slot) Unbind(webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.w = nil
	return nil
}

// ID implements webrtc.TrackLocal.
func (t *slot) ID() string {
	if t.video {
		return "video" + strconv.Itoa(t.nth)
	}
	return "audio" + strconv.Itoa(t.nth)
}

// RID implements webrtc.TrackLocal.
func (t *slot) RID() string { return "" }

// StreamID implements webrtc.TrackLocal. Pion makes it the CNAME as well.
func (t *slot) StreamID() string { return "slot" + strconv.Itoa(t.nth) }

// Kind implements webrtc.TrackLocal.
func (t *slot) Kind() webrtc.RTPCodecType {
	if t.video {
		return webrtc.RTPCodecTypeVideo
	}
	return webrtc.RTPCodecTypeAudio
}

// setSource puts someone (or nobody) into the slot. Called by the room.
func (t *slot) setSource(u *uplink) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.src, t.cur = u, nil
}

// resync lets the slot's numbering go on without a gap after packets that were held back. Called on unmute.
func (t *slot) resync() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cur = nil
}

// forward writes one packet of a layer, if the slot takes from it. Called by the layer's reader.
func (t *slot) forward(l *layer, p *packet) {
	t.mu.Lock()
	if t.src != l.up || t.w == nil || t.off || !t.s.live.Load() {
		t.mu.Unlock()
		return
	}
	switched := t.cur != l
	if switched {
		if t.video {
			if l != l.up.want.Load() {
				t.mu.Unlock()
				return
			}
			if !p.vp8.key {
				// A layer that is replaced goes on until the new one's key frame; a new source waits for it.
				if p.at-t.keyAsked > int64(keyInterval) {
					t.keyAsked = p.at
					l.requestKey(p.at)
				}
				t.s.f.m.drop(dropNoKey)
				t.mu.Unlock()
				return
			}
		}
		t.line.begin(l, p)
		t.cur = l
	}
	n, ok := t.line.pass(p)
	if !ok {
		t.s.f.m.drop(dropLate)
		t.mu.Unlock()
		return
	}
	payload := p.payload()
	if p.isVP8 {
		payload = t.describe(p, n)
	}
	h := &t.hdr
	h.SequenceNumber, h.Timestamp = n.seq, n.ts
	h.Marker = p.marker || switched && !t.video // RFC 7587, section 4.1: the start of a talkspurt
	h.Extension = p.hasLevel && len(h.Extensions) > 0
	t.level[0] = p.level
	_, err := t.w.WriteRTP(h, payload)
	t.packets++
	t.octets += uint32(len(payload))
	t.mu.Unlock()
	m := t.s.f.m
	if err != nil {
		m.drop(dropWrite)
		return
	}
	m.packets.Add(1)
	m.bytes.Add(uint64(len(payload)))
	if switched {
		t.sendReport(l)
	}
}

// describe gives the payload with the slot's picture numbers. The ring's copy is everyone's, so another is changed.
func (t *slot) describe(p *packet, n numbers) []byte {
	if n.pic == p.vp8.pic && n.tl0 == p.vp8.tl0 {
		return p.payload()
	}
	if t.scratch == nil {
		t.scratch = make([]byte, packetBytes)
	}
	b := t.scratch[:copy(t.scratch, p.payload())]
	p.vp8.rewrite(b, n.pic, n.tl0)
	return b
}

// readRTCP owns what the receiver says about the slot.
func (t *slot) readRTCP(sender *webrtc.RTPSender) {
	defer t.s.untrack()
	b := make([]byte, packetBytes)
	var again resender
	for {
		n, _, err := sender.Read(b)
		if err != nil {
			if errors.Is(err, io.ErrShortBuffer) {
				continue
			}
			return
		}
		packets, err := rtcp.Unmarshal(b[:n])
		if err != nil {
			continue
		}
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				t.mu.Lock()
				src := t.src
				t.mu.Unlock()
				if src != nil {
					src.requestKey(t.s.f.now())
				}
			case *rtcp.TransportLayerNack:
				for _, pair := range p.Nacks {
					pair.Range(func(seq uint16) bool { return t.resend(&again, seq) })
				}
			}
		}
	}
}

// resender is the memory of a slot's retransmissions, made at the first.
type resender struct {
	p   packet
	out []byte
}

// resend answers a NACK from the source's ring: by RTX (RFC 4588) where it was agreed, else the packet again. False: enough
// for now.
func (t *slot) resend(r *resender, seq uint16) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.s.f.now()
	if now-t.resentAt > int64(resendWindow) {
		t.resentAt, t.resent = now, 0
	}
	if t.w == nil || t.resent >= resendMost {
		return false
	}
	seg, from, ok := t.line.find(seq)
	if !ok || !seg.from.ring.copyTo(&r.p, from) {
		return true
	}
	t.resent++
	if r.out == nil {
		r.out = make([]byte, packetBytes+2)
	}
	n := seg.number(&r.p)
	h := &t.rtxHdr
	*h = rtp.Header{Version: 2, SSRC: t.ssrc, PayloadType: t.pt, SequenceNumber: n.seq, Timestamp: n.ts, Marker: r.p.marker}
	out := r.out[:0]
	if t.rtxSSRC != 0 && t.rtxPT != 0 {
		h.SSRC, h.PayloadType, h.SequenceNumber = t.rtxSSRC, t.rtxPT, t.rtxSeq
		t.rtxSeq++
		out = binary.BigEndian.AppendUint16(out, n.seq)
	}
	at := len(out)
	out = append(out, r.p.payload()...)
	if r.p.isVP8 {
		r.p.vp8.rewrite(out[at:], n.pic, n.tl0)
	}
	if _, err := t.w.WriteRTP(h, out); err == nil {
		t.s.f.m.resent.Add(1)
	}
	return true
}
