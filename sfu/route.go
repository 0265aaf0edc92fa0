package sfu

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// routes say which uplink a stream belongs to, as the offer has it: by the SSRC that it declares (RFC 5576), or by the
// header extensions of the stream's packets (RFC 8843, section 9.2; RFC 8852).
type routes struct {
	ids     extensionIDs
	uplinks map[string]*uplink // by mid
	ssrcs   map[uint32]string  // declared: mid
	repairs map[uint32]uint32  // declared: RTX to what it repairs
}

// extensionIDs are a client's ids of the header extensions that the SFU reads; 0: not used.
type extensionIDs struct{ mid, rid, repair, level, twcc uint8 }

// format is a payload type of a section.
type format struct {
	codec   string // as in rtpmap: VP8/90000
	repairs uint8  // RTX: the payload type that it retransmits
}

// stream is what one SSRC of the client carries.
type stream struct {
	layer *layer
	rtx   bool
}

// told is what an uplink's section says of its streams.
type told struct {
	ids     extensionIDs
	formats map[uint8]format
	ssrcs   []uint32
	repairs map[uint32]uint32 // RTX to what it repairs
}

func readStreams(attrs []sdp.Attribute) *told {
	s := &told{formats: map[uint8]format{}, repairs: map[uint32]uint32{}}
	for _, a := range attrs {
		head, rest, _ := strings.Cut(a.Value, " ")
		switch a.Key {
		case "extmap":
			id, _, _ := strings.Cut(head, "/")
			n, err := strconv.ParseUint(id, 10, 8)
			uri, _, _ := strings.Cut(rest, " ")
			if err != nil || n == 0 {
				continue
			}
			switch uri {
			case sdp.SDESMidURI:
				s.ids.mid = uint8(n)
			case sdp.SDESRTPStreamIDURI:
				s.ids.rid = uint8(n)
			case sdp.SDESRepairRTPStreamIDURI:
				s.ids.repair = uint8(n)
			case sdp.AudioLevelURI:
				s.ids.level = uint8(n)
			case sdp.TransportCCURI:
				s.ids.twcc = uint8(n)
			}
		case "rtpmap":
			if pt, err := strconv.ParseUint(head, 10, 7); err == nil {
				f := s.formats[uint8(pt)]
				f.codec = rest
				s.formats[uint8(pt)] = f
			}
		case "fmtp":
			pt, err := strconv.ParseUint(head, 10, 7)
			of, isRTX := strings.CutPrefix(rest, "apt=")
			apt, bad := strconv.ParseUint(of, 10, 7)
			if err == nil && isRTX && bad == nil {
				f := s.formats[uint8(pt)]
				f.repairs = uint8(apt)
				s.formats[uint8(pt)] = f
			}
		case "ssrc":
			if n, err := strconv.ParseUint(head, 10, 32); err == nil && len(s.ssrcs) < 4*maxLayers {
				s.ssrcs = append(s.ssrcs, uint32(n))
			}
		case "ssrc-group":
			var of, by uint64
			f := strings.Fields(rest)
			if head != "FID" || len(f) != 2 || len(s.repairs) >= 2*maxLayers {
				continue
			}
			of, err := strconv.ParseUint(f[0], 10, 32)
			by, bad := strconv.ParseUint(f[1], 10, 32)
			if err == nil && bad == nil {
				s.repairs[uint32(by)] = uint32(of)
			}
		}
	}
	return s
}

// setRoutes takes the sections of an answered offer.
func (t *transport) setRoutes(sections []section, uplinks map[string]*uplink) {
	r := routes{uplinks: map[string]*uplink{}, ssrcs: map[uint32]string{}, repairs: map[uint32]uint32{}}
	for i := range sections {
		sec := &sections[i]
		u := uplinks[sec.mid]
		if sec.slot || u == nil {
			continue
		}
		r.uplinks[sec.mid] = u
		x := sec.told
		for _, ssrc := range x.ssrcs {
			r.ssrcs[ssrc] = sec.mid
		}
		for by, of := range x.repairs {
			r.repairs[by] = of
		}
		// One bundle has one id for each extension (RFC 8843, section 9.1).
		for _, id := range []struct{ to, from *uint8 }{
			{&r.ids.mid, &x.ids.mid}, {&r.ids.rid, &x.ids.rid}, {&r.ids.repair, &x.ids.repair},
			{&r.ids.level, &x.ids.level}, {&r.ids.twcc, &x.ids.twcc},
		} {
			if *id.from != 0 {
				*id.to = *id.from
			}
		}
	}
	t.inMu.Lock()
	defer t.inMu.Unlock()
	t.routes = r
	for i := range sections {
		if u := r.uplinks[sections[i].mid]; u != nil {
			u.formats = sections[i].told.formats
		}
	}
}

// route finds the uplink of a stream's first packet and begins its layer. Nil: nobody's. t.inMu is held.
func (t *transport) route(ssrc uint32, p []byte) *stream {
	r := &t.routes
	mid, ok := r.ssrcs[ssrc]
	of, repairs := r.repairs[ssrc]
	if !ok && repairs {
		mid, ok = r.ssrcs[of]
	}
	rid, repairRID := string(extensionOf(p, r.ids.rid)), string(extensionOf(p, r.ids.repair))
	if !ok {
		mid = string(extensionOf(p, r.ids.mid))
	}
	u := r.uplinks[mid]
	if mid == "" {
		u = r.only(p[1] & 0x7f)
	}
	if u == nil {
		return nil
	}
	f, ok := u.formats[p[1]&0x7f]
	if !ok {
		return nil
	}
	st := &stream{rtx: f.repairs != 0}
	if !st.rtx {
		if st.layer = u.begin(ssrc, rid); st.layer == nil {
			return nil
		}
	} else if st.layer = u.find(of, repairRID); st.layer == nil {
		return nil
	}
	for old, x := range t.streams { // those of a layer that gave way
		if x.layer.isOver() {
			delete(t.streams, old)
		}
	}
	t.streams[ssrc] = st
	return st
}

// only gives the one uplink that has a payload type (RFC 8843, section 9.2: the last rule); nil: none or several.
func (r *routes) only(pt uint8) (one *uplink) {
	for _, u := range r.uplinks {
		if _, ok := u.formats[pt]; !ok {
			continue
		}
		if one != nil {
			return nil
		}
		one = u
	}
	return one
}

// extensionOf gives the value of a header extension element (RFC 8285) of an RTP packet; nil: it has none.
func extensionOf(p []byte, id uint8) []byte {
	if id == 0 || len(p) < 16 || p[0]&0x10 == 0 {
		return nil
	}
	off := 12 + 4*int(p[0]&0x0f)
	if len(p) < off+4 {
		return nil
	}
	profile, n := binary.BigEndian.Uint16(p[off:]), 4*int(binary.BigEndian.Uint16(p[off+2:]))
	if off += 4; len(p) < off+n {
		return nil
	}
	return element(p[off:off+n], profile, id)
}

// element looks for an element among those of a header extension, with one-byte or two-byte headers.
func element(b []byte, profile uint16, id uint8) []byte {
	switch {
	case profile == 0xBEDE:
		for len(b) > 0 {
			if b[0] == 0 {
				b = b[1:]
				continue
			}
			x, n := b[0]>>4, int(b[0]&0x0f)+1
			if x == 15 || len(b) < 1+n {
				return nil
			}
			if x == id {
				return b[1 : 1+n]
			}
			b = b[1+n:]
		}
	case profile>>4 == 0x100:
		for len(b) > 1 {
			if b[0] == 0 {
				b = b[1:]
				continue
			}
			x, n := b[0], int(b[1])
			if len(b) < 2+n {
				return nil
			}
			if x == id {
				return b[2 : 2+n]
			}
			b = b[2+n:]
		}
	}
	return nil
}
