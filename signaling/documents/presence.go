package documents

import (
	"time"

	"atrium/signaling/documents/bus"
	"atrium/signaling/documents/wire"
	"atrium/signaling/socket"
)

// change applies what a session says of its member's presence and lets the next tick tell the others. It is false for who
// is not in the document.
func (d *document) change(s *session, l lane, frame []byte, apply func(*presence)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.sessions[s]
	if m == nil {
		return false
	}
	apply(&m.presence)
	d.date(m, l)
	if l == laneAll || l == laneTyping {
		d.watchTyping(m)
	}
	d.pend(m, l, frame, false)
	return true
}

// date notes when a member said something, where there are other nodes on which it may say something too.
func (d *document) date(m *member, l lane) {
	if b := d.srv.opt.Bus; b != nil {
		m.presence.said(l, b.Clock())
	}
}

// pend makes a frame the latest of a lane. What was heard of another node is not told to the others again.
func (d *document) pend(m *member, l lane, frame []byte, heard bool) {
	d.turn++
	p := &m.pending[l]
	if p.frame != nil {
		d.srv.metrics.replaced.Inc()
	}
	p.frame, p.turn, p.heard = frame, d.turn, heard
	if !m.changed {
		m.changed = true
		d.changed = append(d.changed, m)
	}
	switch {
	case d.ticking:
	case d.tick == nil:
		d.ticking = true
		d.tick = time.AfterFunc(d.srv.opt.Tick, d.flushOrRest)
		d.flush()
	default:
		d.ticking = true
		d.tick.Reset(d.srv.opt.Tick)
		d.flush()
	}
}

// flushOrRest is the tick. It runs while there is something to tell: what comes after a rest is told at once.
func (d *document) flushOrRest() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended || len(d.changed) == 0 {
		d.ticking = false
		return
	}
	d.flush()
	d.tick.Reset(d.srv.opt.Tick)
}

// flush sends the latest of every lane that changed to everybody but its member.
func (d *document) flush() {
	if len(d.changed) == 0 {
		return
	}
	t := &socket.Tick{}
	for _, m := range d.changed {
		m.own.First = t.Len()
		var news []bus.News
		for _, p := range m.latest() {
			t.AddMessage(p.key, p.frame)
			if !p.heard && d.link != nil {
				news = append(news, bus.News{Kind: uint8(p.lane), Frame: p.frame})
			}
			p.frame = nil
		}
		m.own.N = t.Len() - m.own.First
		if len(news) > 0 && m.sessions > 0 {
			d.tell(m, news)
		}
	}
	replaced := 0
	for s, m := range d.sessions {
		replaced += s.conn.SendPresence(t, m.own)
	}
	for _, m := range d.changed {
		m.changed, m.own = false, socket.Own{}
	}
	clear(d.changed)
	d.changed = d.changed[:0]
	d.srv.metrics.replaced.Add(float64(replaced))
	d.srv.metrics.presence.Add(float64(t.Len() * len(d.sessions)))
}

// watchTyping lets typing that is not renewed end.
func (d *document) watchTyping(m *member) {
	if !m.presence.Typing {
		if m.typing != nil {
			m.typing.Stop()
		}
		return
	}
	wait := d.srv.opt.Typing
	m.typingUntil = time.Now().Add(wait)
	if m.typing == nil {
		m.typing = time.AfterFunc(wait, func() { d.stopTyping(m) })
		return
	}
	m.typing.Reset(wait)
}

func (d *document) stopTyping(m *member) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// It may have been renewed, or be gone, while this waited for the lock.
	if d.members[m.user] != m || !m.presence.Typing || time.Now().Before(m.typingUntil) {
		return
	}
	m.presence.Typing, m.presence.At = false, stamp(d.srv.opt.Now())
	d.date(m, laneTyping)
	d.pend(m, laneTyping, wire.Encode(wire.TagTypingIndicator, wire.TypingIndicator{DocumentID: d.id.Document, UserID: m.user, Timestamp: m.presence.At}), false)
}

// forget drops what was not told yet: the member left.
func (m *member) forget() {
	if m.typing != nil {
		m.typing.Stop()
	}
	for l := range m.pending {
		m.pending[l].frame = nil
	}
}
