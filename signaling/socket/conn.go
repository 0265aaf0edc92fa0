package socket

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

// Errors of a connection that has ended or is ending.
var (
	ErrClosed = errors.New("socket: connection is closed")
	ErrFull   = errors.New("socket: the peer does not read: its queue is full")
)

// CloseError is the end of a connection by a close frame of the peer's.
type CloseError struct {
	Code   int // 1005: it gave none
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("socket: the peer closed the connection: %d %s", e.Code, e.Reason)
}

// Conn is a connection. All of its methods may be called from anywhere and none waits for the peer.
type Conn struct {
	// Static after construction.
	conn    net.Conn        // what is written goes straight to it
	raw     syscall.RawConn // of conn; nil: it has none
	opt     Options
	handler Handler // static after Serve
	done    chan struct{}

	// Owned by the one goroutine that reads.
	in     decoder
	borrow *[]byte // holds what the last read brought
	n      int
	err    error // of the last read

	// Guarded by mu.
	mu       sync.Mutex
	out      outbox
	writing  bool // a drain runs
	pingDue  bool
	pongDue  bool
	pong     string // of the latest ping; RFC 6455, section 5.5.3 lets the earlier ones go unanswered
	missed   int    // pings since the last sign of life
	closing  bool
	echo     bool // the peer has sent its close frame, or will not
	sent     bool // ours is out
	dead     bool
	code     int
	reason   string
	pulse    *time.Timer
	deadline *time.Timer // of the close handshake
}

func newConn(conn net.Conn, o Options) *Conn {
	c := &Conn{conn: conn, raw: rawConn(conn), opt: o, done: make(chan struct{})}
	c.in.limit = int(o.ReadLimit)
	c.out.limit, c.out.limitBytes = o.Queue, o.QueueBytes
	c.mu.Lock()
	c.pulse = time.AfterFunc(o.Heartbeat, c.beat)
	c.mu.Unlock()
	return c
}

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// alive notes a sign of life and says whether the connection is closing.
func (c *Conn) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed = 0
	return c.closing
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
		c.echo = true // who answers no ping does not answer a goodbye: its end is now, not after CloseTimeout
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
