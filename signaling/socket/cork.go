package socket

import (
	"net"
	"sync"
	"time"
)

// corkConn lies beneath gorilla/websocket, which writes each frame by itself: while it is corked, writes are
// gathered, and uncorking sends them as one. Only the drain corks; what gorilla writes on its own account while
// nothing is corked (the close frame after a protocol error) goes straight through.
type corkConn struct {
	net.Conn
	timeout time.Duration

	mu     sync.Mutex
	corked bool
	buf    []byte
}

// corkFlush is when a drain sends what it has: large enough for a presence tick of a full zone, small enough
// that a burst of large frames is not copied into one huge buffer.
const corkFlush = 64 << 10

var corkBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

func (c *corkConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.corked {
		return c.Conn.Write(p)
	}
	c.buf = append(c.buf, p...)
	if len(c.buf) >= corkFlush {
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// SetWriteDeadline is gorilla's, before each frame. While corked nothing is written then; flush sets its own.
func (c *corkConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.corked {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}

func (c *corkConn) cork() *[]byte {
	buf := corkBuffers.Get().(*[]byte)
	c.mu.Lock()
	c.corked, c.buf = true, (*buf)[:0]
	c.mu.Unlock()
	return buf
}

func (c *corkConn) uncork(buf *[]byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.flush()
	if cap(c.buf) <= 2*corkFlush {
		*buf = c.buf[:0]
	}
	corkBuffers.Put(buf)
	c.corked, c.buf = false, nil
	return err
}

// flush is called with mu held.
func (c *corkConn) flush() error {
	if len(c.buf) == 0 {
		return nil
	}
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return err
	}
	_, err := c.Conn.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}
