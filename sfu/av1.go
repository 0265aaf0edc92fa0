package sfu

import "encoding/binary"

// parseAV1 reads the aggregation header of a payload (RTP Payload Format For AV1, section 4.4). What layer a packet is of
// stands in the dependency descriptor, not here.
func parseAV1(p []byte) (d picture, ok bool) {
	d.codec = codecAV1
	if len(p) < 2 {
		return d, false
	}
	d.size = 1
	d.key = p[0]&0x08 != 0 && p[0]&0x80 == 0 // N: the first packet of a coded video sequence, and no continuation (Z)
	d.up = d.key
	return d, true
}

const (
	templatesMost = 64 // MAX_TEMPLATE_ID + 1
	targetsMost   = 32 // dtis_cnt_minus_one has 5 bits
)

// dependencies are what the last frame dependency structure of a stream says (RTP Payload Format For AV1, appendix A):
// frames name a template of it in place of their layer.
type dependencies struct {
	known     bool
	offset    uint8 // template_id_offset
	count     uint8 // of templates
	targets   uint8
	chains    uint8
	templates [templatesMost]template
	layers    [targetsMost]struct{ sid, tid uint8 } // of the decode targets
	sized     bool
	sizes     [spatialMost]dimensions
}

type template struct {
	sid, tid uint8
	up       bool
}

// described is what a dependency descriptor says of its frame.
type described struct {
	start, end bool
	structure  bool // it brings a structure: a coded video sequence begins
	number     uint16
	sid, tid   uint8
	up         bool
}

const (
	indicationAbsent = 0
	indicationSwitch = 2
)

// read takes the dependency descriptor of a packet, and the structure that it brings. False: it is malformed, or of a
// structure that is not known (yet).
func (x *dependencies) read(b []byte) (d described, ok bool) {
	if len(b) < 3 {
		return d, false
	}
	d.start, d.end = b[0]&0x80 != 0, b[0]&0x40 != 0
	id := b[0] & 0x3f
	d.number = binary.BigEndian.Uint16(b[1:])
	r := bitReader{b: b, at: 24}
	targets := false
	if len(b) > 3 {
		d.structure = r.flag()
		active := r.flag()
		targets = r.flag()
		r.skip(2) // references and chains of its own: at the end, and not looked at
		if d.structure {
			var next dependencies
			if !next.readStructure(&r) {
				return d, false
			}
			*x = next
		}
		if active {
			r.bits(int(x.targets))
		}
	}
	k := (id - x.offset) & (templatesMost - 1)
	if !x.known || k >= x.count {
		return d, false
	}
	t := &x.templates[k]
	d.sid, d.tid, d.up = t.sid, t.tid, t.up
	if targets {
		d.up = true
		for i := range x.targets {
			x.mayGoUp(&d.up, t, i, r.bits(2))
		}
	}
	return d, !r.short
}

// mayGoUp looks at the indication of a frame for a decode target: where it is a switch for all targets of the frame's
// spatial layer that have its temporal layer and more, they can be taken from the frame on.
func (x *dependencies) mayGoUp(up *bool, t *template, target uint8, indication uint32) {
	if l := x.layers[target]; l.sid == t.sid && l.tid >= t.tid && indication != indicationSwitch {
		*up = false
	}
}

// readStructure reads a template_dependency_structure (section A.4.1).
func (x *dependencies) readStructure(r *bitReader) bool {
	x.offset = uint8(r.bits(6))
	x.targets = uint8(r.bits(5)) + 1
	sid, tid := uint8(0), uint8(0)
	for more := true; more; {
		if x.count == templatesMost || r.short {
			return false
		}
		x.templates[x.count] = template{sid: sid, tid: tid, up: true}
		x.count++
		switch r.bits(2) {
		case 1:
			tid++
		case 2:
			sid, tid = sid+1, 0
		case 3:
			more = false
		}
	}
	if sid >= spatialMost { // MAX_SPATIAL_ID is 3
		return false
	}
	// A target's layer is the highest of the frames that it has; which that is is known when all have been read.
	indications := r.at
	for k := range x.count {
		t := &x.templates[k]
		for i := range x.targets {
			if r.bits(2) != indicationAbsent {
				l := &x.layers[i]
				l.sid, l.tid = max(l.sid, t.sid), max(l.tid, t.tid)
			}
		}
	}
	again := bitReader{b: r.b, at: indications}
	for k := range x.count {
		t := &x.templates[k]
		for i := range x.targets {
			x.mayGoUp(&t.up, t, i, again.bits(2))
		}
	}
	for range x.count {
		for r.flag() {
			r.skip(4)
		}
	}
	if x.chains = uint8(r.nonSymmetric(uint32(x.targets) + 1)); x.chains > 0 {
		for range x.targets {
			r.nonSymmetric(uint32(x.chains))
		}
		r.skip(4 * int(x.count) * int(x.chains))
	}
	if x.sized = r.flag(); x.sized {
		for s := range sid + 1 {
			x.sizes[s] = dimensions{uint16(r.bits(16)) + 1, uint16(r.bits(16)) + 1}
		}
	}
	x.known = !r.short
	return x.known
}
