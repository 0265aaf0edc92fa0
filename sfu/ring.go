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
	hasLevel bool      // an RFC 6464 audio level came with it
	deps     [2]uint16 // where its dependency descriptor stands, and its length; 0: it has none
	pic      picture
	primary  uint16 // of sound with redundancy: where in the payload the last block begins; 0: it has none
	at       int64  // arrival, monotonic nanoseconds
}

func (p *packet) payload() []byte { return p.buf[p.off:p.end] }

// reading is what a stream's packets are read as: their codec, and the sender's ids of the header extensions that are
// looked for; 0: there is none.
type reading struct {
	codec               codec
	levelID, dependency uint8
	opus, red           uint8 // payload types of sound with redundancy (RFC 2198); 0: there is none
}

// parse reads the RTP header (RFC 3550, section 5.1) of p.buf, and what the payload says of its picture.
func (p *packet) parse(as reading) bool {
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
		if as.levelID != 0 {
			if v := element(b[p.off:p.off+n], profile, as.levelID); len(v) > 0 {
				p.level, p.hasLevel = v[0], true
			}
		}
		if as.dependency != 0 {
			if v := element(b[p.off:p.off+n], profile, as.dependency); len(v) > 0 {
				p.deps = [2]uint16{uint16(cap(b) - cap(v)), uint16(len(v))}
			}
		}
		p.off += n
	}
	if b[0]&0x20 != 0 {
		p.end -= int(b[len(b)-1])
	}
	if p.off > p.end {
		return false
	}
	p.valid = true
	switch {
	case p.end == p.off: // padding that keeps the numbers going
	case as.red != 0 && b[1]&0x7f == as.red:
		n, ok := parseRED(p.payload(), as.opus)
		p.primary, p.valid = uint16(n), ok
	default:
		p.pic, p.valid = parsePicture(as.codec, p.payload())
	}
	return p.valid
}

// dependency is the packet's dependency descriptor; nil: it has none.
func (p *packet) dependency() []byte {
	if p.deps[1] == 0 {
		return nil
	}
	return p.buf[p.deps[0] : p.deps[0]+p.deps[1]]
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
// further packets came. Only the reader calls it. as is that of parse.
func (r *ring) put(n int, at int64, as reading) *packet {
	p := packet{buf: r.in[:n], at: at}
	if !p.parse(as) {
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

// past says whether a packet's place is taken, by itself or by a later one. Only who may call put calls it.
func (r *ring) past(seq uint16) bool {
	p := &r.slots[int(seq)%len(r.slots)]
	return p.valid && int16(seq-p.seq) <= 0
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
