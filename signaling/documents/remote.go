package documents

import (
	"encoding/json"
	"time"

	"atrium/signaling/documents/bus"
	"atrium/signaling/documents/store"
	"atrium/signaling/documents/wire"
)

// follower is a document as the bus knows it. Its methods are called by the document's link.
type follower struct{ *document }

var _ bus.Follower = follower{}

// await opens the document's link, where there are other nodes, and waits until what they say of it is known here, or
// until it turns out that they are out of reach. Only the one that joins waits.
func (d *document) await(s *session) {
	b := d.srv.opt.Bus
	if b == nil {
		return
	}
	d.mu.Lock()
	if d.link == nil {
		d.link = b.Open(d.id, bus.Limit{Rate: d.srv.opt.NoteRate, Burst: d.srv.opt.noteBurst()}, follower{d})
	}
	link := d.link
	d.mu.Unlock()
	const most = 3 * time.Second
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-link.Ready():
	case <-s.conn.Done():
	case <-t.C:
	}
}

// tell says something of a member to the other nodes.
func (d *document) tell(m *member, news []bus.News) {
	if d.link != nil {
		d.link.Tell(d.said(m, news))
	}
}

func (d *document) said(m *member, news []bus.News) bus.Member {
	state, err := json.Marshal(m.presence)
	if err != nil {
		panic("documents: " + err.Error()) // numbers and text
	}
	return bus.Member{User: m.user, Version: d.srv.opt.Bus.Version(), State: state, News: news}
}

// tellLeft says to the other nodes that a member has no connection here any more.
func (d *document) tellLeft(m *member) {
	if d.link != nil {
		d.link.Tell(bus.Member{User: m.user, Version: d.srv.opt.Bus.Version()})
	}
}

// Members implements bus.Follower.
func (f follower) Members() []bus.Member {
	d := f.document
	d.mu.Lock()
	defer d.mu.Unlock()
	var here []bus.Member
	for _, m := range d.members {
		if m.sessions > 0 {
			here = append(here, d.said(m, nil))
		}
	}
	return here
}

// Heard implements bus.Follower.
func (f follower) Heard(node string, members []bus.Member, all bool) {
	d := f.document
	d.mu.Lock()
	defer d.mu.Unlock()
	said := make(map[*member]bool, len(members))
	for _, word := range members {
		if word.State == nil {
			if m := d.members[word.User]; m != nil && m.nodes[node] < word.Version {
				d.without(node, m)
			}
		} else if m := d.hear(node, word, all); m != nil {
			said[m] = true
		}
	}
	if !all {
		return
	}
	for _, m := range d.members {
		if _, there := m.nodes[node]; there && !said[m] {
			d.without(node, m)
		}
	}
}

// hear takes what a node says of one of its members, and lets those who are here know what is new to them.
func (d *document) hear(node string, word bus.Member, all bool) *member {
	p := d.read(word)
	if p == nil {
		return nil
	}
	m := d.members[word.User]
	if m != nil && all && m.sessions == 0 && m.presence.knowsMore(p) {
		d.link.Pass(d.said(m, nil)) // who said it here has left, and while the nodes did not see each other
	}
	if m != nil && m.nodes[node] >= word.Version {
		return m // said already
	}
	if m == nil {
		m = newMember(word.User, d.srv.opt.Now())
		m.presence.At, m.presence.StatusAt = p.At, p.StatusAt
		d.add(m)
	}
	m.nodes[node] = word.Version
	d.take(m, p, word.News)
	return m
}

// Passed implements bus.Follower.
func (f follower) Passed(members []bus.Member) {
	d := f.document
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, word := range members {
		m, p := d.members[word.User], d.read(word)
		if m == nil || p == nil {
			continue
		}
		if d.take(m, p, nil) && m.sessions > 0 {
			d.tell(m, nil) // so that who reads it later is told the same
		}
	}
}

func (d *document) read(word bus.Member) *presence {
	p := &presence{}
	if err := json.Unmarshal(word.State, p); err != nil {
		d.srv.opt.Logger.Warn("another node says what cannot be read", "err", err)
		return nil
	}
	for _, c := range p.Clocks {
		d.srv.opt.Bus.Seen(c)
	}
	return p
}

// take merges what another node says of a member, and says whether anything was newer.
func (d *document) take(m *member, p *presence, news []bus.News) bool {
	was := m.presence
	newer := m.presence.merge(p)
	var told [lanes]bool
	for _, n := range news {
		if l := lane(n.Kind); l < lanes && newer[l] {
			told[l] = true
			d.pend(m, l, n.Frame, true)
		}
	}
	// What the news do not hold: messages were lost, or there was none to hear them, or the member said something here meanwhile.
	now := &m.presence
	if !told[laneAll] && (was.Cursor != now.Cursor && !told[laneCursor] || was.Selection != now.Selection && !told[laneSelection] || was.Typing != now.Typing && !told[laneTyping]) {
		d.pend(m, laneAll, m.update(d.id.Document), true)
	}
	if was.Status != now.Status && !told[laneStatus] {
		d.pend(m, laneStatus, m.status(d.id.Document), true)
	}
	if m.sessions > 0 && was.Typing != now.Typing {
		d.watchTyping(m)
	}
	return was.Clocks != now.Clocks
}

// without takes a member's connections to another node out. What it said there is in this node's word from then on.
func (d *document) without(node string, m *member) {
	if _, there := m.nodes[node]; !there {
		return
	}
	delete(m.nodes, node)
	switch {
	case m.sessions > 0:
		d.tell(m, nil)
	case len(m.nodes) == 0:
		d.remove(m)
	}
}

// Notes implements bus.Follower.
func (f follower) Notes(notes []bus.Note) {
	d := f.document
	out := make([]note, len(notes))
	d.mu.Lock()
	for i, n := range notes {
		if n.Mine {
			d.settle(n.Note)
		}
		out[i] = note{n.Note, n.Old}
	}
	d.deliver(out)
	d.unlockIdle()
}

// Refused implements bus.Follower.
func (f follower) Refused(notes []store.Note) {
	d := f.document
	d.mu.Lock()
	for _, n := range notes {
		d.settle(n)
	}
	d.tellAuthors(notes, tooManyNotes(d.srv.opt.NoteRate))
	d.unlockIdle()
}

// Lost implements bus.Follower.
func (f follower) Lost(notes []store.Note) {
	d := f.document
	d.mu.Lock()
	for _, n := range notes {
		d.settle(n)
	}
	d.lost(notes, bus.ErrClosed)
	d.unlockIdle()
}

// reach hears that the other nodes are out of reach, or back.
func (s *Server) reach(up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if up {
		s.outage = 0
		return
	}
	s.outages++
	s.outage = s.outages
	for sess := range s.sessions {
		if sess.in.Load() > 0 {
			sess.tellOutage(s.outage)
		}
	}
}

// outageNow is the number of the outage that there is; 0: none.
func (s *Server) outageNow() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outage
}

// tellOutage tells a connection of an outage, once.
func (s *session) tellOutage(number uint64) {
	if number != 0 && s.told.Swap(number) != number {
		s.sendError(wire.Errorf(wire.ConnectionError, "the other nodes are out of reach: who is on them is not seen for now, and notes wait until they are back"))
	}
}
