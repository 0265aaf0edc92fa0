package documents_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	"atrium/signaling/documents/wire"
)

// watcher believes what a client is told.
type watcher struct {
	c     *client
	told  map[uuid.UUID]map[uuid.UUID]*state // by document and user
	notes []string
	taken int
}

// state is a member's presence without its timestamps.
type state struct {
	cursor    wire.Position
	selection wire.Selection
	typing    bool
	status    string
}

func watch(c *client) *watcher { return &watcher{c: c, told: map[uuid.UUID]map[uuid.UUID]*state{}} }

// drain takes what has come.
func (w *watcher) drain() {
	for {
		select {
		case f := <-w.c.frames:
			w.believe(f)
		default:
			return
		}
	}
}

func (w *watcher) believe(f frame) {
	var ids struct {
		Document uuid.UUID `json:"document_id"`
		User     uuid.UUID `json:"user_id"`
	}
	w.into(f, &ids)
	in := w.told[ids.Document]
	if in == nil {
		in = map[uuid.UUID]*state{}
		w.told[ids.Document] = in
	}
	s := in[ids.User]
	if s == nil {
		s = &state{status: "online"}
	}
	switch f.tag {
	case wire.TagLeaveDocument:
		if in[ids.User] == nil {
			w.c.t.Errorf("who was not there left: %s", f.text)
		}
		delete(in, ids.User)
		return
	case wire.TagPresenceUpdate:
		var m wire.PresenceUpdate
		w.into(f, &m)
		s.cursor, s.selection, s.typing = m.Cursor, m.Selection, m.IsTyping
	case wire.TagCursorUpdate:
		var m wire.CursorUpdate
		w.into(f, &m)
		s.cursor = m.Position
	case wire.TagSelectionUpdate:
		var m wire.SelectionUpdate
		w.into(f, &m)
		s.selection = m.Selection
	case wire.TagTypingIndicator:
		var m wire.TypingIndicator
		w.into(f, &m)
		s.typing = m.IsTyping
	case wire.TagPresenceStatus:
		var m wire.PresenceStatus
		w.into(f, &m)
		s.status = m.Status
	case wire.TagAnnotation, wire.TagComment:
		w.notes = append(w.notes, f.text)
		return
	case wire.TagError:
		return
	}
	if ids.User == w.c.user {
		w.c.t.Errorf("told of itself: %s", f.text)
	}
	if f.tag != wire.TagJoinDocument && f.tag != wire.TagPresenceUpdate && in[ids.User] == nil {
		w.c.t.Errorf("who is not there has presence: %s", f.text)
	}
	in[ids.User] = s
}

func (w *watcher) into(f frame, v any) {
	if err := json.Unmarshal(f.payload, v); err != nil {
		w.c.t.Errorf("%s: %v", f.text, err)
	}
}

// is says whether those who it believes to be in a document are the members but itself.
func (w *watcher) is(document uuid.UUID, members map[uuid.UUID]bool, itself uuid.UUID) bool {
	n := 0
	for user := range members {
		if user == itself {
			continue
		}
		if n++; w.told[document][user] == nil {
			return false
		}
	}
	return n == len(w.told[document])
}

// note waits for one more note.
func (w *watcher) note() string {
	w.c.t.Helper()
	for len(w.notes) == w.taken {
		w.believe(w.c.next())
	}
	w.taken++
	return w.notes[w.taken-1]
}

func (w *watcher) noMore(t testing.TB) {
	t.Helper()
	w.c.raw("[]")
	for {
		f := w.c.next()
		var e wire.Error
		if f.tag == wire.TagError {
			if w.into(f, &e); e.Code == wire.ParseError {
				break
			}
		}
		w.believe(f)
	}
	if len(w.notes) > w.taken {
		t.Errorf("a note too many: %s", w.notes[w.taken])
	}
}
