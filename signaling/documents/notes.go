package documents

import (
	"context"

	"github.com/google/uuid"

	"atrium/signaling/documents/store"
	"atrium/signaling/documents/wire"
)

// note sends a note on its way to the store. Everybody hears of it when it is there.
func (d *document) note(s *session, tag string, frame []byte) *wire.Error {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.sessions[s]
	if m == nil {
		return notJoined(tag)
	}
	o := &d.srv.opt
	if !s.user.notes.AllowN(o.Now(), 1) {
		return tooManyNotes(o.NoteRate)
	}
	if len(d.notes)+d.waiting >= o.MaxNotes {
		return wire.Errorf(wire.DocumentError, "the document is full: it holds %d annotations and comments; this one is not stored", o.MaxNotes)
	}
	if d.noteBytes+d.waitingSize+len(frame) > o.MaxBytes {
		return wire.Errorf(wire.DocumentError, "the document is full: it holds %d bytes of annotations and comments; this one is not stored", o.MaxBytes)
	}
	// The order in which notes are queued is the order in which they are stored: so it is done with the lock held.
	n := store.Note{Author: m.user, Frame: frame}
	var err error
	if d.link != nil {
		err = d.link.Append(n)
	} else {
		err = o.Store.Append(d.id, n, d.stored)
	}
	if err != nil {
		o.Logger.Warn("a note is not taken", "err", err)
		return wire.Errorf(wire.ConnectionError, "the store of the notes is out of reach; this one is not stored: send it again in a moment")
	}
	d.waiting++
	d.waitingSize += len(frame)
	m.notes++
	return nil
}

// awaitNotes waits until the notes that a session's user has on their way are stored: everybody is sent them before it
// is told that their author left, and the author hears of them. Where the other nodes are out of reach there is no waiting.
func (d *document) awaitNotes(ctx context.Context, s *session) {
	if d.srv.outageNow() != 0 {
		return
	}
	d.mu.Lock()
	m := d.sessions[s]
	if m == nil || m.notes == 0 {
		d.mu.Unlock()
		return
	}
	if m.settled == nil {
		m.settled = make(chan struct{})
	}
	settled := m.settled
	d.mu.Unlock()
	select {
	case <-settled:
	case <-ctx.Done():
	}
}

// note is one that is stored.
type note struct {
	store.Note
	old bool // it was stored before anybody here asked for it
}

// stored hears from the store what became of notes.
func (d *document) stored(notes []store.Note, err error) {
	d.mu.Lock()
	for _, n := range notes {
		d.settle(n)
	}
	if err == nil {
		out := make([]note, len(notes))
		for i, n := range notes {
			out[i].Note = n
		}
		d.deliver(out)
	} else {
		d.lost(notes, err)
	}
	d.unlockIdle()
}

// settle counts a note that is on its way no more.
func (d *document) settle(n store.Note) {
	d.waiting--
	d.waitingSize -= len(n.Frame)
	m := d.members[n.Author]
	if m == nil || m.notes == 0 { // it has left meanwhile, and may be another member by now
		return
	}
	if m.notes--; m.notes == 0 && m.settled != nil {
		close(m.settled)
		m.settled = nil
	}
}

// deliver sends notes to everybody, in the order in which they are stored; to their author only where it asked for that,
// or where they are those that whoever joins is sent.
func (d *document) deliver(notes []note) {
	frames := make([][]byte, len(notes))
	fresh := make(map[uuid.UUID]bool, 1) // authors
	for i, n := range notes {
		frames[i] = n.Frame
		d.noteBytes += len(n.Frame)
		if !n.old {
			fresh[n.Author] = true
			d.srv.metrics.stored.Inc()
		}
	}
	d.notes = append(d.notes, frames...)
	for s, m := range d.sessions {
		theirs := frames
		if fresh[m.user] && !s.ack {
			theirs = make([][]byte, 0, len(frames))
			for _, n := range notes {
				if n.old || n.Author != m.user {
					theirs = append(theirs, n.Frame)
				}
			}
		}
		if len(theirs) > 0 {
			s.send("note", theirs...)
		}
	}
}

// lost tells authors that notes were not stored.
func (d *document) lost(notes []store.Note, err error) {
	d.srv.opt.Logger.Error("notes are not stored", "document", d.id.Document, "notes", len(notes), "err", err)
	d.tellAuthors(notes, wire.Errorf(wire.ConnectionError, "the store of the notes failed; this one is not stored: send it again in a moment"))
}

func tooManyNotes(most float64) *wire.Error {
	return wire.Errorf(wire.DocumentError, "more than %v annotations and comments a second; this one is not stored", most)
}

// tellAuthors sends an error for each of the notes to all connections of its author here.
func (d *document) tellAuthors(notes []store.Note, e *wire.Error) {
	for _, n := range notes {
		for s, m := range d.sessions {
			if m.user == n.Author {
				s.sendError(e)
			}
		}
	}
}
