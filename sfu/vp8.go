package sfu

// vp8 is what a VP8 payload descriptor (RFC 7741, section 4.2) says that forwarding needs. Offsets are into the payload.
type vp8 struct {
	size   int  // of the descriptor
	start  bool // first packet of a frame: S set, partition 0
	key    bool // of a key frame (known in its first packet only)
	picAt  int  // where the picture id stands; 0: there is none
	wide   bool // the picture id has 15 bits, else 7
	pic    uint16
	tl0At  int // where TL0PICIDX stands; 0: there is none
	tl0    uint8
	width  uint16 // of a key frame
	height uint16
}

// parseVP8 reads the descriptor of a payload. ok is false for a payload that is none of VP8.
func parseVP8(p []byte) (d vp8, ok bool) {
	if len(p) < 1 {
		return d, false
	}
	i := 1
	if p[0]&0x80 != 0 { // X
		if len(p) < 2 {
			return d, false
		}
		x := p[1]
		i = 2
		if x&0x80 != 0 { // I
			if len(p) <= i {
				return d, false
			}
			d.picAt, d.pic = i, uint16(p[i]&0x7f)
			if p[i]&0x80 != 0 { // M
				if len(p) <= i+1 {
					return d, false
				}
				d.wide, d.pic = true, d.pic<<8|uint16(p[i+1])
				i++
			}
			i++
		}
		if x&0x40 != 0 { // L
			if len(p) <= i {
				return d, false
			}
			d.tl0At, d.tl0 = i, p[i]
			i++
		}
		if x&0x30 != 0 { // T or K share one byte
			i++
		}
	}
	if len(p) <= i {
		return d, false
	}
	d.size = i
	d.start = p[0]&0x10 != 0 && p[0]&0x07 == 0
	if d.start && p[i]&0x01 == 0 { // RFC 6386, section 9.1: frame tag, start code, dimensions
		d.key = true
		if f := p[i:]; len(f) >= 10 && f[3] == 0x9d && f[4] == 0x01 && f[5] == 0x2a {
			d.width = (uint16(f[6]) | uint16(f[7])<<8) & 0x3fff
			d.height = (uint16(f[8]) | uint16(f[9])<<8) & 0x3fff
		}
	}
	return d, true
}

// rewrite writes other picture numbers of the same width into a payload that parseVP8 read.
func (d vp8) rewrite(p []byte, pic uint16, tl0 uint8) {
	if d.picAt > 0 {
		if d.wide {
			p[d.picAt], p[d.picAt+1] = 0x80|byte(pic>>8)&0x7f, byte(pic)
		} else {
			p[d.picAt] = byte(pic) & 0x7f
		}
	}
	if d.tl0At > 0 {
		p[d.tl0At] = tl0
	}
}
