package sfu

// parseRED reads the headers of a packet of redundant sound (RFC 2198, section 3): where its last block begins, which is the
// sound that the packet is about. False: it is none, or a block of it is of another payload type than the one agreed on.
func parseRED(p []byte, opus uint8) (primary int, ok bool) {
	earlier := 0
	for len(p) >= primary+4 && p[primary]&0x80 != 0 {
		if p[primary]&0x7f != opus {
			return 0, false
		}
		earlier += int(p[primary+2]&0x03)<<8 | int(p[primary+3])
		primary += 4
	}
	if len(p) <= primary || p[primary] != opus {
		return 0, false
	}
	primary += 1 + earlier
	return primary, primary <= len(p)
}

// relabelRED gives the blocks of a packet that parseRED took another payload type.
func relabelRED(p []byte, opus uint8) {
	i := 0
	for ; p[i]&0x80 != 0; i += 4 {
		p[i] = 0x80 | opus
	}
	p[i] = opus
}
