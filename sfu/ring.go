package sfu

import (
	"encoding/binary"
	"sync"
)

// packet is one RTP packet of an uplink layer, parsed once for all slots. It lives in the layer's ring.
type packet struct {
	buf      []byte // whole packet as it came
	seq      uint16
	ts       uint32
	marker   bool
	valid    bool
	off, end int // the payload, without padding
	level    byte
	hasLevel bool // an RFC 6464 audio level came with it
	isVP8    bool
	vp8      vp8
	at       int64 // arrival, monotonic nanoseconds
}

func (p *packet) payload() []byte { return p.buf[p.off:p.end] }

// parse reads the RTP header (RFC 3550, section 5.1) of p.buf. levelID is the sender's id of the audio level extension.
func (p *packet) parse(levelID uint8, video bool) bool {
	b := p.buf
	*p = packet{buf: b, at: p.at}
	if len(b) < 12 || b[0]>>6 != 2 {
		return false
	}
	p.marker = b[1]&0x80 != 0
	p.seq = binary.BigEndian.Uint16(b[2:])
	p.ts = binary.BigEndian.Uint32(b[4:])
	p.off, p.end = 12+4*int(b[0]&0x0f), len(b)
	if b[0]&0x10 != 0 {
		if len(b) < p.off+4 {
			return false
		}
		profile, n := binary.BigEndian.Uint16(b[p.off:]), 4*int(binary.BigEndian.Uint16(b[p.off+2:]))
		p.off += 4
		if len(b) < p.off+n {
			return false
		}
		if levelID != 0 {
			p.extensions(b[p.off:p.off+n], profile, levelID)
		}
		p.off += n
	}
	if b[0]&0x20 != 0 {
		p.end -= int(b[len(b)-1])
	}
	if p.off > p.end {
		return false
	}
	if video && p.end > p.off { // without payload it is padding that keeps the numbers going
		d, ok := parseVP8(p.payload())
		if !ok {
			return false
		}
		p.vp8, p.isVP8 = d, true
	}
	p.valid = true
	return true
}

// extensions looks for the audio level among the elements of RFC 8285.
func (p *packet) extensions(b []byte, profile uint16, levelID uint8) {
	if v := element(b, profile, levelID); len(v) > 0 {
		p.level, p.hasLevel = v[0], true
	}
}

const packetBytes = 1500 // an RTP packet of WebRTC fits an Ethernet frame

// ring keeps the last packets of one uplink layer: the reader of the layer writes, slots read while a packet is handed
// to them, and retransmissions look packets up by the source's sequence number. Its memory comes as packets come.
type ring struct {
	mu    sync.Mutex // held by the reader while it replaces an entry, and by retransmission while it copies one
	slots []packet
	in    []byte // where the next packet is read into
}

func newRing(size int) *ring {
	return &ring{slots: make([]packet, size), in: make([]byte, packetBytes)}
}

// put parses what was read into r.in[:n] and keeps it. The result is nil where the packet is malformed, else valid until size
// further packets came. Only the reader calls it. levelID and video are those of parse.
func (r *ring) put(n int, at int64, levelID uint8, video bool) *packet {
	p := packet{buf: r.in[:n], at: at}
	if !p.parse(levelID, video) {
		return nil
	}
	slot := &r.slots[int(p.seq)%len(r.slots)]
	r.mu.Lock()
	old := slot.buf
	*slot = p
	r.mu.Unlock()
	if cap(old) < packetBytes {
		old = make([]byte, packetBytes)
	}
	r.in = old[:packetBytes]
	return slot
}

// has says whether a packet is kept. Only who may call put calls it.
func (r *ring) has(seq uint16) bool {
	p := &r.slots[int(seq)%len(r.slots)]
	return p.valid && p.seq == seq
}

// copyTo copies the packet with a sequence number into p, whose buf is used if it is large enough.
func (r *ring) copyTo(p *packet, seq uint16) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := &r.slots[int(seq)%len(r.slots)]
	if !from.valid || from.seq != seq {
		return false
	}
	buf := append(p.buf[:0], from.buf...)
	*p = *from
	p.buf = buf
	return true
}

// release gives the memory back; what was kept is gone.
func (r *ring) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.slots {
		r.slots[i] = packet{}
	}
}
