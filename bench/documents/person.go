// Package documents is the load of the documents scenario: people with real WebSockets in one document who move their
// cursors, write annotations, and know of every other what was sent, when, and in which order.
package documents

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/bench/visitor"
	"atrium/signaling/documents/wire"
)

// Person is one connection in a document.
type Person struct {
	User     uuid.UUID
	Document uuid.UUID

	conn  *visitor.Conn
	ended chan struct{}

	cursors atomic.Int64 // delivered to it

	// Guarded by write.
	write sync.Mutex
	lines uint64

	// Guarded by mu.
	mu      sync.Mutex
	others  map[uuid.UUID]uint64 // who is there, with the line that its cursor is on
	notes   []string             // contents, in order
	errors  map[wire.Code]int
	late    []time.Duration // of cursors
	changed chan struct{}   // closed at the next change
}

// Enter connects a user to a node and joins the document.
func Enter(ctx context.Context, o visitor.Office, user, document uuid.UUID) (*Person, error) {
	token, err := o.Token(user, "Person")
	if err != nil {
		return nil, err
	}
	conn, err := visitor.Dial(ctx, o.URL+"/documents", websocket.Dialer{
		Subprotocols: []string{wire.Subprotocol, token, wire.SubprotocolAck}, ReadBufferSize: 32 << 10,
	})
	if err != nil {
		return nil, err
	}
	p := &Person{
		User: user, Document: document, conn: conn, ended: make(chan struct{}), others: map[uuid.UUID]uint64{}, errors: map[wire.Code]int{}, changed: make(chan struct{}),
	}
	go p.read()
	if err := p.Send(wire.TagJoinDocument, wire.JoinDocument{DocumentID: document, UserID: user}); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Close ends the connection.
func (p *Person) Close() {
	p.conn.Close()
	<-p.ended
}

// Send sends a message.
func (p *Person) Send(tag string, m any) error {
	p.write.Lock()
	defer p.write.Unlock()
	return p.conn.Write(wire.Encode(tag, m))
}

// began is what cursors' columns count microseconds from.
var began = time.Now()

// Move puts the cursor on the next line; its column says when.
func (p *Person) Move() error {
	p.lines++
	return p.Send(wire.TagCursorUpdate, wire.CursorUpdate{
		DocumentID: p.Document, UserID: p.User, Position: wire.Position{Line: p.lines, Column: uint64(time.Since(began).Microseconds())}, Timestamp: stamp(),
	})
}

// Annotate writes an annotation.
func (p *Person) Annotate(content string) error {
	return p.Send(wire.TagAnnotation, wire.Annotation{DocumentID: p.Document, UserID: p.User, Content: content, Timestamp: stamp()})
}

func stamp() string { return time.Now().UTC().Format(time.RFC3339Nano) }

func (p *Person) read() {
	defer close(p.ended)
	for {
		_, frame, err := p.conn.ReadMessage()
		if err != nil {
			return
		}
		if !p.cursor(frame) {
			p.take(frame)
		}
	}
}

// cursor reads the frame that comes most, without the cost of reading any.
func (p *Person) cursor(frame []byte) bool {
	const head, user, line, column = `{"CursorUpdate":{"document_id":"`, `","user_id":"`, `","position":{"line":`, `,"column":`
	at := len(head) + 36 + len(user)
	if !bytes.HasPrefix(frame, []byte(head)) || len(frame) < at+36+len(line) {
		return false
	}
	id, err := uuid.ParseBytes(frame[at : at+36])
	number, rest, ok := bytes.Cut(frame[at+36+len(line):], []byte(column))
	number2, _, ok2 := bytes.Cut(rest, []byte("}"))
	n, err1 := strconv.ParseUint(string(number), 10, 64)
	sent, err2 := strconv.ParseInt(string(number2), 10, 64)
	if err != nil || !ok || !ok2 || err1 != nil || err2 != nil {
		return false
	}
	late := time.Since(began) - time.Duration(sent)*time.Microsecond
	p.cursors.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.others[id] = n
	p.late = append(p.late, late)
	return true
}

func (p *Person) take(frame []byte) {
	var tagged map[string]struct {
		User    uuid.UUID     `json:"user_id"`
		Cursor  wire.Position `json:"cursor"`
		Content string        `json:"content"`
		Code    wire.Code     `json:"code"`
	}
	if json.Unmarshal(frame, &tagged) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for tag, m := range tagged {
		switch tag {
		case wire.TagJoinDocument:
			p.others[m.User] = 0
		case wire.TagPresenceUpdate:
			p.others[m.User] = m.Cursor.Line
		case wire.TagLeaveDocument:
			delete(p.others, m.User)
		case wire.TagAnnotation:
			p.notes = append(p.notes, m.Content)
		case wire.TagError:
			p.errors[m.Code]++
		}
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// Cursors counts what was delivered to it.
func (p *Person) Cursors() int64 { return p.cursors.Load() }

// Sent is the line of its own cursor.
func (p *Person) Sent() uint64 { return p.lines }

// Late gives how late cursors were, and forgets it.
func (p *Person) Late() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	late := p.late
	p.late = nil
	return late
}

// Others gives who is there, with each one's line.
func (p *Person) Others() map[uuid.UUID]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	others := make(map[uuid.UUID]uint64, len(p.others))
	for id, n := range p.others {
		others[id] = n
	}
	return others
}

// Notes gives the annotations that it was sent, in order.
func (p *Person) Notes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.notes...)
}

// Errors counts the errors of a code that it was sent.
func (p *Person) Errors(c wire.Code) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.errors[c]
}

// Until waits until what it was told is so, and says when that was.
func (p *Person) Until(ctx context.Context, what string, ok func() bool) (time.Time, error) {
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if ok() {
			return time.Now(), nil
		}
		select {
		case <-changed:
		case <-p.ended:
			return time.Time{}, fmt.Errorf("documents: the connection ended before %s", what)
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("documents: not in time: %s", what)
		}
	}
}
