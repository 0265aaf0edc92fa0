package sfu

// cut says how much of a stream a slot takes: its spatial layers up to one, and of these the temporal layers up to one.
type cut struct{ sid, tid uint8 }

var whole = cut{255, 255}

// cutter leaves out of a stream what is above a cut, at points where that leaves a decoder what it needs. Layers that are
// below the cut are always taken, also where the highest can do without them (L3T3_KEY): so a step down is made at once,
// where a stream that had not brought them needed a key frame. Guarded by the slot's lock.
type cutter struct {
	want, now cut
	was       cut    // what was taken of the pictures before since
	since     uint32 // the picture from which on it is now
	ts        uint32 // of the newest picture
	key       bool   // that is a key picture: the one place at which spatial layers are added
	over      bool   // some of a layer above was left out of it already: none is added any more
}

const cutKnown = videoRate // ticks for which it is known how pictures before a change were cut

// begin is called with the first packet of a stream that is taken.
func (c *cutter) begin(p *packet) {
	c.now = cut{p.pic.sid, c.want.tid}
	c.was, c.since = c.now, p.ts
	c.ts, c.key, c.over = p.ts, p.pic.key, false
}

// takes says whether a packet is below the cut of its picture. Changes of the cut are made here: down where a picture begins,
// up where the codec says that it can be done.
func (c *cutter) takes(p *packet) bool {
	d := &p.pic
	if p.end == p.off { // padding
		return true
	}
	if int32(p.ts-c.ts) > 0 {
		c.next(p.ts)
	}
	if p.ts == c.ts {
		if d.start {
			c.key = c.key || d.key
			switch {
			case c.now.tid >= c.want.tid:
			case d.up && d.tid <= c.now.tid:
				c.set(cut{c.now.sid, c.want.tid})
			case d.sync && d.tid == c.now.tid+1:
				c.set(cut{c.now.sid, d.tid})
			}
		}
		if c.open() && d.sid > c.now.sid && d.sid <= c.want.sid { // what comes before it is late
			c.set(cut{d.sid, c.now.tid})
		}
		c.over = c.over || d.sid > c.now.sid
	}
	is := c.of(p.ts)
	return d.sid <= is.sid && d.tid <= is.tid
}

// next begins a picture.
func (c *cutter) next(ts uint32) {
	was, open := c.now, c.open()
	if ts-c.since > cutKnown {
		c.was = c.now
	}
	c.ts, c.key, c.over = ts, false, false
	c.set(cut{min(c.now.sid, c.want.sid), min(c.now.tid, c.want.tid)})
	if open { // the key picture has no end yet: layers of it may be late
		c.was, c.since = cut{c.want.sid, was.tid}, ts
	}
}

// set changes the cut with the newest picture.
func (c *cutter) set(to cut) {
	if to == c.now {
		return
	}
	if c.since != c.ts {
		c.was, c.since = c.now, c.ts
	}
	c.now = to
}

// of is how the picture of a timestamp is cut: packets come late, and are sent again.
func (c *cutter) of(ts uint32) cut {
	if int32(ts-c.since) < 0 {
		return c.was
	}
	return c.now
}

// open says whether layers may yet be added in the newest picture.
func (c *cutter) open() bool { return c.key && !c.over && c.now.sid < c.want.sid }

// last says whether a packet ends what is taken of its picture, whose end the sender has marked in a layer above the cut
// (RFC 9628, section 4.1; RTP Payload Format For AV1, section 4.2).
func (c *cutter) last(p *packet) bool {
	return p.pic.end && p.pic.sid == c.of(p.ts).sid && (p.ts != c.ts || !c.open())
}

// grows says whether a spatial layer is wanted that only a key frame brings.
func (c *cutter) grows() bool { return c.now.sid < c.want.sid }
