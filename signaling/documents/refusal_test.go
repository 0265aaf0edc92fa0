package documents_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/signaling/documents"
	"atrium/signaling/documents/wire"
)

// TestWhoIsLetIn: the token comes in a header or beside the subprotocol; the answer names what was agreed on, never the token.
func TestWhoIsLetIn(t *testing.T) {
	h := newHouse(t, nil)
	good := token(t, claimsOf(uuid.New()))
	late := claimsOf(uuid.New())
	late.Expires = time.Now().Add(-time.Minute)
	old := token(t, late)
	bearer := http.Header{"Authorization": {"Bearer " + good}}
	const plain, ack = wire.Subprotocol, wire.SubprotocolAck
	cases := []struct {
		name      string
		protocols []string
		header    http.Header
		status    int
		answer    string
	}{
		{"nothing", nil, nil, 401, ""},
		{"no token", []string{plain}, nil, 401, ""},
		{"a token alone", []string{good}, nil, 401, ""},
		{"a bad token", []string{plain, "x.y.z"}, nil, 401, ""},
		{"an old token", []string{plain, old}, nil, 401, ""},
		{"a bad header", nil, http.Header{"Authorization": {"Bearer " + old}}, 401, ""},
		{"the pair", []string{plain, good}, nil, 101, plain},
		{"with the feature", []string{plain, good, ack}, nil, 101, ack},
		{"in another order", []string{ack, plain, good}, nil, 101, ack},
		{"the feature alone", []string{ack, good}, nil, 101, ack},
		{"a header", nil, bearer, 101, ""},
		{"a header and the name", []string{plain}, bearer, 101, plain},
		{"a header and the feature", []string{ack}, bearer, 101, ack},
		{"a header before the list", []string{plain, old}, bearer, 101, plain},
	}
	for _, c := range cases {
		d := websocket.Dialer{HandshakeTimeout: patience, Subprotocols: c.protocols}
		ws, res, err := d.Dial(h.url, c.header)
		if res == nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		_ = res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s: %d, should be %d", c.name, res.StatusCode, c.status)
		}
		if ws != nil {
			if ws.Subprotocol() != c.answer {
				t.Errorf("%s: answered %q, should be %q", c.name, ws.Subprotocol(), c.answer)
			}
			_ = ws.Close()
		}
	}
}

// TestWhatIsRefused: each refusal has its code, and the connection stays.
func TestWhatIsRefused(t *testing.T) {
	h := newHouse(t, nil)
	a := h.enter(uuid.New())
	doc, theirs := uuid.New(), uuid.New()
	h.worlds.set(theirs) // a world's, and nobody may join it
	a.raw(`{"JoinDocument":`)
	a.refused(wire.ParseError, "")
	a.send(wire.TagJoinDocument, wire.JoinDocument{DocumentID: doc, UserID: uuid.New()})
	a.refused(wire.AuthError, "user_id")
	a.join(theirs)
	a.refused(wire.AuthError, "world")
	a.cursor(theirs, 1)
	a.refused(wire.AuthError, "world")
	a.cursor(doc, 1)
	a.refused(wire.DocumentError, "JoinDocument first")
	a.annotate(doc, "x")
	a.refused(wire.DocumentError, "JoinDocument first")
	a.leave(doc)
	a.refused(wire.DocumentError, "JoinDocument first")
	a.join(doc)
	a.raw(fmt.Sprintf(`{"CursorUpdate":{"document_id":%q,"user_id":%q,"position":{"line":-1,"column":0},"timestamp":%q}}`, doc, a.user, someTime))
	a.refused(wire.DocumentError, "position.line")
	a.raw(`{"Error":{"code":"X","message":"mine"}}`) // is not answered
	a.fence()
}

// TestFramesThatEndIt: too large, binary, and the token's end.
func TestFramesThatEndIt(t *testing.T) {
	h := newHouse(t, nil)
	a := h.enter(uuid.New())
	a.raw(`"` + strings.Repeat("x", 64<<10-2) + `"`) // as large as may be
	a.refused(wire.ParseError, "a string")
	a.raw(`"` + strings.Repeat("x", 64<<10-1) + `"`)
	a.closedWith(websocket.CloseMessageTooBig)
	b := h.enter(uuid.New())
	if err := b.ws.WriteMessage(websocket.BinaryMessage, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	b.closedWith(websocket.CloseUnsupportedData)
	c := claimsOf(uuid.New())
	c.Expires = time.Now().Add(-2 * time.Second) // two to three seconds of the leeway are left
	late := h.enterAs(c)
	late.refused(wire.AuthError, "expired")
	late.closedWith(4401)
}

// TestWorkspaces: the same id in two workspaces is two documents.
func TestWorkspaces(t *testing.T) {
	h := newHouse(t, nil)
	doc := uuid.New()
	a := h.enter(uuid.New(), wire.SubprotocolAck)
	a.join(doc)
	a.annotate(doc, "ours")
	a.nextNote()
	other := claimsOf(uuid.New())
	other.Workspace = foreign
	b := h.enterAs(other)
	b.join(doc)
	b.fence() // nobody is there, and nothing
	a.fence()
}

// TestRecheck: a document that becomes a world's is left by those who may not join that world.
func TestRecheck(t *testing.T) {
	h := newHouse(t, nil)
	doc := uuid.New()
	a, b := h.enter(uuid.New()), h.enter(uuid.New())
	a.join(doc)
	a.fence()
	b.join(doc)
	b.fenceQuietly()
	a.expect(wire.TagJoinDocument, nil)
	h.worlds.set(doc, a.user)
	h.srv.Recheck()
	b.refused(wire.AuthError, "world")
	a.expect(wire.TagLeaveDocument, nil)
	b.cursor(doc, 1)
	b.refused(wire.AuthError, "world")
	b.join(doc)
	b.refused(wire.AuthError, "world")
	a.fence()
}

// TestNotesOverTheLimits: what is over is refused, is said to be, and is not stored.
func TestNotesOverTheLimits(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*documents.Options)
		taken  int
		words  string
	}{
		"rate":  {func(o *documents.Options) { o.NoteRate = 1e-6 }, 1, "a second"},
		"notes": {func(o *documents.Options) { o.MaxNotes = 7 }, 7, "full: it holds 7"},
		"bytes": {func(o *documents.Options) { o.MaxBytes = 1000 }, 4, "full: it holds 1000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, c.change)
			doc := uuid.New()
			a := h.enter(uuid.New(), wire.SubprotocolAck)
			a.join(doc)
			const sent = 10
			for i := range sent {
				a.annotate(doc, fmt.Sprint(i))
			}
			taken, refused := 0, 0
			for taken+refused < sent {
				switch f := a.next(); f.tag {
				case wire.TagAnnotation:
					taken++
				case wire.TagError:
					var e wire.Error
					if decode(t, f, &e); e.Code != wire.DocumentError || !strings.Contains(e.Message, c.words) || !strings.Contains(e.Message, "not stored") {
						t.Fatalf("%s", f.text)
					}
					refused++
				}
			}
			if taken != c.taken {
				t.Errorf("%d were taken, should be %d", taken, c.taken)
			}
			b := h.enter(uuid.New())
			b.join(doc)
			b.fenceNotes(taken)
		})
	}
}

// TestTypingEnds: an indicator that is not renewed turns false, and the others are told.
func TestTypingEnds(t *testing.T) {
	h := newHouse(t, func(o *documents.Options) { o.Typing = 100 * time.Millisecond })
	doc := uuid.New()
	a, b := h.enter(uuid.New()), h.enter(uuid.New())
	a.join(doc)
	a.fence()
	b.join(doc)
	b.fenceQuietly()
	a.expect(wire.TagJoinDocument, nil)
	b.send(wire.TagTypingIndicator, wire.TypingIndicator{DocumentID: doc, UserID: b.user, IsTyping: true, Timestamp: someTime})
	var m wire.TypingIndicator
	a.expect(wire.TagTypingIndicator, &m)
	if !m.IsTyping {
		t.Error("not typing")
	}
	a.expect(wire.TagTypingIndicator, &m)
	if m.IsTyping || m.UserID != b.user {
		t.Errorf("%+v", m)
	}
	c := h.enter(uuid.New())
	c.join(doc)
	for range 2 {
		var p wire.PresenceUpdate
		c.expect(wire.TagPresenceUpdate, &p)
		if p.IsTyping {
			t.Errorf("%+v", p)
		}
		c.expect(wire.TagPresenceStatus, nil)
	}
}

// TestSlowReader: who does not read slows nobody, loses presence that newer presence replaced, and is closed when its queue
// is full; the others get every note.
func TestSlowReader(t *testing.T) {
	h := newHouse(t, func(o *documents.Options) { o.Queue, o.MaxBytes = 16, 64<<20 })
	doc := uuid.New()
	a, b := h.enter(uuid.New()), h.enter(uuid.New())
	slow := h.enterAs(claimsOf(uuid.New()))
	for _, c := range []*client{slow, a, b} {
		c.join(doc)
		c.fenceQuietly()
	}
	slow.stall()
	content := strings.Repeat("x", wire.MaxContent)
	const atOnce = 8
	for notes, gone := 0, false; !gone; notes += atOnce {
		if notes > 20_000 {
			t.Fatal("it is still there")
		}
		for range atOnce {
			a.annotate(doc, content)
		}
		for got := 0; got < atOnce; {
			switch b.next().tag {
			case wire.TagLeaveDocument:
				gone = true
			case wire.TagAnnotation:
				got++
			}
		}
	}
}

// TestBurstOfCursors: two thousand at once are within the default limit, so that no stale ones wait before the latest.
func TestBurstOfCursors(t *testing.T) {
	h := newHouse(t, func(o *documents.Options) { o.Messages = 0 })
	doc := uuid.New()
	a, b := h.enter(uuid.New()), h.enter(uuid.New())
	a.join(doc)
	a.fence()
	b.join(doc)
	b.fenceQuietly()
	a.fenceQuietly()
	const last = 1999
	for line := range uint64(last + 1) {
		a.cursor(doc, line)
	}
	a.fence() // and no word of a limit
	var m wire.CursorUpdate
	for m.Position.Line != last {
		b.expect(wire.TagCursorUpdate, &m)
	}
}

// TestFlood: a connection over its limit is read more slowly and told so, and is closed when it goes on.
func TestFlood(t *testing.T) {
	h := newHouse(t, func(o *documents.Options) { o.Messages, o.Flooding = 10, 500*time.Millisecond })
	doc := uuid.New()
	a := h.enter(uuid.New())
	a.join(doc)
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() { // until it is closed
		for a.ws.WriteMessage(websocket.TextMessage, wire.Encode(wire.TagCursorUpdate, wire.CursorUpdate{DocumentID: doc, UserID: a.user, Timestamp: someTime})) == nil {
		}
	})
	defer a.ws.Close()
	var e wire.Error
	a.expect(wire.TagError, &e)
	if e.Code != wire.DocumentError || !strings.Contains(e.Message, "a second") {
		t.Errorf("%v", e)
	}
	for !strings.Contains(e.Message, "on end") {
		a.expect(wire.TagError, &e)
	}
	a.closedWith(4429)
}
