package sfu

// cut says how much of a stream a slot takes: its spatial layers up to one, and of these the temporal layers up to one.
type cut struct{ sid, tid uint8 }

var whole = cut{255, 255}

// cutter leaves out of a stream what is above a cut, at points where that leaves a decoder what it needs. Layers that are
// below the cut are always taken, also where the highest can do without them (L3T3_KEY): so a step down is made at once,
// where a stream that had not brought them needed a key frame. Guarded by the slot's lock.
type cutter struct {
	want, now cut
	ts        uint32 // of the newest picture
	key       bool   // that is a key picture: the one place at which spatial layers are added
}

// begin is called with the first packet of a stream that is taken.
func (c *cutter) begin(p *packet) {
	c.now = cut{p.pic.sid, c.want.tid}
	c.ts, c.key = p.ts, p.pic.key
}

// takes says whether a packet is below the cut. Changes of the cut are made here: down where a picture begins, up where the
// codec says that it can be done.
func (c *cutter) takes(p *packet) bool {
	d := &p.pic
	if p.end == p.off { // padding
		return true
	}
	if int32(p.ts-c.ts) > 0 {
		c.ts, c.key = p.ts, false
		c.now = cut{min(c.now.sid, c.want.sid), min(c.now.tid, c.want.tid)}
	}
	if d.start && p.ts == c.ts {
		c.key = c.key || d.key
		if c.key && d.sid == c.now.sid+1 && d.sid <= c.want.sid {
			c.now.sid = d.sid
		}
		switch {
		case c.now.tid >= c.want.tid:
		case d.up && d.tid <= c.now.tid:
			c.now.tid = c.want.tid
		case d.sync && d.tid == c.now.tid+1:
			c.now.tid = d.tid
		}
	}
	return d.sid <= c.now.sid && d.tid <= c.now.tid
}

// last says whether a packet ends what is taken of its picture, whose end the sender has marked in a layer above the cut
// (RFC 9628, section 4.1; RTP Payload Format For AV1, section 4.2). In a key picture the next layer may be added yet.
func (c *cutter) last(p *packet) bool {
	return p.pic.end && p.pic.sid == c.now.sid && (c.now.sid >= c.want.sid || !c.key)
}

// grows says whether a spatial layer is wanted that only a key frame brings.
func (c *cutter) grows() bool { return c.now.sid < c.want.sid }
