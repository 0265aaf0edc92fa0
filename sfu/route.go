package sfu

import (
	"encoding/binary"
	"maps"

	"atrium/sfu/offer"
)

// routes say which uplink a stream belongs to, as the offer has it: by the SSRC that it declares (RFC 5576), or by the
// header extensions of the stream's packets (RFC 8843, section 9.2; RFC 8852).
type routes struct {
	ids     offer.Extensions
	uplinks map[string]*uplink // by mid
	ssrcs   map[uint32]string  // declared: mid
	repairs map[uint32]uint32  // declared: RTX to what it repairs
}

// stream is what one SSRC of the client carries.
type stream struct {
	layer *layer
	rtx   bool
}

// setRoutes takes the sections of an answered offer.
func (t *transport) setRoutes(sections []offer.Section, uplinks map[string]*uplink) {
	r := routes{uplinks: map[string]*uplink{}, ssrcs: map[uint32]string{}, repairs: map[uint32]uint32{}}
	for i := range sections {
		sec := &sections[i]
		u := uplinks[sec.Mid]
		if sec.Slot || u == nil {
			continue
		}
		r.uplinks[sec.Mid] = u
		for _, ssrc := range sec.SSRCs {
			r.ssrcs[ssrc] = sec.Mid
		}
		maps.Copy(r.repairs, sec.Repairs)
		r.ids.Add(sec.IDs)
	}
	t.inMu.Lock()
	defer t.inMu.Unlock()
	t.routes = r
	for i := range sections {
		if u := r.uplinks[sections[i].Mid]; u != nil {
			u.agreed = sections[i].Agreed
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
	rid, repairRID := string(extensionOf(p, r.ids.RID)), string(extensionOf(p, r.ids.Repair))
	if !ok {
		mid = string(extensionOf(p, r.ids.MID))
	}
	u := r.uplinks[mid]
	if mid == "" {
		u = r.only(p[1] & 0x7f)
	}
	if u == nil {
		return nil
	}
	f, rtx := u.agreed.Format(p[1] & 0x7f)
	if f == nil {
		return nil
	}
	st := &stream{rtx: rtx}
	if !st.rtx {
		if st.layer = u.begin(ssrc, rid, f.Codec); st.layer == nil {
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
		if f, _ := u.agreed.Format(pt); f == nil {
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
