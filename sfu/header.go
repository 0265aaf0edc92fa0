package sfu

import "encoding/binary"

// header is what a slot's packet is to be written with.
type header struct {
	ssrc, ts uint32
	seq      uint16
	pt       uint8
	marker   bool
	levelID  uint8 // of the audio level extension; 0: none
	level    byte
	twccID   uint8  // of the transport-wide sequence number; 0: none
	depID    uint8  // of the dependency descriptor; 0: none
	dep      []byte // as it came …
	frame    uint16 // … but for its frame number
	padding  uint8  // bytes of it at the payload's end, the last of which is their number
}

// size is the header's length on the wire.
func (h *header) size() int {
	n := h.extension()
	if n > 0 {
		n = 4 + (n+3)&^3
	}
	return 12 + n
}

// extension is the length of the extension's elements.
func (h *header) extension() (n int) {
	head := 1
	if h.wide() {
		head = 2
	}
	if h.levelID != 0 {
		n += head + 1
	}
	if h.twccID != 0 {
		n += head + 2
	}
	if h.describes() {
		n += head + len(h.dep)
	}
	return n
}

// wide says whether the elements need two-byte headers (RFC 8285, section 4.3). A structure of dependencies is longer than
// 16 bytes; who agrees on its extension can tell the two kinds apart (extmap-allow-mixed).
func (h *header) wide() bool {
	return h.levelID > 14 || h.twccID > 14 || h.describes() && (h.depID > 14 || len(h.dep) > 16)
}

func (h *header) describes() bool { return h.depID != 0 && len(h.dep) >= 3 }

// write puts the header into b and gives its length.
func (h *header) write(b []byte, wide uint16) int {
	b[0], b[1] = 0x80, h.pt
	if h.marker {
		b[1] |= 0x80
	}
	if h.padding > 0 {
		b[0] |= 0x20
	}
	binary.BigEndian.PutUint16(b[2:], h.seq)
	binary.BigEndian.PutUint32(b[4:], h.ts)
	binary.BigEndian.PutUint32(b[8:], h.ssrc)
	n := h.extension()
	if n == 0 {
		return 12
	}
	b[0] |= 0x10
	words := (n + 3) / 4
	two := h.wide()
	profile := uint16(0xBEDE)
	if two {
		profile = 0x1000
	}
	binary.BigEndian.PutUint16(b[12:], profile)
	binary.BigEndian.PutUint16(b[14:], uint16(words))
	at := 16
	element := func(id, size uint8) {
		if two {
			b[at], b[at+1] = id, size
			at += 2
			return
		}
		b[at] = id<<4 | (size - 1)
		at++
	}
	if h.levelID != 0 {
		element(h.levelID, 1)
		b[at] = h.level
		at++
	}
	if h.twccID != 0 {
		element(h.twccID, 2)
		binary.BigEndian.PutUint16(b[at:], wide)
		at += 2
	}
	if h.describes() {
		element(h.depID, uint8(len(h.dep)))
		copy(b[at:], h.dep)
		binary.BigEndian.PutUint16(b[at+1:], h.frame)
		at += len(h.dep)
	}
	for end := 16 + 4*words; at < end; at++ {
		b[at] = 0
	}
	return at
}
