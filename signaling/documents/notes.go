package documents

import (
	"errors"

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
		return wire.Errorf(wire.DocumentError, "more than %v annotations and comments a second; this one is not stored", o.NoteRate)
	}
	if len(d.notes)+d.waiting >= o.MaxNotes {
		return wire.Errorf(wire.DocumentError, "the document is full: it holds %d annotations and comments; this one is not stored", o.MaxNotes)
	}
	if d.noteBytes+d.waitingSize+len(frame) > o.MaxBytes {
		return wire.Errorf(wire.DocumentError, "the document is full: it holds %d bytes of annotations and comments; this one is not stored", o.MaxBytes)
	}
	// The order in which notes are queued is the order in which they are stored: so it is done with the lock held.
	if err := o.Store.Append(d.id, store.Note{Author: m.user, Frame: frame}, d.stored); err != nil {
		d.srv.opt.Logger.Warn("a note is not taken", "err", err)
		return wire.Errorf(wire.ConnectionError, "the store of the notes is out of reach; this one is not stored: send it again in a moment")
	}
	d.waiting++
	d.waitingSize += len(frame)
	return nil
}

// stored hears what became of notes. Those that are stored go to everybody, in this order; to their author only where it
// asked for that.
func (d *document) stored(notes []store.Note, err error) {
	d.mu.Lock()
	frames := make([][]byte, len(notes))
	authors := make(map[uuid.UUID]bool, 1)
	for i, n := range notes {
		frames[i] = n.Frame
		authors[n.Author] = true
		d.waiting--
		d.waitingSize -= len(n.Frame)
	}
	if err == nil {
		d.deliver(notes, frames, authors)
	} else {
		d.lost(notes, err)
	}
	idle := d.waiting == 0
	d.mu.Unlock()
	if idle {
		d.srv.reap(d)
	}
}

func (d *document) deliver(notes []store.Note, frames [][]byte, authors map[uuid.UUID]bool) {
	d.srv.metrics.stored.Add(float64(len(notes)))
	d.notes = append(d.notes, frames...)
	for _, f := range frames {
		d.noteBytes += len(f)
	}
	for s, m := range d.sessions {
		theirs := frames
		if authors[m.user] && !s.ack {
			theirs = make([][]byte, 0, len(frames))
			for _, n := range notes {
				if n.Author != m.user {
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
	e := wire.Errorf(wire.ConnectionError, "the store of the notes failed; this one is not stored: send it again in a moment")
	if errors.Is(err, store.ErrClosed) {
		e = wire.Errorf(wire.ConnectionError, "the server is shutting down; this note is not stored")
	}
	for _, n := range notes {
		for s, m := range d.sessions {
			if m.user == n.Author {
				s.sendError(e)
			}
		}
	}
}
