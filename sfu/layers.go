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
	rateOver   = time.Second             // a layer's rate is its mean over that
	pauseAfter = 1500 * time.Millisecond // without room for even its lowest layer a picture goes
	rateLeast  = 50 * time.Millisecond   // and not looked at more often
)

// measure brings what is known of an uplink's layers up to date: which flow, and how much each brings. Called by the tick.
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
		bytes, passed := l.bytes.Load(), now-l.measuredAt
		switch rate := float64(bytes-l.measured) * 8 * float64(time.Second) / float64(passed); {
		case l.measuredAt == 0:
		case passed < int64(rateLeast):
			continue
		case l.rate == 0:
			l.rate = rate
		default:
			l.rate += (rate - l.rate) * (1 - math.Exp(-float64(passed)/float64(rateOver)))
		}
		l.measured, l.measuredAt = bytes, now
	}
	slices.SortStableFunc(u.flowing, func(a, b *layer) int { return cmp.Compare(a.pixels.Load(), b.pixels.Load()) })
}

// height of a layer's picture; 0: it is not known yet.
func (l *layer) height() int { return int(l.lines.Load()) }

// covers is the lowest of the layers, which stand in the order of their sizes, whose picture is as high as it is shown. A
// fifth is not worth three times the bits.
func covers(layers []*layer, shown int) int {
	for i, l := range layers {
		if h := l.height(); h == 0 || h*6/5 >= shown {
			return i
		}
	}
	return len(layers) - 1
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
	if len(u.flowing) == 0 { // its first packet is on the way here
		t.aim(nil, math.MaxInt, false, false, now)
	} else {
		k := covers(u.flowing, t.s.member.view.shows(u))
		t.aim(u.flowing[k], ceiling(u.flowing, k), false, false, now)
	}
}

// ceiling is the height up to which a slot that takes layer k may change to a larger picture by itself, when its key frame
// comes: any, where k is the highest that there is.
func ceiling(layers []*layer, k int) int {
	if k == len(layers)-1 {
		return math.MaxInt
	}
	return layers[k].height()
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
		u, want, paused, off := t.src, t.want, t.paused, t.off
		t.mu.Unlock()
		if u == nil || off || len(u.flowing) == 0 {
			continue
		}
		e := demand{slot: t, top: covers(u.flowing, m.view.shows(u)), now: slices.Index(u.flowing, want)}
		if paused {
			e.now = -1
		} else if e.now < 0 {
			e.now = 0
		}
		for _, l := range u.flowing {
			m.rates = append(m.rates, l.rate)
		}
		e.rates = m.rates[len(m.rates)-len(u.flowing):]
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
	budget, cut, late := s.media.budget(now)
	next := allocate(budget-audio, m.demands)
	s.media.wish(now, audio+next)
	for i := range m.demands {
		e := &m.demands[i]
		layers := e.slot.src.flowing // src is only changed under room.mu
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
			changed = e.slot.aim(nil, 0, true, true, now)
		} else {
			changed = e.slot.aim(layers[e.rung], ceiling(layers, e.rung), false, cut && e.rung < e.now, now)
		}
		if changed {
			s.slotsChanged()
		}
	}
}
