package socket

import (
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
)

// Presence is the latest frame about a user.
type Presence struct {
	User  uuid.UUID
	Frame []byte
}

// outbox holds what waits to be written. Guarded by Conn.mu.
type outbox struct {
	limit, limitBytes int
	entries, bytes    int
	queue             [][]byte

	presence []Presence
	index    map[uuid.UUID]int // in presence
	gone     int               // of presence, dropped: nil frames

	head, tail []byte // around a batch; nil: each frame by itself
}

// push says false when there is no room. A single entry always fits an empty queue.
func (o *outbox) push(frames [][]byte) bool {
	size := 0
	for _, f := range frames {
		size += len(f)
	}
	if o.entries > 0 && (o.entries >= o.limit || o.bytes+size > o.limitBytes) {
		return false
	}
	o.entries++
	o.bytes += size
	o.queue = append(o.queue, frames...)
	return true
}

func (o *outbox) latest(p Presence) (replaced bool) {
	if i, ok := o.index[p.User]; ok {
		o.presence[i] = p
		return true
	}
	if o.index == nil {
		o.index = make(map[uuid.UUID]int)
	}
	o.index[p.User] = len(o.presence)
	o.presence = append(o.presence, p)
	return false
}

func (o *outbox) dropPresence(user uuid.UUID) {
	if i, ok := o.index[user]; ok {
		delete(o.index, user)
		o.presence[i].Frame = nil
		o.gone++
	}
}

func (o *outbox) clearPresence() {
	clear(o.index)
	clear(o.presence)
	o.presence, o.gone = o.presence[:0], 0
}

func (o *outbox) clear() {
	o.queue, o.entries, o.bytes = nil, 0, 0
	o.presence, o.index, o.gone = nil, nil, 0
}

func (o *outbox) empty() bool { return len(o.queue) == 0 && len(o.presence) == o.gone }

// load is what one drain takes at a time.
type load struct {
	queue      [][]byte
	presence   []Presence
	head, tail []byte
	ping, pong bool
	pongData   string
	close      bool
	code       int
	reason     string
}

// wake starts a drain where there is something to write. Called with mu held.
func (c *Conn) wake() {
	if c.writing || c.dead || !(c.closing || c.pingDue || c.pongDue || !c.out.empty()) {
		return
	}
	c.writing = true
	go c.drain()
}

// drain writes all that is ready and flushes once, until nothing is left. There is at most one; it ends with the
// connection, since each flush has a deadline and kill closes what it writes to.
func (c *Conn) drain() {
	var l load
	for c.take(&l) {
		if err := c.write(&l); err != nil {
			c.kill()
			return
		}
		if l.close {
			c.mu.Lock()
			c.sent = true // and writing stays true: nothing may follow a close frame
			if c.echo {
				c.killLocked()
			}
			c.mu.Unlock()
			return
		}
	}
}

func (c *Conn) take(l *load) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(l.queue)
	clear(l.presence)
	if c.dead || !(c.closing || c.pingDue || c.pongDue || !c.out.empty()) {
		c.writing = false
		// What an idle connection keeps is small: the queue grows anew, the presence lane keeps its array.
		if c.out.presence == nil {
			c.out.presence = l.presence[:0]
		}
		return false
	}
	o := &c.out
	l.queue, o.queue = o.queue, l.queue[:0]
	o.entries, o.bytes = 0, 0
	l.presence, o.presence = o.presence, l.presence[:0]
	o.gone = 0
	clear(o.index)
	l.head, l.tail = o.head, o.tail
	l.ping, l.pong, l.pongData = c.pingDue, c.pongDue, c.pong
	c.pingDue, c.pongDue, c.pong = false, false, ""
	l.close, l.code, l.reason = c.closing, c.code, c.reason
	return true
}

func (c *Conn) write(l *load) (err error) {
	buf := c.cork.cork()
	defer func() {
		if e := c.cork.uncork(buf); err == nil {
			err = e
		}
	}()
	for _, f := range l.queue {
		if err := c.ws.WriteMessage(websocket.TextMessage, f); err != nil {
			return err
		}
	}
	if err := c.writePresence(l); err != nil {
		return err
	}
	control := func(typ int, data []byte) error {
		return c.ws.WriteControl(typ, data, time.Now().Add(c.opt.WriteTimeout))
	}
	if l.pong {
		if err := control(websocket.PongMessage, []byte(l.pongData)); err != nil {
			return err
		}
	}
	if l.close {
		data := []byte{} // 1005: a close frame without a code is answered in kind
		if l.code != websocket.CloseNoStatusReceived {
			data = websocket.FormatCloseMessage(l.code, l.reason)
		}
		return control(websocket.CloseMessage, data)
	}
	if l.ping {
		return control(websocket.PingMessage, nil)
	}
	return nil
}

func (c *Conn) writePresence(l *load) error {
	if l.head == nil {
		for _, p := range l.presence {
			if p.Frame == nil {
				continue
			}
			if err := c.ws.WriteMessage(websocket.TextMessage, p.Frame); err != nil {
				return err
			}
		}
		return nil
	}
	size := len(l.head) + len(l.tail)
	for _, p := range l.presence {
		size += len(p.Frame) + 1
	}
	batch := append(make([]byte, 0, size), l.head...)
	for _, p := range l.presence {
		if p.Frame == nil {
			continue
		}
		if len(batch) > len(l.head) {
			batch = append(batch, ',')
		}
		batch = append(batch, p.Frame...)
	}
	if len(batch) == len(l.head) {
		return nil
	}
	return c.ws.WriteMessage(websocket.TextMessage, append(batch, l.tail...))
}
