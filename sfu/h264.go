package sfu

// Types of NAL units (RFC 6184, section 5.2; ITU-T H.264, table 7-1).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalSTAPA = 24
	nalFUA   = 28
)

// parseH264 reads the NAL unit types of a payload in the single NAL unit or the non-interleaved mode (RFC 6184, sections
// 6.2 and 6.3). A decoder can begin with a sequence parameter set, which browsers send before every IDR picture; whether
// an IDR picture that has none before it is a beginning too is decided where it is known what came before (layer.put). ok
// is false for a payload that is none.
func parseH264(p []byte) (d picture, ok bool) {
	d.codec = codecH264
	if len(p) < 1 {
		return d, false
	}
	switch t := p[0] & 0x1f; {
	case t >= 1 && t < nalSTAPA:
		d.key, d.idr = t == nalSPS, t == nalIDR
		return d, len(p) > 1 || t != nalSPS
	case t == nalSTAPA:
		rest := p[1:]
		if len(rest) < 3 {
			return d, false
		}
		for len(rest) >= 3 {
			n := int(rest[0])<<8 | int(rest[1])
			if n == 0 || len(rest) < 2+n {
				return d, false
			}
			switch rest[2] & 0x1f {
			case nalSPS:
				d.key = true
			case nalIDR:
				d.idr = true
			}
			rest = rest[2+n:]
		}
		return d, true
	case t == nalFUA:
		if len(p) < 3 {
			return d, false
		}
		if p[1]&0x80 != 0 { // S
			d.key, d.idr = p[1]&0x1f == nalSPS, p[1]&0x1f == nalIDR
		}
		return d, true
	}
	return d, false // STAP-B, MTAP and FU-B are of the interleaved mode, which is never agreed on
}

// sizeH264 reads how large the pictures are after the sequence parameter set in a payload; zero: there is none, or it is not
// understood.
func sizeH264(p []byte) dimensions {
	if len(p) < 2 {
		return dimensions{}
	}
	switch p[0] & 0x1f {
	case nalSPS:
		return sizeSPS(p[1:])
	case nalFUA:
		if p[1]&0x9f == 0x80|nalSPS {
			return sizeSPS(p[2:])
		}
	case nalSTAPA:
		for rest := p[1:]; len(rest) >= 3; {
			n := int(rest[0])<<8 | int(rest[1])
			if n == 0 || len(rest) < 2+n {
				break
			}
			if rest[2]&0x1f == nalSPS {
				return sizeSPS(rest[3 : 2+n])
			}
			rest = rest[2+n:]
		}
	}
	return dimensions{}
}

const spsMost = 64 // bytes of a parameter set that are looked at: the dimensions stand near its beginning

// sizeSPS reads a sequence parameter set behind its NAL unit header (ITU-T H.264, section 7.3.2.1.1).
func sizeSPS(nal []byte) dimensions {
	var raw [spsMost]byte
	n, zeros := 0, 0
	for _, c := range nal { // without emulation prevention (section 7.4.1)
		if n == len(raw) {
			break
		}
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		if zeros++; c != 0 {
			zeros = 0
		}
		raw[n] = c
		n++
	}
	r := bitReader{b: raw[:n]}
	profile := r.bits(8)
	r.bits(16) // constraints, level
	r.golomb() // id
	chroma := uint32(1)
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		if chroma = r.golomb(); chroma == 3 {
			r.bit()
		}
		r.golomb() // bit depths
		r.golomb()
		r.bit()
		if r.flag() {
			return dimensions{} // scaling matrices, which nothing that is live sends
		}
	}
	r.golomb()                          // log2_max_frame_num_minus4
	switch order := r.golomb(); order { // pic_order_cnt_type
	case 0:
		r.golomb()
	case 1:
		r.bit()
		r.signedGolomb()
		r.signedGolomb()
		for i := r.golomb(); i > 0 && !r.short; i-- {
			r.signedGolomb()
		}
	}
	r.golomb() // reference frames
	r.bit()
	width, height := 16*(r.golomb()+1), 16*(r.golomb()+1)
	interlaced := !r.flag()
	if interlaced {
		height *= 2
		r.bit()
	}
	r.bit()
	if r.flag() { // cropping, in units of the chroma samples
		x, y := uint32(2), uint32(2)
		if chroma == 0 || chroma == 3 {
			x = 1
		}
		if chroma != 1 {
			y = 1
		}
		if interlaced {
			y *= 2
		}
		width -= x * (r.golomb() + r.golomb())
		height -= y * (r.golomb() + r.golomb())
	}
	if r.short || width == 0 || height == 0 || width > 16384 || height > 16384 {
		return dimensions{}
	}
	return dimensions{uint16(width), uint16(height)}
}
