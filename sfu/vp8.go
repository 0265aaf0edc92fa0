package sfu

// parseVP8 reads the descriptor of a payload (RFC 7741, section 4.2). ok is false for a payload that is none of VP8.
func parseVP8(p []byte) (d picture, ok bool) {
	d.codec = codecVP8
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
			d.idAt, d.id = uint8(i), uint16(p[i]&0x7f)
			if p[i]&0x80 != 0 { // M
				if len(p) <= i+1 {
					return d, false
				}
				d.wide, d.id = true, d.id<<8|uint16(p[i+1])
				i++
			}
			i++
		}
		if x&0x40 != 0 { // L
			if len(p) <= i {
				return d, false
			}
			d.tl0At, d.tl0 = uint8(i), p[i]
			i++
		}
		if x&0x30 != 0 { // T or K share one byte
			if len(p) <= i {
				return d, false
			}
			if x&0x20 != 0 {
				d.tid, d.sync = p[i]>>6, p[i]&0x20 != 0
			}
			i++
		}
	}
	if len(p) <= i {
		return d, false
	}
	d.size = uint8(i)
	d.start = p[0]&0x10 != 0 && p[0]&0x07 == 0
	d.key = d.start && p[i]&0x01 == 0 // RFC 6386, section 9.1
	d.up = d.key
	return d, true
}

// sizeVP8 reads how large the picture of a key frame is (RFC 6386, section 9.1: frame tag, start code, dimensions).
func sizeVP8(p []byte, d *picture) (size dimensions) {
	if f := p[d.size:]; len(f) >= 10 && f[3] == 0x9d && f[4] == 0x01 && f[5] == 0x2a {
		size.width = (uint16(f[6]) | uint16(f[7])<<8) & 0x3fff
		size.height = (uint16(f[8]) | uint16(f[9])<<8) & 0x3fff
	}
	return size
}
