// Package squeeze has the two people of the scenario squeeze: one who sends simulcast, and one whose way gets narrow.
package squeeze

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtp"
)

// Layer is an encoding of the camera.
type Layer struct {
	RID           string
	Width, Height uint16
	Rate          float64 // bits a second, of payload
}

// Layers are what browsers make of a camera of 720 lines, by their usual limits.
func Layers() []Layer {
	return []Layer{{"q", 320, 180, 150e3}, {"h", 640, 360, 500e3}, {"f", 1280, 720, 1500e3}}
}

const (
	fps        = 30
	packetSize = 1100
	header     = 4 // of a VP8 descriptor with a picture id of 15 bits
)

// camera makes the packets of one layer: VP8 in form, and after the frame header the number of the layer and when it was made.
type camera struct {
	l     Layer
	key   float64 // a key frame is so much larger than another
	n     byte
	seq   uint16
	ts    uint32
	pic   uint16
	debt  int // bytes of a key frame that the frames after it save
	began time.Time
}

// frame makes the next frame.
func (c *camera) frame(now time.Time, key bool) []*rtp.Packet {
	if c.began.IsZero() {
		c.began = now
	}
	usual := int(c.l.Rate / 8 / fps)
	size := usual
	if key {
		size = int(c.key * float64(usual))
		c.debt += size - usual
	} else if c.debt > 0 { // as an encoder does that holds its rate
		pay := min(c.debt, usual/4)
		c.debt -= pay
		size -= pay
	}
	c.ts = uint32(now.Sub(c.began).Seconds() * 90000)
	c.pic = (c.pic + 1) & 0x7fff
	var out []*rtp.Packet
	for first := true; size > 0; first = false {
		n := min(size, packetSize)
		size -= n
		p := make([]byte, header, header+packetSize+32)
		p[0], p[1], p[2], p[3] = 0x80, 0x80, 0x80|byte(c.pic>>8), byte(c.pic)
		if first {
			p[0] |= 0x10 // S
			tag := uint32(1)<<4 | uint32(n)<<5
			if !key {
				tag |= 1
			}
			p = append(p, byte(tag), byte(tag>>8), byte(tag>>16))
			if key { // RFC 6386, section 9.1
				p = append(p, 0x9d, 0x01, 0x2a)
				p = binary.LittleEndian.AppendUint16(p, c.l.Width)
				p = binary.LittleEndian.AppendUint16(p, c.l.Height)
			}
		}
		p = append(p, c.n)
		for len(p) < n {
			p = append(p, 0)
		}
		c.seq++
		out = append(out, &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: c.seq, Timestamp: c.ts, Marker: size == 0}, Payload: p})
	}
	return out
}

// layerOf reads which layer the first packet of a frame is of.
func layerOf(p []byte) (layer byte, key, ok bool) {
	if len(p) < header+4 || p[0]&0x10 == 0 {
		return 0, false, false
	}
	at := header + 3
	if key = p[header]&1 == 0; key {
		at += 7
	}
	if len(p) <= at {
		return 0, false, false
	}
	return p[at], key, true
}
