package sfu

import "sync/atomic"

// part is one spatial and temporal layer of a stream.
type part struct {
	bytes atomic.Int64 // on the wire
	last  atomic.Int64

	// Guarded by room.mu; see measure.
	rate     float64
	measured int64
}

func (x *part) note(p *packet) {
	x.bytes.Add(int64(len(p.buf) + overhead))
	x.last.Store(p.at)
}

// part that a packet belongs to.
func (l *layer) part(p *packet) *part {
	return &l.parts[min(p.pic.sid, spatialMost-1)][min(p.pic.tid, temporalMost-1)]
}

// describe adds to what a packet's payload says of its picture what stands elsewhere: in its dependency descriptor, or in
// the packets before it. It also notes how large pictures are from a key frame on. transport.inMu is held.
func (l *layer) describe(p *packet) {
	d := &p.pic
	switch d.codec {
	case codecAV1:
		l.dependency(p)
		if d.key && l.deps != nil && l.deps.sized {
			l.sized(l.deps.sizes)
		}
	case codecH264:
		// No bit says where a picture begins.
		d.start = l.newest == 0 || int32(p.ts-l.newest) > 0
		if d.idr && d.start { // its parameters are those that came before, or by the offer
			d.key = true
		}
		if d.key {
			if size := sizeH264(p.payload()); size.height > 0 {
				l.sized([spatialMost]dimensions{size})
			}
		}
	case codecVP8:
		if d.key {
			l.sized([spatialMost]dimensions{sizeVP8(p.payload(), d)})
		}
	case codecVP9:
		if sizes, ok := sizesVP9(p.payload(), d); ok {
			l.sized(sizes)
		}
	}
	if l.newest == 0 || int32(p.ts-l.newest) > 0 {
		l.newest = p.ts
	}
}

func (l *layer) dependency(p *packet) {
	raw := p.dependency()
	if raw == nil {
		return
	}
	if l.deps == nil {
		l.deps = &dependencies{}
	}
	x, ok := l.deps.read(raw)
	d := &p.pic
	d.id = x.number
	if !ok {
		return
	}
	d.start, d.end, d.key = x.start, x.end, x.structure
	d.sid, d.tid = x.sid, x.tid
	d.up = x.start && (x.up || x.structure)
}

// sized notes how large the pictures of the spatial layers are; zero: there is no such layer.
func (l *layer) sized(sizes [spatialMost]dimensions) {
	for s, d := range sizes {
		l.lines[s].Store(int64(d.height))
		if d.height > 0 {
			l.pixels.Store(int64(d.width) * int64(d.height))
		}
	}
}

// height of a layer's picture up to a spatial layer; 0: it is not known yet.
func (l *layer) height(sid uint8) (h int) {
	for s := range min(sid, spatialMost-1) + 1 {
		if x := l.lines[s].Load(); x > 0 {
			h = int(x)
		}
	}
	return h
}
