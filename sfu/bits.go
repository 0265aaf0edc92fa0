package sfu

import "math/bits"

// bitReader reads numbers of any width. What is read beyond the end is 0, and short tells of it.
type bitReader struct {
	b     []byte
	at    int // bits
	short bool
}

func (r *bitReader) bit() uint32 {
	if r.at >= 8*len(r.b) {
		r.short = true
		return 0
	}
	v := r.b[r.at>>3] >> (7 - r.at&7) & 1
	r.at++
	return uint32(v)
}

func (r *bitReader) flag() bool { return r.bit() == 1 }

func (r *bitReader) bits(n int) (v uint32) {
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

func (r *bitReader) skip(n int) {
	if r.at += n; r.at > 8*len(r.b) {
		r.short = true
	}
}

// nonSymmetric is ns(n) of AV1: a number less than n in as few bits as that takes.
func (r *bitReader) nonSymmetric(n uint32) uint32 {
	w := bits.Len32(n)
	m := uint32(1)<<w - n
	v := r.bits(w - 1)
	if v < m {
		return v
	}
	return v<<1 - m + r.bit()
}

// golomb is ue(v) of H.264, section 9.1.
func (r *bitReader) golomb() uint32 {
	zeros := 0
	for !r.flag() {
		if zeros++; zeros > 31 || r.short {
			r.short = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// signedGolomb is se(v).
func (r *bitReader) signedGolomb() int32 {
	v := r.golomb()
	if v&1 == 1 {
		return int32(v/2 + 1)
	}
	return -int32(v / 2)
}
