package sfu

// parseVP9 reads the descriptor of a payload (RFC 9628, section 4.2). ok is false for a payload that is none of VP9.
func parseVP9(p []byte) (d picture, ok bool) {
	d.codec = codecVP9
	if len(p) < 1 {
		return d, false
	}
	b := p[0]
	id, inter, layers, flexible, structure := b&0x80 != 0, b&0x40 != 0, b&0x20 != 0, b&0x10 != 0, b&0x02 != 0
	d.start, d.end = b&0x08 != 0, b&0x04 != 0
	i := 1
	if id {
		if len(p) <= i {
			return d, false
		}
		d.idAt, d.id = uint8(i), uint16(p[i]&0x7f)
		if p[i]&0x80 != 0 {
			if len(p) <= i+1 {
				return d, false
			}
			d.wide, d.id = true, d.id<<8|uint16(p[i+1])
			i++
		}
		i++
	}
	d.key = d.start && !inter
	d.up = d.key
	if layers {
		if len(p) <= i {
			return d, false
		}
		x := p[i]
		d.tid, d.sid = x>>5, x>>1&7
		d.up = d.start && (x&0x10 != 0 || !inter && d.sid == 0) // U; a layer above that begins says nothing of those below
		d.key = d.key && d.sid == 0 && x&1 == 0                 // D: it needs the layer below, in the same picture
		if i++; !flexible {
			if len(p) <= i {
				return d, false
			}
			d.tl0At, d.tl0 = uint8(i), p[i]
			i++
		}
	}
	if flexible && inter {
		for n := 0; ; n++ { // P_DIFF: three at most
			if len(p) <= i || n == 3 {
				return d, false
			}
			more := p[i]&1 != 0
			if i++; !more {
				break
			}
		}
	}
	d.size = uint8(i)
	if structure {
		n, _, ok := structureVP9(p[i:])
		if !ok {
			return d, false
		}
		i += n
	}
	return d, len(p) > i
}

// structureVP9 reads a scalability structure (RFC 9628, section 4.2.1): its length, and how large the picture of each
// spatial layer is.
func structureVP9(p []byte) (n int, sizes [spatialMost]dimensions, ok bool) {
	if len(p) < 1 {
		return 0, sizes, false
	}
	layers, dims, group := int(p[0]>>5)+1, p[0]&0x10 != 0, p[0]&0x08 != 0
	n = 1
	if dims {
		if len(p) < n+4*layers {
			return 0, sizes, false
		}
		for s := range layers {
			at := p[n+4*s:]
			if s < spatialMost {
				sizes[s] = dimensions{uint16(at[0])<<8 | uint16(at[1]), uint16(at[2])<<8 | uint16(at[3])}
			}
		}
		n += 4 * layers
	}
	if group {
		if len(p) <= n {
			return 0, sizes, false
		}
		pictures := int(p[n])
		n++
		for range pictures {
			if len(p) <= n {
				return 0, sizes, false
			}
			n += 1 + int(p[n]>>2&3) // R: how many pictures it refers to
		}
	}
	return n, sizes, len(p) >= n
}

// sizesVP9 reads the sizes of the spatial layers, where a payload brings them.
func sizesVP9(p []byte, d *picture) (sizes [spatialMost]dimensions, ok bool) {
	if p[0]&0x02 == 0 {
		return sizes, false
	}
	_, sizes, ok = structureVP9(p[d.size:])
	return sizes, ok && sizes[0].height > 0
}
