package documents_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/signaling/documents/wire"
)

// TestLeavesAfterItsNotes: what somebody noted before it left, or before its connection ended, comes before its
// LeaveDocument, and back to it where it asked for that.
func TestLeavesAfterItsNotes(t *testing.T) {
	h := newHouse(t, nil)
	doc := uuid.New()
	b := h.enter(uuid.New())
	b.join(doc)
	b.fence()
	for i := range 20 {
		a := h.enter(uuid.New(), wire.SubprotocolAck)
		a.join(doc)
		a.fenceQuietly() // with the notes of those before
		b.expect(wire.TagJoinDocument, nil)
		for range 3 {
			a.annotate(doc, "goodbye")
		}
		if i%2 == 0 {
			a.leave(doc)
			for range 3 {
				a.expect(wire.TagAnnotation, nil)
			}
		} else if err := a.ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			b.expect(wire.TagAnnotation, nil)
		}
		b.expect(wire.TagLeaveDocument, nil)
	}
}

// TestTwoPeople goes through every message of the protocol.
func TestTwoPeople(t *testing.T) {
	h := newHouse(t, nil)
	doc := uuid.New()
	a, b := h.enter(uuid.New()), h.enter(uuid.New())
	a.join(doc)
	a.fence() // nobody is there, nothing is stored
	pos := wire.Position{Line: 3, Column: 4}
	sel := wire.Selection{Start: pos, End: wire.Position{Line: 3, Column: 9}}
	a.send(wire.TagPresenceUpdate, wire.PresenceUpdate{DocumentID: doc, UserID: a.user, Cursor: pos, Selection: sel, IsTyping: true, Timestamp: someTime})
	a.send(wire.TagPresenceStatus, wire.PresenceStatus{DocumentID: doc, UserID: a.user, Status: "au café", Timestamp: someTime})
	a.fence()

	b.join(doc)
	var p wire.PresenceUpdate
	b.expect(wire.TagPresenceUpdate, &p)
	if (p != wire.PresenceUpdate{DocumentID: doc, UserID: a.user, Cursor: pos, Selection: sel, IsTyping: true, Timestamp: someTime}) {
		t.Errorf("%+v", p)
	}
	var st wire.PresenceStatus
	b.expect(wire.TagPresenceStatus, &st)
	if (st != wire.PresenceStatus{DocumentID: doc, UserID: a.user, Status: "au café", Timestamp: someTime}) {
		t.Errorf("%+v", st)
	}
	var j wire.JoinDocument
	a.expect(wire.TagJoinDocument, &j)
	if j.UserID != b.user || j.DocumentID != doc {
		t.Errorf("%+v", j)
	}

	b.cursor(doc, 7)
	var cur wire.CursorUpdate
	a.expect(wire.TagCursorUpdate, &cur)
	if (cur != wire.CursorUpdate{DocumentID: doc, UserID: b.user, Position: wire.Position{Line: 7}, Timestamp: someTime}) {
		t.Errorf("%+v", cur)
	}
	b.send(wire.TagSelectionUpdate, wire.SelectionUpdate{DocumentID: doc, UserID: b.user, Selection: sel, Timestamp: someTime})
	var s wire.SelectionUpdate
	a.expect(wire.TagSelectionUpdate, &s)
	if (s != wire.SelectionUpdate{DocumentID: doc, UserID: b.user, Selection: sel, Timestamp: someTime}) {
		t.Errorf("%+v", s)
	}
	b.send(wire.TagTypingIndicator, wire.TypingIndicator{DocumentID: doc, UserID: b.user, IsTyping: true, Timestamp: someTime})
	var ty wire.TypingIndicator
	a.expect(wire.TagTypingIndicator, &ty)
	if (ty != wire.TypingIndicator{DocumentID: doc, UserID: b.user, IsTyping: true, Timestamp: someTime}) {
		t.Errorf("%+v", ty)
	}
	b.send(wire.TagAnnotation, wire.Annotation{DocumentID: doc, UserID: b.user, Position: pos, Content: "why <this> & \"that\"?", Timestamp: someTime})
	var an wire.Annotation
	a.expect(wire.TagAnnotation, &an)
	if (an != wire.Annotation{DocumentID: doc, UserID: b.user, Position: pos, Content: "why <this> & \"that\"?", Timestamp: someTime}) {
		t.Errorf("%+v", an)
	}
	a.send(wire.TagComment, wire.Comment{DocumentID: doc, UserID: a.user, Position: pos, Content: "because", Timestamp: someTime})
	var co wire.Comment
	b.expect(wire.TagComment, &co)
	if (co != wire.Comment{DocumentID: doc, UserID: a.user, Position: pos, Content: "because", Timestamp: someTime}) {
		t.Errorf("%+v", co)
	}
	b.leave(doc)
	var l wire.LeaveDocument
	a.expect(wire.TagLeaveDocument, &l)
	if l.UserID != b.user || l.DocumentID != doc {
		t.Errorf("%+v", l)
	}
	b.fence()
	a.fence()
}

// TestOneMember: a user's connections are one member.
func TestOneMember(t *testing.T) {
	h := newHouse(t, nil)
	doc, user := uuid.New(), uuid.New()
	watcher := h.enter(uuid.New())
	watcher.join(doc)
	watcher.fence()
	one := h.enter(user)
	one.join(doc)
	watcher.expect(wire.TagJoinDocument, nil)
	snapshot := func(c *client) {
		t.Helper()
		c.expect(wire.TagPresenceUpdate, nil)
		c.expect(wire.TagPresenceStatus, nil)
	}
	snapshot(one)
	one.join(doc) // again: the snapshot again
	snapshot(one)
	two := h.enter(user)
	two.join(doc)
	snapshot(two)
	two.cursor(doc, 1)
	watcher.expect(wire.TagCursorUpdate, nil)
	one.fence() // the other connection is the sender too
	one.leave(doc)
	one.fence()
	two.cursor(doc, 2)
	watcher.expect(wire.TagCursorUpdate, nil)
	_ = two.ws.Close() // lost, not said
	watcher.expect(wire.TagLeaveDocument, nil)
	watcher.fence()
}

// TestStored: who comes later is sent the notes in the order in which all were, and so is who comes after a restart.
func TestStored(t *testing.T) {
	dir := t.TempDir()
	doc := uuid.New()
	const notes = 50
	var want []string
	t.Run("before", func(t *testing.T) {
		h := houseIn(t, dir, nil)
		a, b, reader := h.enter(uuid.New(), wire.SubprotocolAck), h.enter(uuid.New()), h.enter(uuid.New())
		for _, c := range []*client{a, b, reader} {
			c.join(doc)
		}
		a.fenceQuietly()
		b.fenceQuietly()
		reader.fenceQuietly()
		for i := range notes {
			a.annotate(doc, fmt.Sprint("a", i))
			b.annotate(doc, fmt.Sprint("b", i))
		}
		for len(want) < 2*notes {
			if f := reader.next(); f.tag == wire.TagAnnotation {
				want = append(want, f.text)
			}
		}
		for i := range want { // its own come back to a, and all in the same order
			if f := a.nextNote(); f.text != want[i] {
				t.Fatalf("note %d is %s to its author and %s to others", i, f.text, want[i])
			}
		}
		for range notes { // to b only those of a
			var an wire.Annotation
			f := b.nextNote()
			if decode(t, f, &an); an.UserID != a.user {
				t.Fatalf("%s", f.text)
			}
		}
	})
	t.Run("after", func(t *testing.T) {
		h := houseIn(t, dir, nil)
		c := h.enter(uuid.New())
		c.join(doc)
		for i := range want {
			if f := c.nextNote(); f.text != want[i] {
				t.Fatalf("note %d is %s, was %s", i, f.text, want[i])
			}
		}
		c.fence()
	})
}

// TestShutdown: everybody is told (1001), nobody is let in any more, and what was written is stored.
func TestShutdown(t *testing.T) {
	dir, doc := t.TempDir(), uuid.New()
	const notes = 20
	t.Run("before", func(t *testing.T) {
		h := houseIn(t, dir, nil)
		a := h.enter(uuid.New())
		a.join(doc)
		for i := range notes {
			a.annotate(doc, fmt.Sprint(i))
		}
		a.fence()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := h.srv.Shutdown(ctx); err != nil {
			t.Fatal(err)
		}
		a.closedWith(1001)
		d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol, token(t, claimsOf(a.user))}}
		if _, res, _ := d.Dial(h.url, nil); res == nil || res.StatusCode != 503 {
			t.Errorf("%+v", res)
		}
	})
	t.Run("after", func(t *testing.T) {
		h := houseIn(t, dir, nil)
		a := h.enter(uuid.New())
		a.join(doc)
		a.fenceNotes(notes)
	})
}
