package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/signaling/protocol"
)

// Errors of a connection that has ended or is ending.
var (
	ErrClosed = errors.New("socket: connection is closed")
	ErrFull   = errors.New("socket: the peer does not read: its queue is full")
)

// Conn is a connection. Read is for one goroutine, which goes on calling it until it fails; everything else
// may be called from anywhere and never waits for the peer.
type Conn struct {
	// Static after construction.
	ws   *websocket.Conn // reads
	conn net.Conn        // under ws; what is written goes straight to it
	opt  Options
	done chan struct{}

	// Guarded by mu.
	mu       sync.Mutex
	out      outbox
	writing  bool // a drain runs
	pingDue  bool
	pongDue  bool
	pong     string // of the latest ping; RFC 6455, section 5.5.3 lets the earlier ones go unanswered
	missed   int    // pings since the last sign of life
	closing  bool
	echo     bool // the peer has sent its close frame
	sent     bool // ours is out
	dead     bool
	code     int
	reason   string
	pulse    *time.Timer
	deadline *time.Timer // of the close handshake
}

func newConn(ws *websocket.Conn, o Options) *Conn {
	c := &Conn{ws: ws, conn: ws.NetConn(), opt: o, done: make(chan struct{})}
	c.out.limit, c.out.limitBytes = o.Queue, o.QueueBytes
	// gorilla's own handlers write from the reading goroutine; these leave it to the one writer.
	ws.SetPingHandler(func(data string) error {
		c.mu.Lock()
		c.missed = 0
		c.pongDue, c.pong = true, data
		c.wake()
		c.mu.Unlock()
		return nil
	})
	ws.SetPongHandler(func(string) error { c.alive(); return nil })
	ws.SetCloseHandler(func(int, string) error { return nil })
	c.mu.Lock()
	c.pulse = time.AfterFunc(o.Heartbeat, c.beat)
	c.mu.Unlock()
	return c
}

// Subprotocol is the one that was chosen.
func (c *Conn) Subprotocol() string { return c.ws.Subprotocol() }

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.ws.RemoteAddr() }

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Read waits for the next text frame. It closes the connection for a frame that is larger than the limit
// (1009), binary (1003) or no UTF-8 (1007). While the connection is closing it drops what comes, so that the
// peer's close frame is read; then it fails. When ctx ends, so does the connection.
func (c *Conn) Read(ctx context.Context) ([]byte, error) {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { c.kill() })
		defer stop()
	}
	for { // a connection waits in here: what needs stack is elsewhere
		typ, r, err := c.ws.NextReader()
		if err != nil {
			return nil, c.ended(ctx, err)
		}
		if frame, err := c.readFrame(ctx, typ, r); frame != nil || err != nil {
			return frame, err
		}
	}
}

// readFrame reads a frame that has come; neither a frame nor an error: it was dropped.
func (c *Conn) readFrame(ctx context.Context, typ int, r io.Reader) ([]byte, error) {
	if c.alive() {
		return nil, nil // closing
	}
	if typ != websocket.TextMessage {
		c.Close(protocol.CloseUnsupported, "text frames only")
		return nil, nil
	}
	frame, err := readAll(io.LimitReader(r, c.opt.ReadLimit+1))
	switch {
	case err != nil:
		return nil, c.ended(ctx, err)
	case int64(len(frame)) > c.opt.ReadLimit:
		c.Close(protocol.CloseTooBig, fmt.Sprintf("a frame has at most %d bytes", c.opt.ReadLimit))
		return nil, nil
	case !utf8.Valid(frame):
		c.Close(websocket.CloseInvalidFramePayloadData, "text frames are UTF-8")
		return nil, nil
	}
	return frame, nil
}

// readBuffers take frames whose size is not known yet, so that each costs one allocation of its own size.
var readBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func readAll(r io.Reader) ([]byte, error) {
	b := readBuffers.Get().(*bytes.Buffer)
	defer readBuffers.Put(b)
	b.Reset()
	if _, err := b.ReadFrom(r); err != nil {
		return nil, err
	}
	return append([]byte{}, b.Bytes()...), nil // an empty frame is one too
}

// alive notes a sign of life and says whether the connection is closing.
func (c *Conn) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed = 0
	return c.closing
}

// ended takes a failed read to its end: the peer's close frame is answered, anything else ends at once.
func (c *Conn) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code == websocket.CloseAbnormalClosure {
		c.kill()
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.echo = true
	switch {
	case c.dead:
	case !c.closing:
		c.out.clear()
		c.closeLocked(closed.Code, "")
	case c.sent: // both have said it
		c.killLocked()
	}
	return fmt.Errorf("%w: %w", ErrClosed, err)
}

// Close flushes what is queued, says goodbye and ends the connection, all within Options.CloseTimeout. It does
// not wait. The first call counts.
func (c *Conn) Close(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(code, reason)
}

func (c *Conn) closeLocked(code int, reason string) {
	if c.closing || c.dead {
		return
	}
	const mostReason = 123 // RFC 6455, section 5.5: control frames carry 125 bytes, two of them the code
	if len(reason) > mostReason {
		reason = reason[:mostReason]
		for !utf8.ValidString(reason) {
			reason = reason[:len(reason)-1]
		}
	}
	c.closing, c.code, c.reason = true, code, reason
	c.pulse.Stop()
	c.deadline = time.AfterFunc(c.opt.CloseTimeout, c.kill)
	c.wake()
}

func (c *Conn) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killLocked()
}

func (c *Conn) killLocked() {
	if c.dead {
		return
	}
	c.dead, c.closing = true, true
	c.out.clear()
	c.pulse.Stop()
	if c.deadline != nil {
		c.deadline.Stop()
	}
	_ = c.conn.Close()
	close(c.done)
}

// beat is the heartbeat.
func (c *Conn) beat() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	if c.missed >= 2 {
		c.out.clear()
		c.closeLocked(protocol.CloseTimeout, "two heartbeats were not answered")
		return
	}
	c.missed++
	c.pingDue = true
	c.wake()
	c.pulse.Reset(c.opt.Heartbeat)
}

// Send queues a frame. It never blocks: a full queue closes the connection (1008) and is an error. The frame
// must not change afterwards; one frame may be sent to many connections.
func (c *Conn) Send(frame []byte) error { return c.SendAll([][]byte{frame}) }

// SendAll queues frames that belong together as one entry of the queue, so that what a join tells about each
// of many peers does not look like a reader that is slow.
func (c *Conn) SendAll(frames [][]byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return ErrClosed
	}
	if !c.out.push(frames) {
		c.out.clear()
		c.closeLocked(protocol.CloseSlowReader, "the queue is full: read faster")
		return ErrFull
	}
	c.wake()
	return nil
}

// SendPresence replaces the latest presence by a tick's, but for the entries that are the receiver's own. It says how many
// were replaced before they were sent.
func (c *Conn) SendPresence(t *Tick, own Own) (replaced int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || t.Len() == own.N {
		return 0
	}
	replaced = c.out.presence.add(t, own, c.out.batches())
	c.wake()
	return replaced
}

// DropPresence forgets what the presence of keys is and was not sent yet: the user left.
func (c *Conn) DropPresence(keys ...uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		c.out.presence.drop(key, c.out.batches())
	}
}

// ClearPresence forgets all presence that was not sent yet: the receiver left.
func (c *Conn) ClearPresence() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.presence = lane{}
}

// BatchPresence joins the presence that is ready at once into one frame: head, the payloads with commas, tail. It comes
// before any presence.
func (c *Conn) BatchPresence(head, tail []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.head, c.out.tail = head, tail
}
