package documents

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/documents/bus"
	"atrium/signaling/documents/store"
	"atrium/signaling/documents/wire"
)

// document is a document that somebody here is in.
type document struct {
	// Static after construction.
	srv *Server
	id  store.ID

	// Guarded by Server.mu.
	held int // sessions that are in it or on their way

	// Guarded by mu.
	mu       sync.Mutex
	link     *bus.Link // to the other nodes; nil: there are none, or nobody has joined yet
	loaded   bool      // notes holds what is stored
	ended    bool
	members  map[uuid.UUID]*member
	sessions map[*session]*member

	notes       [][]byte // the stored ones, in order
	noteBytes   int
	waiting     int // notes on their way to the store
	waitingSize int

	turn    uint64
	changed []*member   // whose presence the next tick sends
	tick    *time.Timer // nil: it never ran
	ticking bool
}

func newDocument(srv *Server, id store.ID) *document {
	return &document{srv: srv, id: id, members: make(map[uuid.UUID]*member), sessions: make(map[*session]*member)}
}

// end says whether nothing holds the document any more, and stops it. Called with Server.mu held.
func (d *document) end() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting > 0 {
		return false
	}
	d.ended = true
	if d.tick != nil {
		d.tick.Stop()
	}
	if d.link != nil {
		d.link.Close()
	}
	return true
}

// has says whether a session is in the document.
func (d *document) has(s *session) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sessions[s] != nil
}

// join takes a session in and sends it what there is. The others hear of a member's first connection.
func (d *document) join(s *session) *wire.Error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.load(); e != nil {
		return e
	}
	d.flush() // to those who are in: what s is sent now holds it already
	m := d.sessions[s]
	if m == nil {
		user := s.claims.User
		if m = d.members[user]; m == nil {
			m = newMember(user, d.srv.opt.Now())
			d.add(m)
		}
		if m.sessions++; m.sessions == 1 {
			d.tell(m, nil)
		}
		d.sessions[s] = m
	}
	frames := make([][]byte, 0, 2*len(d.members)+len(d.notes))
	for _, other := range d.members {
		if other != m {
			frames = append(frames, other.told(d.id.Document)...)
		}
	}
	if frames = append(frames, d.notes...); len(frames) > 0 {
		s.send("snapshot", frames...)
	}
	return nil
}

func (d *document) load() *wire.Error {
	if d.loaded || d.srv.opt.Bus != nil {
		return nil
	}
	notes, err := d.srv.opt.Store.Load(d.id)
	if err != nil {
		d.srv.opt.Logger.Error("a document's notes cannot be read", "document", d.id.Document, "err", err)
		return wire.Errorf(wire.ConnectionError, "the store of the notes is out of reach; try again in a moment")
	}
	d.loaded, d.notes = true, notes
	for _, n := range notes {
		d.noteBytes += len(n)
	}
	return nil
}

// leave takes a session out, and says whether it was in. It is done before ctx, or after what its user has noted.
func (d *document) leave(ctx context.Context, s *session) bool {
	d.awaitNotes(ctx, s)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leaveLocked(s)
}

func (d *document) leaveLocked(s *session) bool {
	m := d.sessions[s]
	if m == nil {
		return false
	}
	delete(d.sessions, s)
	if m.sessions--; m.sessions > 0 {
		return true
	}
	d.tellLeft(m)
	if len(m.nodes) == 0 {
		d.remove(m)
	}
	return true
}

// add lets everybody know of a new member.
func (d *document) add(m *member) {
	d.members[m.user] = m
	d.send(wire.TagJoinDocument, wire.Encode(wire.TagJoinDocument, wire.JoinDocument{DocumentID: d.id.Document, UserID: m.user}))
}

// remove lets everybody know that a member has no connection left.
func (d *document) remove(m *member) {
	delete(d.members, m.user)
	m.forget()
	keys := m.keys()
	for other := range d.sessions {
		other.conn.DropPresence(keys...)
	}
	d.send(wire.TagLeaveDocument, wire.Encode(wire.TagLeaveDocument, wire.LeaveDocument{DocumentID: d.id.Document, UserID: m.user}))
}

// recheck puts out who may not be in the document any more.
func (d *document) recheck(a Access) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for s := range d.sessions {
		if !a.MayOpen(s.claims, d.id.Document) {
			s.sendError(wire.Errorf(wire.AuthError, "the document became a world's that the token does not open"))
			d.leaveLocked(s)
		}
	}
}

// send queues a frame to everybody here.
func (d *document) send(tag string, frame []byte) {
	for s := range d.sessions {
		s.send(tag, frame)
	}
}

// unlockIdle unlocks the document and ends it where nobody is in it any more and this was its last note on the way.
func (d *document) unlockIdle() {
	idle := d.waiting == 0
	d.mu.Unlock()
	if idle {
		d.srv.reap(d)
	}
}
