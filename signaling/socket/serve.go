package socket

import (
	"fmt"
	"sync"
	"time"
)

// Handler is what a connection is served by. Its methods are called one at a time, on a goroutine that comes for them;
// while one takes its time, what the client sends stays in its own socket.
type Handler interface {
	// Frame takes a text frame, which is the handler's own from then on.
	Frame(frame []byte)
	// Ended is called once, last: a *CloseError where the peer said goodbye, and in any case an ErrClosed.
	Ended(err error)
}

// Serve has h take what comes, until the connection ends. It returns at once. A frame that is larger than the limit (1009),
// binary (1003), no UTF-8 (1007) or malformed (1002) closes the connection. While it is closing, what comes is dropped, so that
// the peer's close frame is read.
func (c *Conn) Serve(h Handler) {
	c.handler = h
	go c.wait()
}

// buffers are what sockets are read into. Only a connection that was just read holds one.
var buffers = sync.Pool{New: func() any { b := make([]byte, 4<<10); return &b }}

// wait is where a connection spends its life: until something comes, on a goroutine whose stack never grew beyond the 2 KiB
// that it was born with, and which ends by giving what came to one with a deeper stack. Keep the frames below it small.
func (c *Conn) wait() {
	if c.raw == nil {
		c.readPlain()
	} else if err := c.raw.Read(c.tryRead); err != nil {
		c.err = err
	}
	pass(c)
}

// readPlain reads from a connection that cannot be asked whether it is readable, as one under TLS: it waits with a buffer.
func (c *Conn) readPlain() {
	c.borrow = buffers.Get().(*[]byte)
	c.n, c.err = c.conn.Read(*c.borrow)
}

// came handles what was read.
func (c *Conn) came() {
	n, err := c.n, c.err
	c.n, c.err = 0, nil
	over := false
	if n > 0 {
		err = c.feed((*c.borrow)[:n])
		over = err != nil
	}
	if c.borrow != nil {
		buffers.Put(c.borrow)
		c.borrow = nil
	}
	if !over && err != nil {
		c.kill()
		err = fmt.Errorf("%w: %w", ErrClosed, err)
	}
	if err != nil {
		c.handler.Ended(err)
		return
	}
	go c.wait()
}

// feed takes apart what was read. An error: the peer has said goodbye.
func (c *Conn) feed(p []byte) error {
	for {
		var e event
		e, p = c.in.next(p)
		if e.kind == nothing {
			return nil
		}
		closing := c.alive()
		switch e.kind {
		case text:
			if !closing {
				c.handler.Frame(e.data)
			}
		case ping:
			c.mu.Lock()
			c.pongDue, c.pong = true, string(e.data)
			c.wake()
			c.mu.Unlock()
		case refusal:
			c.Close(e.code, e.reason)
		case goodbye:
			c.answer(e.code)
			return fmt.Errorf("%w: %w", ErrClosed, &CloseError{Code: e.code, Reason: e.reason})
		}
	}
}

// answer answers the peer's close frame. Where both have said it the connection is over.
func (c *Conn) answer(code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.echo = true
	switch {
	case c.dead:
	case !c.closing:
		c.out.clear()
		c.closeLocked(code, "")
	case c.sent:
		c.killLocked()
	}
}

// readable hands over connections of which something was read to who is free to handle it.
var readable = make(chan *Conn)

// linger is how long a goroutine whose stack has grown waits for the next connection. Growing a stack anew for each frame
// would cost more than most frames do.
const linger = 100 * time.Millisecond

// pass gives a connection to a goroutine that has handled others, or to a new one: there are never more than handle
// something at once, and those that did a moment ago.
func pass(c *Conn) {
	select {
	case readable <- c:
	default:
		go work(c)
	}
}

func work(c *Conn) {
	idle := time.NewTimer(linger)
	defer idle.Stop()
	for {
		c.came()
		c = nil
		idle.Reset(linger)
		select {
		case c = <-readable:
		case <-idle.C:
			return
		}
	}
}
