package sfu

import (
	"cmp"
	"math"
	"slices"
	"time"
)

const (
	ipBytes    = 28                      // of a packet on the wire: IP and UDP
	overhead   = ipBytes + 24            // and SRTP's tag and our extensions
	layerQuiet = 300 * time.Millisecond  // a layer that brings nothing for so long while another does has been switched off
	partQuiet  = 2 * time.Second         // a spatial or temporal layer within one: a source of few pictures has long gaps in them
	rateOver   = time.Second             // a layer's rate is its mean over that
	pauseAfter = 1500 * time.Millisecond // without room for even its lowest layer a picture goes
	rateLeast  = 50 * time.Millisecond   // and not looked at more often
)

// rung is a way of taking a source: a layer of its simulcast, and how much of that.
type rung struct {
	layer *layer
	cut   cut
	lines int     // of its picture; 0: not known yet
	rate  float64 // bits a second
}

// measure brings what is known of an uplink up to date: which of its layers flow, how much each brings, and in what ways
// it can be taken. Called by the tick.
func (u *uplink) measure(now int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	newest := int64(math.MinInt64)
	for _, l := range u.layers {
		newest = max(newest, l.last.Load())
	}
	u.flowing = u.flowing[:0]
	for _, l := range u.layers {
		if last := l.last.Load(); last != 0 && newest-last < int64(layerQuiet) {
			u.flowing = append(u.flowing, l)
		}
		l.measure(now)
	}
	slices.SortStableFunc(u.flowing, func(a, b *layer) int { return cmp.Compare(a.pixels.Load(), b.pixels.Load()) })
	u.rungs = u.rungs[:0]
	if u.video {
		for _, l := range u.flowing {
			u.rungs = l.rungs(u.rungs)
		}
	}
}

// measure brings the layer's rates up to date.
func (l *layer) measure(now int64) {
	passed := now - l.measuredAt
	if l.measuredAt != 0 && passed < int64(rateLeast) {
		return
	}
	weight := 1 - math.Exp(-float64(passed)/float64(rateOver))
	first := l.rate == 0
	l.rate = 0
	for s := range l.parts {
		for t := range l.parts[s] {
			x := &l.parts[s][t]
			bytes := x.bytes.Load()
			if bytes == 0 {
				continue
			}
			if l.measuredAt != 0 {
				rate := float64(bytes-x.measured) * 8 * float64(time.Second) / float64(passed)
				if first {
					x.rate = rate
				} else {
					x.rate += (rate - x.rate) * weight
				}
			}
			x.measured = bytes
			l.rate += x.rate
		}
	}
	l.measuredAt = now
}

// rungs adds the ways of taking the layer, from the least to all of it. Before the picture gets smaller half of the frames
// are left out, where the stream has temporal layers; more of them only where nothing smaller is left.
func (l *layer) rungs(to []rung) []rung {
	top := l.top()
	for sid := range top.sid + 1 {
		for tid := range top.tid + 1 {
			if len(to) > 0 && tid+1 < top.tid {
				continue
			}
			r := rung{layer: l, cut: cut{sid, tid}, lines: l.height(sid)}
			for s := range sid + 1 {
				for t := range tid + 1 {
					r.rate += l.parts[s][t].rate
				}
			}
			// The highest takes what comes, also layers that have not been seen.
			if sid == top.sid {
				r.cut.sid = whole.sid
			}
			if tid == top.tid {
				r.cut.tid = whole.tid
			}
			to = append(to, r)
		}
	}
	return to
}

// top is the highest spatial and the highest temporal layer that flow.
func (l *layer) top() (c cut) {
	newest := l.last.Load()
	for s := range l.parts {
		for t := range l.parts[s] {
			if last := l.parts[s][t].last.Load(); last != 0 && newest-last < int64(partQuiet) {
				c.sid, c.tid = max(c.sid, uint8(s)), max(c.tid, uint8(t))
			}
		}
	}
	return c
}

// covers is the lowest of the rungs, which stand in the order of their sizes, whose picture is as high as it is shown, with
// all of its frames. A fifth is not worth three times the bits.
func covers(rungs []rung, shown int) int {
	for i, r := range rungs {
		if whole := i == len(rungs)-1 || rungs[i+1].lines != r.lines; whole && (r.lines == 0 || r.lines*6/5 >= shown) {
			return i
		}
	}
	return len(rungs) - 1
}

// shows is how high a member shows a user's picture; MaxInt: it did not say.
func (v *view) shows(u *uplink) int {
	if h, told := v.sizes[u.key.user]; told && h > 0 {
		return h
	}
	return math.MaxInt
}

// start chooses the layer with which a slot begins its source, and asks for its key frame.
func (t *slot) start(now int64) {
	t.mu.Lock()
	u := t.src
	t.mu.Unlock()
	if u == nil {
		return
	}
	u.measure(now)
	if len(u.rungs) == 0 { // its first packet is on the way here
		t.aim(nil, whole, math.MaxInt, false, false, now)
	} else {
		k := covers(u.rungs, t.s.member.view.shows(u))
		t.aim(u.rungs[k].layer, u.rungs[k].cut, ceiling(u.rungs, k), false, false, now)
	}
}

// ceiling is the height up to which a slot that takes rung k may change to a larger picture by itself, when its key frame
// comes: any, where the layer of k is the highest that there is.
func ceiling(rungs []rung, k int) int {
	if rungs[k].layer == rungs[len(rungs)-1].layer {
		return math.MaxInt
	}
	return rungs[k].lines
}

// rungOf finds what a slot takes among the rungs: that, or what comes nearest where they have changed.
func rungOf(rungs []rung, l *layer, c cut) int {
	found := 0
	for i, r := range rungs {
		if r.layer == l && r.cut.sid <= c.sid && r.cut.tid <= c.tid {
			found = i
		}
	}
	return found
}

// aim gives a member's video slots the layers that it shows and can be sent.
func (r *room) aim(s *session, now int64) {
	m := &s.member
	if len(m.video) == 0 {
		return
	}
	m.demands, m.rates = m.demands[:0], m.rates[:0]
	for _, t := range m.video {
		t.mu.Lock()
		u, want, takes, paused, off := t.src, t.want, t.cut.want, t.paused, t.off
		t.mu.Unlock()
		if u == nil || off || len(u.rungs) == 0 {
			continue
		}
		e := demand{slot: t, top: covers(u.rungs, m.view.shows(u)), now: rungOf(u.rungs, want, takes)}
		if paused {
			e.now = -1
		}
		for _, r := range u.rungs {
			m.rates = append(m.rates, r.rate)
		}
		e.rates = m.rates[len(m.rates)-len(u.rungs):]
		e.worth = r.worth(s, u, now)
		m.demands = append(m.demands, e)
	}
	slices.SortStableFunc(m.demands, func(a, b demand) int { return cmp.Compare(b.worth, a.worth) })
	audio := 0.0
	for _, t := range m.audio {
		t.mu.Lock()
		if u := t.src; u != nil && !t.off {
			for _, l := range u.flowing {
				audio += l.rate
			}
		}
		t.mu.Unlock()
	}
	budget, stop, late := s.media.budget(now)
	next := allocate(budget-audio, m.demands)
	s.media.wish(now, audio+next)
	for i := range m.demands {
		e := &m.demands[i]
		rungs := e.slot.src.rungs // src is only changed under room.mu
		changed := false
		if e.rung >= 0 || e.now < 0 {
			e.slot.hungry = 0
		} else if e.slot.hungry == 0 {
			e.slot.hungry = now
		}
		if e.rung < 0 && e.now >= 0 && !late && now-e.slot.hungry < int64(pauseAfter) {
			e.rung = 0 // an estimate that dips for a moment makes nobody's picture go
		}
		if e.rung < 0 {
			changed = e.slot.aim(nil, whole, 0, true, true, now)
		} else {
			k := &rungs[e.rung]
			changed = e.slot.aim(k.layer, k.cut, ceiling(rungs, e.rung), false, stop && e.rung < e.now, now)
		}
		if changed {
			s.slotsChanged()
		}
	}
}
